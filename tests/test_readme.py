import importlib
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import tyro

import pong_agent
from pong_agent.cli import app as cli
from pong_agent.training.config import TrainConfig

ROOT = Path(__file__).parent.parent
FOLDERS = (".", ".github", "scripts", "scripts/*", "pong_agent", "pong_agent/*")
DOCUMENTS = sorted({path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md")})
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
README = TEXTS["README.md"]

# A block, perhaps with the reason above it why it is not executed.
BLOCK = re.compile(
    r"^(?:<!-- not executed: ([^\n]+) -->\n\n?)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)

# Programs that other tests or .ci/run execute.
ELSEWHERE = {"venv", "pip", "ruff", "mypy", "pytest"}


def blocks(language, text):
    """Each block in a language: the reason why it is not executed, None without one, and text."""
    return [
        (reason or None, body) for reason, kind, body in BLOCK.findall(text) if kind == language
    ]


def commands(text):
    """The words of each shell command in a block, and the block's reason."""
    for reason, body in blocks("sh", text):
        for line in re.sub(r"(\\|(?<=&&))\n", " ", body).splitlines():
            if not line.startswith("#"):
                for command in line.split("&&"):
                    yield shlex.split(re.split("[|>]", command)[0]), reason


def inline_code(text):
    """Each piece of code within a sentence or a table."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", BLOCK.sub("", text))]


def program(words):
    """The program that a command runs."""
    return words[2] if words[1:2] == ["-m"] else Path(words[0]).name


def own_arguments(words):
    """The arguments for `pong-agent`, or for a script after its name; None for other programs."""
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


def inline_commands(text):
    """The words of this repository's commands in a sentence or a table; a bare name's help."""
    known = re.compile(r"(pong-agent|python -m pong_agent|python scripts/(?!NAME)\S+)( [-a-z].*)?")
    for code in inline_code(text):
        if known.fullmatch(code) and "|" not in code:
            words = shlex.split(code)
            yield words if len(own_arguments(words)) > 1 else [*words, "--help"]


def all_own_arguments():
    """Each different command line for this repository's programs, from all documents."""
    found = {}
    for text in TEXTS.values():
        for words in [*(words for words, _ in commands(text)), *inline_commands(text)]:
            if args := own_arguments(words):
                found[shlex.join(args)] = args
    return list(found.values())


@pytest.mark.parametrize(
    ("name", "block"),
    [
        pytest.param(name, body, id=f"{name}: {body.splitlines()[0]}")
        for name, text in TEXTS.items()
        for reason, body in blocks("python", text)
        if reason is None
    ],
)
def test_python_blocks_run(name, block, tmp_path, monkeypatch, capsys):
    """Every Python block without a reason runs as it stands, in an empty folder, and prints."""
    monkeypatch.chdir(tmp_path)
    exec(compile(block, name, "exec"), {"__name__": "__main__"})  # noqa: S102  # ours
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_not_executed_says_why(name):
    """Each block is known: text, or Python and shell that is tested or has its reason above it."""
    text = TEXTS[name]
    assert {kind for _, kind, _ in BLOCK.findall(text)} <= {"", "python", "sh"}
    for paragraph in BLOCK.sub("", text).split("\n\n"):
        assert paragraph.count("`") % 2 == 0, paragraph
        assert "```" not in paragraph
    reasons = text.count("<!-- not executed: ") - text.count("`<!-- not executed: ")
    assert reasons == sum(
        reason is not None for kind in ("python", "sh") for reason, _ in blocks(kind, text)
    )
    for reason, body in blocks("python", text):
        if reason is not None:
            compile(body, name, "exec")
    assert unexplained(text) == []


def test_a_command_without_a_reason_would_be_seen():
    """Another program fails the test above, and a line with the reason lets it pass."""
    block = "```sh\n# a note\npython scripts/train.py &&\n  sl --fast \\\n  --far > out\n```\n"
    assert unexplained(block) == ["sl --fast --far"]
    assert unexplained(f"<!-- not executed: needs steam -->\n{block}") == []


class Parsed(BaseException):
    """A command line was accepted."""


def parse_only(*args, parse=tyro.cli, **kwargs):
    """Parse as tyro does, and do not run what was parsed."""
    raise Parsed(parse(*args, **kwargs))


@pytest.mark.parametrize("args", all_own_arguments(), ids=shlex.join)
def test_commands_parse(args, monkeypatch):
    """Every command and script that a document names exists, and knows the options it is given."""
    if args[0] == "tutorial":  # a lesson; its own test runs it
        known = re.findall(r"^    (\w+): ", (ROOT / "scripts" / "lesson.py").read_text(), re.M)
        for word in args[1:]:
            assert not word.startswith("--") or word[2:].replace("-", "_") in known
        return
    monkeypatch.setattr(cli, "read_train_config", lambda _: TrainConfig())
    monkeypatch.setattr(cli, "read_options", lambda _: {"train": {}})
    if (ROOT / "scripts" / args[0]).is_dir():
        main = importlib.import_module(f"{args[0]}.commands").main
        monkeypatch.setattr(tyro, "cli", parse_only)
        with pytest.raises(SystemExit if "--help" in args else Parsed) as ended:
            main(args[1:])
        assert getattr(ended.value, "code", 0) == 0
        return
    if args[-1] == "--help":
        with pytest.raises(SystemExit) as ended:
            cli._parse(args)
        assert ended.value.code == 0
        return
    parsed = cli._parse(args).command
    name = type(parsed).__name__.lower()
    assert name == (args[0] if not args[0].startswith("-") else "train")
    assert (ROOT / "scripts" / f"{name}.py").is_file()


def test_extras_exist():
    """What `pip install` is given in brackets is declared."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r"(?:pong-agent|\.)\[([\w,]+)\]", "".join(TEXTS.values()))
    assert named
    for names in named:
        assert set(names.split(",")) <= set(extras["optional-dependencies"])


def test_the_readme_is_short():
    """A reader gets through it."""
    assert len(README.splitlines()) <= 250


def test_the_first_command_does_the_main_job():
    """It makes an environment, installs, trains, evaluates and records, in lines that fit."""
    first = f"```sh\n{blocks('sh', README)[0][1]}```\n"
    assert [program(words) for words, _ in commands(first)][:2] == ["venv", "pip"]
    called = [args[0] for args in (own_arguments(words) for words, _ in commands(first)) if args]
    assert called == ["train", "evaluate", "record"]
    assert max(len(line) for line in first.splitlines()) < 80


def test_ci_runs_the_test_command():
    """The README's second command stands in .ci/run, with another folder in place of .venv."""
    ci = re.sub(r'"\$environment/test([^"]*)"', r".venv\1", (ROOT / ".ci" / "run").read_text())
    second = blocks("sh", README)[1][1]
    assert second.endswith("pytest\n")
    assert second in ci


def test_every_result_has_its_command():
    """Each row of the README's table of results ends with a command, which a test above parses."""
    table = README.split("## Results")[1].split("##")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 8
    for row in rows:
        assert re.match(r"the same \|$|`(pong-agent|python scripts)", row[-1]), row


def exists(name):
    """Whether a dotted name within the package names a module, or something in one."""
    parts = f"pong_agent.{name}".split(".")
    for n_modules in range(len(parts), 1, -1):
        module = ".".join(parts[:n_modules])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        for part in parts[n_modules:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_every_name_in_the_notebook_table_exists():
    """What the table maps the notebook to can be imported."""
    table = TEXTS["scripts/README.md"].split("| notebook |")[1].split("differences:")[0]
    here = "".join(line.rpartition(" | ")[2] for line in table.splitlines())
    dotted = [code for code in re.findall(r"`([\w.]+)`", here) if "." in code]
    dotted = [name for name in dotted if not name.endswith(".csv")]
    assert len(dotted) > 15
    for name in dotted:
        assert exists(name), name


def test_the_changelog_names_this_version_and_the_new_paths():
    """The version has its section; what its table says to import instead can be imported."""
    [section] = re.findall(
        rf"^## \[{re.escape(pong_agent.__version__)}\].*?(?=^## )",
        TEXTS["CHANGELOG.md"],
        re.M | re.S,
    )
    new = [
        name
        for line in section.splitlines()
        for name in re.findall(r"`pong_agent\.([\w.]+)`", line.rpartition(" | ")[2])
        if line.startswith("| `pong_agent")
    ]
    assert len(new) > 10
    for name in new:
        assert exists(name), name


@pytest.mark.parametrize("name", TEXTS)
def test_files_that_are_named_exist(name):
    """Images and links into the repository lead somewhere; so do paths in the text."""
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", TEXTS[name]):
        assert (ROOT / name).parent.joinpath(target).exists(), target
    for code in inline_code(TEXTS[name]):
        for word in code.split():
            if re.fullmatch(r"(tests|scripts|pong_agent|\.ci|\.github)/[a-z_./]+", word):
                assert (ROOT / word).exists(), word


def test_the_model_card_is_the_shipped_files():
    """The table of the trained weights has the scores, rounded, that the file itself holds."""
    table = TEXTS["pong_agent/weights/README.md"].split("## Scores")[1].split("## ")[0]
    scores = pong_agent.PongAgent.pretrained().model_card["scores"]
    assert len(scores) > 5
    for score in scores:
        low, high = score["confidence_interval_95"]
        cell = f"{score['mean_reward']:+.2f} ({low:+.2f} to {high:+.2f})"
        assert f"`{score['env_id']}`" in table
        assert cell in table
    for cell in re.findall(r"return ([+-][\d.]+ \([^)]+\)) \| `pong-agent evaluate --epi", README):
        assert cell in table


def test_each_lint_exception_states_its_reason():
    """As CONTRIBUTING says: beside the code, and beside each rule in pyproject.toml."""
    reason = re.compile(r"(noqa: [A-Z\d, ]+|type: ignore\[[a-z-]+\])( +#| -) \S")
    for folder in ("pong_agent", "scripts", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text().splitlines():
                exception = re.search(r"# (noqa|type: ignore)\b", line)
                assert exception is None or reason.match(line[exception.start() + 2 :]), line
    settings = (ROOT / "pyproject.toml").read_text()
    ignored = settings.split("\nignore = [\n")[1].split("\n]")[0].splitlines()
    assert all(re.fullmatch(r'    "[A-Z]+\d+", +# \S.*', line) for line in ignored)
