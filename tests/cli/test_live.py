"""The command in a real pseudo-terminal, and what it draws at fixed widths."""

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from datetime import timedelta
from math import nan
from pathlib import Path

import pytest
from rich.console import Console

from pong_agent.cli.live import State, sparkline, view
from pong_agent.training.run_folder import RunFolder

TRAIN = Path(__file__).parents[2] / "scripts" / "train.py"
METRICS = {
    "time/total_timesteps": 1_443_584,
    "time/fps": 6603.2,
    "rollout/ep_rew_mean": -12.3,
    "rollout/episodes": 212,
    "rollout/ep_len_mean": 2345.6,
    "train/entropy_loss": -0.512,
    "train/learning_rate": 1e-3,
    "train/approx_kl": 0.0098,
    "train/explained_variance": 0.61,
    "train/clip_fraction": 0.12,
}
STATE = State(
    METRICS,
    returns=(-20.5, -21, -15, -10.86, -12.3),
    evaluations=(1.5, -3.2),
    done=0.45,
    limit="10 minutes",
    elapsed=270.0,
    remaining=331.0,
)
SHOW_CURSOR, ESCAPES = "\x1b[?25h", re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")


def in_terminal(*args, columns=80, stop_at=None, **environment):
    """Run `train` in a terminal; return its exit code and its output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, TRAIN, "--workers", "0", *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        written += part
        if stop_at is not None and re.search(stop_at, written.decode(errors="ignore")):
            process.send_signal(signal.SIGINT)
            stop_at = None
    os.close(ours)
    return process.wait(), written.decode()


def lines_of(state, width, **options):
    console = Console(width=width, file=io.StringIO())
    console.print(view(state, width, **options))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_terminal_shows_the_metrics_in_place(tmp_path):
    """After three updates at 80 columns there is one table, a full bar and a cursor."""
    hyperparams = ["--hyperparams", "n_envs:1", "hidden_units:4", "fragment_steps:640"]
    args = ["--updates", "3", "--run-folder", str(tmp_path / "run"), *hyperparams]
    code, written = in_terminal(*args)
    assert code == 0
    last_row = RunFolder(tmp_path / "run").read_metrics()[-1]
    final = ESCAPES.sub("", written[written.rindex("episodes") - 200 :])
    assert f"{int(last_row['time/total_timesteps']):,} " in final
    assert f"{float(last_row['train/approx_kl']):.4f} nats" in final
    assert f"{float(last_row['rollout/ep_rew_mean']):+.2f} best -" in final
    assert "100% of 3 updates" in final
    assert all(len(ESCAPES.sub("", line)) <= 80 for line in re.split("[\r\n]+", written)[1:-4])
    assert written.index(SHOW_CURSOR) < written.index("saved ")
    elapsed = timedelta(seconds=round(float(last_row["time/time_elapsed"])))
    assert f"{elapsed} elapsed" in final  # the clock of metrics.csv
    assert re.search(
        r"\nsaved .*/update-000003\.npz\s+next: pong-agent evaluate .*run\s+pong-agent record",
        written.replace(SHOW_CURSOR, "\n"),
    )
    assert "Traceback" not in written


def test_ctrl_c_gives_the_terminal_back(tmp_path):
    """Stopped at 50 columns and without colours, it saves and shows the cursor."""
    args = ["--run-folder", str(tmp_path / "run"), "--hyperparams", "n_envs:1", "hidden_units:4"]
    code, written = in_terminal(*args, columns=50, stop_at="episodes ", NO_COLOR="1")
    assert code == 130
    assert written.index(SHOW_CURSOR) < written.index("saved ")
    assert "stopped by SIGINT; continue with --resume" in written
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", written)  # no colour
    assert "Traceback" not in written


def test_a_dumb_terminal_gets_lines(tmp_path):
    """A terminal that cannot redraw in place gets the lines of a log file."""
    args = ["--run-folder", str(tmp_path / "run"), "--hyperparams", "n_envs:1", "hidden_units:4"]
    code, written = in_terminal(*args, "--updates", "1", TERM="dumb")
    assert code == 0
    assert "128 steps  return" in written
    assert "\x1b" not in written


@pytest.mark.parametrize("width", [96, 80, 60, 40, 20])
def test_it_fits_any_width(width):
    """No line is wider, and the main metrics are shown."""
    lines = lines_of(STATE, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for shown in ("-12.30", "1,443,584", "0.512", "0.0098", "0.61", "-3.20", "45% of 10"):
        assert shown in text
    if width >= 40:
        assert "best -10.86" in text
        assert "best +1.50" in text
        assert " ".join(lines).replace("  ", " ").endswith("0:04:30 elapsed, 0:05:31 left")


def test_missing_metrics_are_not_shown():
    """Before the first update there are none; `reinforce` has no divergence."""
    before = lines_of(State({}, limit="10 minutes"), 80)
    assert len(before) == 2
    assert before[1].endswith("0% of 10 minutes, 0:00:00 elapsed")
    few = {name: value for name, value in METRICS.items() if "approx_kl" not in name}
    few["rollout/ep_rew_mean"] = nan  # no episode has ended
    state = replace(STATE, metrics=few, returns=(), evaluations=())
    text = "\n".join(lines_of(state, 80))
    assert "approx_kl" not in text
    assert "evaluation" not in text
    assert "nan" not in text


def test_terminals_without_blocks_have_no_curve():
    """On an ASCII terminal only the curve is left out."""
    blocks = "▁▂▃▄▅▆▇█"
    assert any(block in line for line in lines_of(STATE, 80) for block in blocks)
    assert not any(
        block in line for line in lines_of(STATE, 80, ascii_only=True) for block in blocks
    )


def test_sparklines_hide_noise():
    """Returns that hardly differ are a flat line; no width or no values give none."""
    assert sparkline([-20.0, -20.05, -20.0], 3) == "▁▁▁"
    assert sparkline([1.0, 2.0], 0) == sparkline([], 10) == ""
    assert sparkline(list(range(80)), 8) == "▁▂▃▄▅▆▇█"
