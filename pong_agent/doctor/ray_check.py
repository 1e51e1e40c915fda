"""Checks of Ray, started as in training, in a separate process with a deadline."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pong_agent.doctor.check import Check

# Longest name of a Unix socket, without the terminating zero byte.
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
# In Ray's temporary folder, with a process id of the most digits that Linux has.
_SOCKET = "session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"


def check_temporary_path(environment: Mapping[str, str]) -> Check:
    """Check that Ray's temporary folder is writable and short enough for its sockets' names.

    Args:
        environment: environment variables, of which Ray reads RAY_TMPDIR and TMPDIR.
    """
    name = "temporary folder"
    variable = next((one for one in ("RAY_TMPDIR", "TMPDIR") if one in environment), None)
    if variable == "TMPDIR" and not sys.platform.startswith("linux"):
        variable = None  # Ray reads it on Linux only
    folder = Path(environment[variable] if variable else "/tmp")  # noqa: S108  # Ray's own
    socket = folder / "ray" / _SOCKET
    length = len(os.fsencode(socket))
    remedy = "export RAY_TMPDIR=/tmp, or another short path that you can write to"
    if length > _LONGEST_SOCKET:
        limit = f"Ray's sockets would have names of {length} bytes, more than {_LONGEST_SOCKET}"
        return Check(name, "FAIL", f"{variable}={folder} is too long: {limit}", remedy)
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        return Check(name, "FAIL", f"{folder} cannot be written: {error.strerror}", remedy)
    found = f"{folder}, sockets' names of at most {length} of {_LONGEST_SOCKET} bytes"
    return Check(name, "ok", found)


def check_ray(environment: Mapping[str, str], deadline: float = 90.0) -> Check:
    """Check that Ray starts and one worker starts a game.

    Args:
        environment: environment variables of the process that starts Ray.
        deadline: seconds after which the check fails.
    """
    name = "Ray"
    remedy = "train without Ray with --workers 0; Ray's logs are in its temporary folder, under ray"
    process = subprocess.Popen(  # our own program
        [sys.executable, "-m", "pong_agent.doctor.ray_probe"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        _kill(process)
        return Check(name, "FAIL", f"no worker answered within {deadline:g} s", remedy)
    except BaseException:  # mainly Ctrl-C: Ray must not outlive this process
        _kill(process)
        raise
    if process.returncode == 0:
        return Check(name, "ok", printed.strip())
    reasons = errors.strip().splitlines() or [f"exit code {process.returncode}"]
    return Check(name, "FAIL", reasons[-1], remedy)


def _kill(process: "subprocess.Popen[str]") -> None:
    """Kill a process and its group; Ray's own processes then end too."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
