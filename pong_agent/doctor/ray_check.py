"""Ray, started as training starts it, in a process of its own and within a deadline."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pong_agent.doctor.check import Check

# The longest name of a Unix socket, without the zero byte at its end.
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
# Below Ray's temporary folder, with a process id of as many digits as Linux has at most.
_SOCKET = "session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"


def check_temporary_path(environment: Mapping[str, str]) -> Check:
    """Check that Ray's temporary folder can be written, and leaves room for its sockets' names.

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
        limit = f"Ray's sockets would have names of {length} bytes, at most {_LONGEST_SOCKET} work"
        return Check(name, "FAIL", f"{variable}={folder} is too long: {limit}", remedy)
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        return Check(name, "FAIL", f"{folder} cannot be written: {error.strerror}", remedy)
    found = f"{folder}, sockets' names of at most {length} of {_LONGEST_SOCKET} bytes"
    return Check(name, "ok", found)


def check_ray(environment: Mapping[str, str], deadline: float = 90.0) -> Check:
    """Start Ray and let one worker begin a game.

    Args:
        environment: environment variables of the process that does.
        deadline: seconds after which it is given up.
    """
    name = "Ray"
    remedy = "train without Ray by --workers 0; Ray's logs are in its temporary folder, under ray"
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
    except BaseException:  # Ctrl-C above all: Ray must not go on
        _kill(process)
        raise
    if process.returncode == 0:
        return Check(name, "ok", printed.strip())
    reasons = errors.strip().splitlines() or [f"exit code {process.returncode}"]
    return Check(name, "FAIL", reasons[-1], remedy)


def _kill(process: "subprocess.Popen[str]") -> None:
    """Kill a process and its group; Ray's own processes end with the one that started them."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
