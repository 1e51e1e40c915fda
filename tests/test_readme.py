import re
import shlex
import tomllib
from pathlib import Path

import pytest

import pong_agent
from pong_agent.cli import app as cli
from pong_agent.training.config import TrainConfig

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


# A block, perhaps with the reason above it why it is not executed.
BLOCK = re.compile(
    r"^(?:<!-- not executed: ([^\n]+) -->\n\n?)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)

# What other tests or .ci/run execute, by the program that runs.
ELSEWHERE = {"venv", "pip", "ruff", "mypy", "pytest"}


def blocks(language, text=README):
    """The reason, None where there is none, and the text of each block in a language."""
    return [
        (reason or None, body) for reason, kind, body in BLOCK.findall(text) if kind == language
    ]


def commands(text=README):
    """The words of each shell command, and its block's reason."""
    for reason, body in blocks("sh", text):
        for line in body.splitlines():
            if not line.startswith("#"):
                for command in line.split("&&"):
                    yield shlex.split(re.split("[|>]", command)[0]), reason


def program(words):
    """The program that a command runs."""
    return words[2] if words[1:2] == ["-m"] else Path(words[0]).name


def own_arguments(words):
    """What a command gives to `pong-agent`, None where it is another program."""
    if program(words) == "pong_agent":
        return words[3:]
    if program(words) == "pong-agent":
        return words[1:]
    for index, word in enumerate(words):
        if word.startswith("scripts/"):
            return [Path(word).stem, *words[index + 1 :]]
    return None


def unexplained(text):
    """Commands that no test parses, none executes, and for which no reason is given."""
    return [
        " ".join(words)
        for words, reason in commands(text)
        if own_arguments(words) is None and program(words) not in ELSEWHERE and reason is None
    ]


@pytest.mark.parametrize(
    "block",
    [body for reason, body in blocks("python") if reason is None],
    ids=lambda block: block.split("\n")[0],
)
def test_python_blocks_run(block, tmp_path, monkeypatch, capsys):
    """Every Python block without a reason runs as it stands, in an empty folder, and prints."""
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102
    assert capsys.readouterr().out


def test_what_is_not_executed_says_why():
    """Each block is known: text, or Python and shell that is tested or has its reason above it."""
    assert {kind for _, kind, _ in BLOCK.findall(README)} <= {"", "python", "sh"}
    assert README.count("<!-- not executed: ") == sum(
        reason is not None for kind in ("python", "sh") for reason, _ in blocks(kind)
    )
    for reason, body in blocks("python"):
        if reason is not None:
            compile(body, "README.md", "exec")
    assert unexplained(README) == []


def test_a_command_without_a_reason_would_be_seen():
    """Another program fails the test above, and a line with the reason lets it pass."""
    block = "```sh\n# a note\npython scripts/train.py && sl --fast > out\n```\n"
    assert unexplained(block) == ["sl --fast"]
    assert unexplained(f"<!-- not executed: needs steam -->\n{block}") == []


@pytest.mark.parametrize(
    "args", [own_arguments(words) for words, _ in commands() if own_arguments(words)], ids=" ".join
)
def test_commands_parse(args, monkeypatch):
    """Every command and script that the README calls exists, and knows the options it is given."""
    if args[0] == "tutorial":  # no door to a command, a lesson; its own test runs it
        known = re.findall(r"^    (\w+): ", (ROOT / "scripts" / "tutorial.py").read_text(), re.M)
        for word in args[1:]:
            assert not word.startswith("--") or word[2:].replace("-", "_") in known
        return
    monkeypatch.setattr(cli, "read_train_config", lambda _: TrainConfig())
    monkeypatch.setattr(cli, "read_options", lambda _: {"train": {}})
    parsed = cli._parse(args).command
    name = type(parsed).__name__.lower()
    assert name == (args[0] if not args[0].startswith("-") else "train")
    assert (ROOT / "scripts" / f"{name}.py").is_file()


def test_extras_exist():
    """What `pip install` is given in brackets is declared."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r"(?:pong-agent|\.)\[([\w,]+)\]", README)
    assert named
    for names in named:
        assert set(names.split(",")) <= set(extras["optional-dependencies"])


def test_the_main_job_is_among_the_commands():
    """The first command trains, evaluates and records."""
    called = [args[0] for args in (own_arguments(words) for words, _ in commands()) if args]
    assert called[:3] == ["train", "evaluate", "record"]


def test_every_name_in_the_notebook_table_exists():
    """What the table maps the notebook to can be imported."""
    table = README.split("| notebook | here |")[1].split("Differences")[0]
    dotted = re.findall(
        r"`((?:algorithms|network|observation|rollout|environment)\.[\w.]+)`", table
    )
    assert len(dotted) > 10
    for name in dotted:
        module, attribute = name.rsplit(".", 1)
        assert hasattr(__import__(f"pong_agent.{module}", fromlist=[attribute]), attribute), name


def test_ci_runs_the_test_command():
    """The line that .ci/run looks for is the README's second command."""
    [line] = re.findall(r"^python3 -m venv .*pytest$", README, re.MULTILINE)
    assert line in blocks("sh")[1][1]


def test_files_that_are_named_exist():
    """Pictures and links into the repository lead somewhere; the version is in the changelog."""
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    assert pong_agent.__version__


def test_the_model_card_is_the_shipped_files():
    """The table of the trained weights has the scores, rounded, that the file itself tells."""
    table = README.split("### The trained weights")[1].split("###")[0]
    for score in pong_agent.PongAgent.pretrained().model_card["scores"]:
        low, high = score["confidence_interval_95"]
        cell = f"{score['mean_reward']:+.2f} ({low:+.2f} to {high:+.2f})"
        assert f"`{score['env_id']}`" in table
        assert cell in table
