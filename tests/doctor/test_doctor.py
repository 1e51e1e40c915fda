import os
import re

import pytest

from pong_agent.cli.app import main
from pong_agent.cli.doctor import _shown
from pong_agent.doctor.check import Check
from pong_agent.doctor.examine import checks


def test_a_healthy_machine_passes(tmp_path, monkeypatch, capsys):
    """Each check prints a line, none fails, and there are no colours without a terminal."""
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--no-ray"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    found = [line for line in lines if not line.startswith(" ")]
    assert len(found) == len(checks(os.environ, tmp_path, ray=False))
    assert all(re.match(r"(ok  |warn)  \w", line) for line in found)
    assert re.fullmatch(r"\d+ ok, (1 warning|\d+ warnings), 0 failed", last)


def test_a_failure_is_printed_with_its_remedy(tmp_path, monkeypatch, capsys):
    """All other checks still run, and the exit code is 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    assert main(["doctor", "--no-ray"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^FAIL  ffmpeg .*\n +fix: unset IMAGEIO_FFMPEG_EXE", printed, re.MULTILINE)
    assert "\nok    disk " in printed
    assert printed.endswith(", 1 failed\n")


@pytest.mark.parametrize(("columns", "indent"), [(50, 6), (80, 28)])
def test_findings_hang_below_their_beginning(monkeypatch, columns, indent):
    """On a terminal each further line is indented, and only what fails has a fix."""
    monkeypatch.setenv("COLUMNS", str(columns))
    for status, label in (("ok", "a "), ("warn", "a "), ("FAIL", "fix: a ")):
        lines = _shown(Check("disk", status, "found " * 20, "a remedy " * 10), columns).splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[0].startswith(f"{status:<6}disk")
        assert {len(line) - len(line.lstrip()) for line in lines[1:]} == {indent}
        assert any(line.lstrip().startswith(f"{label}remedy") for line in lines)


def test_ray_is_checked_unless_it_is_left_out(tmp_path):
    """It is the last check, because it takes the longest."""
    with_ray = checks({}, tmp_path)
    assert len(with_ray) == 1 + len(checks({}, tmp_path, ray=False))
    assert with_ray[-1].func.__name__ == "check_ray"
