"""Help texts and messages about command lines that cannot be parsed."""

import re

import pytest

import pong_agent
from pong_agent.cli.app import _COMMANDS, main


def shown(capsys, *args):
    """The exit code and both streams of a command line that ends while it is parsed."""
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_without_a_command_there_is_a_short_help(monkeypatch, capsys):
    """Each command has one line at 80 columns; alone it is an error, `--help` is none."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = shown(capsys)
    assert (code, out) == (2, "")
    listed = err.partition("commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == list(_COMMANDS)
    assert "example:\n  pong-agent train" in err
    assert shown(capsys, "--help") == (0, err, "")


def test_the_version_is_printed(capsys):
    assert shown(capsys, "--version") == (0, f"pong-agent {pong_agent.__version__}\n", "")


@pytest.mark.parametrize("name", _COMMANDS)
def test_help_is_plain_and_in_groups(monkeypatch, capsys, name):
    """Every option stands once, in a named group, without tyro's types; 50 columns are enough."""
    monkeypatch.setenv("COLUMNS", "50")
    code, out, _ = shown(capsys, name, "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 50
    assert not re.search(r"default: (None|False|)\)|\[\[|\b(STR|INT|FLOAT)\b|required\)", out)
    for option in ("--config PATH", "--print-config", "--debug", "-h, --help"):
        assert out.count(f"  {option}\n") == 1, option
    assert "\nadvanced:\n" in out
    assert "\noptions:\n" not in out or name in ("doctor", "report")  # of no group


def test_help_names_values_and_what_is_required(monkeypatch, capsys):
    """Required options come first; defaults that say something stay."""
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = shown(capsys, "export", "--help")
    assert out.index("required:\n  --run-folder PATH  Run folder.\n") < out.index("who plays:")
    assert "--episodes N  Episodes per score. (default: 100)" in out
    _, out, _ = shown(capsys, "train", "--help")
    assert "  --hyperparams NAME:VALUE ...\n" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["trian"], "error: unknown command 'trian'; did you mean train? expected one of train, "),
        (["--versoin"], "error: unrecognized"),
        (["train", "--minuts", "3"], "error: unrecognized options: --minuts, 3\nPerhaps you meant"),
        (["train", "--minutes", "x"], "error: --minutes: could not convert string to float: 'x'\n"),
        (["train", "--level"], "        in pong-agent play\nsee pong-agent train --help\n"),
        (["export"], "error: missing from pong-agent export:\n    --run-folder PATH\n"),
    ],
)
def test_a_wrong_command_line_names_what_is_meant(monkeypatch, capsys, args, message):
    """The message is plain text on standard error that fits, and the exit code is 2."""
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = shown(capsys, *args)
    assert (code, out) == (2, "")
    assert message in err
    assert "default: None" not in err
