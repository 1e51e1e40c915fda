import re
import shlex
from pathlib import Path

import pytest

import pong_agent
from pong_agent import cli
from pong_agent.training.config import TrainConfig

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.split("\n")[0])
def test_python_blocks_run(block, tmp_path, monkeypatch, capsys):
    """Every Python block of the README runs as it stands, in an empty folder, and prints."""
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102
    assert capsys.readouterr().out


def commands():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if "scripts/" in part]


@pytest.mark.parametrize("command", commands())
def test_commands_parse(command, monkeypatch):
    """Every script that the README calls exists, and knows the options it is given."""
    words = shlex.split(command)
    script = next(index for index, word in enumerate(words) if word.startswith("scripts/"))
    assert (ROOT / words[script]).is_file()
    monkeypatch.setattr(cli, "read_train_config", lambda _: TrainConfig())
    parsed = cli._parse([Path(words[script]).stem, *words[script + 1 :]]).command
    assert type(parsed).__name__.lower() == Path(words[script]).stem


def test_the_main_job_is_among_the_commands():
    """The first command trains, evaluates and records."""
    names = [re.search(r"scripts/(\w+)\.py", command)[1] for command in commands()]
    assert names[:3] == ["train", "evaluate", "record"]


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
    assert line in blocks("sh")[1]


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
