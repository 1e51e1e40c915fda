import io
import json
import os
import subprocess
import sys

import pytest

from pong_agent.cli.app import main
from pong_agent.cli.program import exit_code
from pong_agent.cli.streams import LastingStream

MATCH = "-m pong_agent play --agent-vs-agent pretrained pretrained --games 1 --max-frames 60"


def run_in_shell(folder, command, **variables):
    """Run Python in a shell, which can close standard streams."""
    return subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} {command}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables},
        capture_output=True,
        check=False,
    )


def test_closed_streams_harm_nothing(tmp_path):
    """The files are whole, no text is printed into one, and the exit code is 0."""
    done = run_in_shell(tmp_path, f"{MATCH} --json r.json --video m.mp4 <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert json.loads((tmp_path / "r.json").read_bytes())["first"] == "pretrained"
    assert (tmp_path / "m.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_full_disk_behind_the_output_is_an_error_at_the_end(tmp_path):
    """The files are written; the error is one line and exit code 1."""
    done = run_in_shell(tmp_path, f"{MATCH} --json r.json >/dev/full")
    assert done.returncode == 1
    assert done.stderr == b"error: standard output: [Errno 28] No space left on device\n"
    assert (tmp_path / "r.json").is_file()


def test_an_old_locale_reads_and_writes_names_in_utf_8(tmp_path):
    """The file of options is UTF-8, and so is the name that it holds, on the disk."""
    (tmp_path / "options.toml").write_text('[play]\njson = "r\u00e9sultat.json"\n', "utf-8-sig")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run_in_shell(tmp_path, f"{MATCH} --config options.toml", **locale)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "r\u00e9sultat.json").is_file()


def test_characters_that_an_encoding_lacks_are_escaped(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    assert exit_code(lambda: sys.stdout.write("saved \u7ed3.json") * 0) == 0
    assert raw.getvalue() == b"saved \\u7ed3.json"


def test_a_file_name_that_is_not_utf_8_can_be_printed(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    assert exit_code(lambda: sys.stdout.write(os.fsdecode(b"caf\xe9.json")) * 0) == 0
    assert raw.getvalue() == b"caf\\udce9.json"


@pytest.mark.parametrize(("code", "expected"), [(0, 141), (3, 3)])
def test_a_job_goes_on_when_nobody_reads_its_output(code, expected):
    """The exit code is that of SIGPIPE, or the job's own error."""
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as pipe:  # noqa: PTH123  # a descriptor
        stream = LastingStream(pipe)
        for _ in range(10):
            assert stream.write("lost" * 10_000) == 40_000
        assert stream.exit_code(code) == expected


def test_help_into_a_full_disk_is_an_error(monkeypatch, capsys):
    """The exit code of a program that ends itself tells it, too."""
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as raised:
            main(["--help"])
    assert raised.value.code == 1
    assert "error: standard output: [Errno 28]" in capsys.readouterr().err
