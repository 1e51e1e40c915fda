"""Checks of Ray, started as in training, in a separate process with a deadline."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pong_agent.doctor.check import Check

# Longest name of a Unix socket, without the terminating zero byte.
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
# In Ray's temporary folder, with a process id of the most digits that Linux has.
_SOCKET = "session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"


def check_temporary_path(environment: Mapping[str, str]) -> Check:
    """Check that Ray's temporary folder is writable and short enough for its sockets' names."""
    name = "temporary folder"
    variable = next((one for one in ("RAY_TMPDIR", "TMPDIR") if one in environment), None)
    if variable == "TMPDIR" and not sys.platform.startswith("linux"):
        variable = None  # Ray reads it on Linux only
    folder = Path(environment[variable] if variable else "/tmp")  # noqa: S108  # Ray's own
    length = len(os.fsencode(folder / "ray" / _SOCKET))
    remedy = "export RAY_TMPDIR=/tmp, or another short path that you can write to"
    if length > _LONGEST_SOCKET:
        limit = f"Ray's sockets would have names of {length} bytes, more than {_LONGEST_SOCKET}"
        return Check(name, "FAIL", f"{variable}={folder} is too long: {limit}", remedy)
    try:
        TemporaryDirectory(dir=folder).cleanup()
    except OSError as error:
        return Check(name, "FAIL", f"{folder} cannot be written: {error.strerror}", remedy)
    sockets = f"sockets' names of at most {length} of {_LONGEST_SOCKET} bytes"
    return Check(name, "ok", f"{folder}, {sockets}")


def check_ray(environment: Mapping[str, str], deadline: float = 90.0) -> Check:
    """Check that Ray starts and one worker starts a game, within `deadline` seconds."""
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
    except BaseException as error:  # also Ctrl-C: Ray must not outlive this process
        os.killpg(process.pid, signal.SIGKILL)  # Ray's own processes then end too
        process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return Check(name, "FAIL", f"no worker answered within {deadline:g} s", remedy)
    if process.returncode == 0:
        return Check(name, "ok", printed.strip())
    reasons = errors.strip().splitlines() or [f"exit code {process.returncode}"]
    return Check(name, "FAIL", reasons[-1], remedy)
