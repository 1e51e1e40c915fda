"""What commands print, into a pipe and on narrow terminals."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from pong_agent.cli.output import sentence, table

BAR = """
import sys
from pong_agent.cli.output import progress_bar

with progress_bar(2, "games") as advance:
    advance()
    print("from within")
    advance("ignored")
print("after")
"""


def test_a_row_is_a_line_however_long_its_path(monkeypatch):
    """Columns are aligned, nothing is cut or wrapped, and markup is text."""
    monkeypatch.setenv("COLUMNS", "50")
    path = f"videos/[bold]{'x' * 120}.mp4"
    lines = table(("seed", "return", "<video"), [("7", "+21", path), ("10000", "-3", ":x:")])
    assert lines.splitlines() == [
        " seed  return  video",
        f"    7     +21  {path}",
        "10000      -3  :x:",
    ]


def test_a_bar_is_silent_where_there_is_no_terminal():
    ran = subprocess.run([sys.executable, "-c", BAR], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("from within\nafter\n", "")


@pytest.mark.parametrize("columns", [50, 80])
def test_a_bar_is_drawn_on_standard_error_and_removed(columns):
    """It fits the terminal; standard output, here a pipe, has only what is printed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    ran = subprocess.run(
        [sys.executable, "-c", BAR],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        check=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    assert ran.stdout == "from within\nafter\n"
    shown = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", drawn)
    for state in ("0/2 games", "1/2 games", "2/2 games"):
        assert state in shown
    assert max(map(len, re.split("[\r\n]+", shown))) <= columns
    assert drawn.endswith("\x1b[2K")


def test_sentences_are_wrapped_on_a_terminal_alone(monkeypatch):
    """Between words; a long path stays whole."""
    text = "a mean of +19.50, and runs/a-folder/whose-name/is-long"
    monkeypatch.setenv("COLUMNS", "20")
    assert sentence(text) == text
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert sentence(text).splitlines() == [
        "a mean of +19.50,",
        "and",
        "runs/a-folder/whose-name/is-long",
    ]
