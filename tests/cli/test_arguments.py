import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from pong_agent import ConfigError
from pong_agent.bounds import Count, Share
from pong_agent.cli.app import main
from pong_agent.cli.arguments import Output, check_output, checked, expanded

MATCH = ["play", "--agent-vs-agent", "pretrained", "pretrained", "--games", "1"]
MATCH += ["--max-frames", "60"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "--sticky", "1.5"], "sticky: expected a number from 0 to 1, found 1.5"),
        (["evaluate", "--sticky", "nan"], "sticky: expected a number from 0 to 1, found nan"),
        (["evaluate", "--difficulty", "4"], "difficulty: expected an int from 0 to 3, found 4"),
        (["evaluate", "--noop-max", "-1"], "noop_max: expected an int from 0 to 1000, found -1"),
        (["evaluate", "--frameskip", "0"], "frameskip: expected an int from 1 to 1000, found 0"),
        (["evaluate", "--episodes", str(10**9)], "episodes: expected an int from 1 to 1000000"),
        (["evaluate", "--seed", str(10**20)], "seed: expected an int from 0 to 1e+18"),
        (["record", "--seed", "-1"], "seed: expected an int from 0 to 1e+18, found -1"),
        (["report", "--workers", "0"], "workers: expected an int from 1 to 256, found 0"),
        (["export", "--run-folder", "r", "--output", "w", "--episodes", "0"], "episodes: expected"),
        ([*MATCH, "--scale", "99"], "scale: expected an int from 1 to 20, found 99"),
        ([*MATCH, "--sticky", "-1e400"], "sticky: expected a number from 0 to 1, found -inf"),
        ([*MATCH, "--max-frames", "0"], "max_frames: expected an int from 1 to 1000000000"),
        (["evaluate", "--weights", "there.mp4", "--json", "./there.mp4"], "json: expected another"),
        (["evaluate", "--json", "."], "json: . cannot be written: it is a folder"),
        (["report", "-o", "/dev/null/a.html"], "output: /dev/null/a.html cannot be written: Not a"),
        ([*MATCH, "--video", "link.mp4"], "video: link.mp4 cannot be written: No such file or"),
        ([*MATCH, "--video", "there.mp4"], "video: expected a new file, found there.mp4"),
        ([*MATCH, "--json", "loop"], "json: loop cannot be written: Too many levels of symbolic"),
        ([*MATCH, "--json", "a" * 300], "cannot be written: File name too long"),
        ([*MATCH, "--json", "/dev/fd/99"], "json: /dev/fd/99 cannot be written: No such file"),
    ],
)
def test_an_impossible_option_is_told_before_any_work(tmp_path, monkeypatch, capsys, args, message):
    """Exit code 1, one line on standard error, nothing on standard output, no file."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("there.mp4").touch()
    Path("link.mp4").symlink_to("missing/match.mp4")
    assert main(args) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert sorted(map(str, Path().iterdir())) == ["link.mp4", "loop", "there.mp4"]


def test_a_write_protected_file_is_refused(tmp_path, monkeypatch):
    """The superuser may write to it, so the check asks the system."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    (tmp_path / "a.json").touch()
    with pytest.raises(ConfigError, match=r"^json: .*a.json cannot be written: it is write-prot"):
        check_output(tmp_path / "a.json", "json")


def test_outputs_that_can_be_written_pass(tmp_path):
    """Folders may be missing; links, devices and open descriptors are followed."""
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "there.json")
    for path in (tmp_path / "a" / "b" / "c.json", link, Path("/dev/null"), Path("/dev/stdout")):
        check_output(path, "json")
    assert list(tmp_path.iterdir()) == [link]


def test_a_tilde_is_the_home_folder_wherever_a_path_comes_in(tmp_path, monkeypatch, capsys):
    """On the command line, in a file of options, and as its name; other paths stay as given."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "options.toml"
    file.write_text('[plot]\nruns = ["~/runs/a", "runs/b"]\noutput = "~/curves.png"\n')
    assert main(["plot", "--config=~/options.toml", "--print-config"]) == 0
    options = tomllib.loads(capsys.readouterr().out)["plot"]
    assert options["runs"] == [f"{tmp_path}/runs/a", "runs/b"]
    assert options["output"] == f"{tmp_path}/curves.png"
    assert main(["train", "--run-folder=~/runs/c", "--print-config"]) == 0
    options = tomllib.loads(capsys.readouterr().out)["train"]
    assert options["run_folder"] == f"{tmp_path}/runs/c"
    assert main(["play", "--against", "~/w.npz"]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}/w.npz: no such file\n"


def test_a_path_that_cannot_be_resolved_is_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"^config: ~nobody-here/x cannot be resolved"):
        expanded("~nobody-here/x", "config")


def test_nested_options_and_tuples_are_checked():
    """Each number in a tuple has its bounds, and configurations within commands are checked."""

    @dataclass(frozen=True)
    class Inner:
        share: Share = 0.5

    @dataclass(frozen=True)
    class Command:
        inner: Inner = Inner()
        seeds: tuple[Count, ...] = (1,)
        output: Output | None = None

    assert checked(Command(seeds=(3,))) == Command(seeds=(3,))
    for command, message in [
        (Command(seeds=(1, 0)), "seeds: expected an int of 1 or more, found 0"),
        (Command(seeds=()), "seeds: expected one value or more, found none"),
        (Command(inner=Inner(2.0)), "share: expected a number from 0 to 1, found 2.0"),
        (Command(output=Path("/")), "output: / cannot be written: it is a folder"),
    ]:
        with pytest.raises(ConfigError, match=message):
            checked(command)


def test_json_on_standard_output_stands_alone(capfd):
    """Other lines go to standard error, so that the output can be read by another program."""
    assert main([*MATCH, "--json", "/dev/stdout"]) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["first"] == "pretrained"
    assert "first won 0 and lost 0 of 0 finished games" in printed.err
