import os
import subprocess
import sys
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from pong_agent.doctor.machine import (
    check_blas,
    check_disk,
    check_display,
    check_ffmpeg,
    check_shared_memory,
)

# The number of threads after a product of matrices, and the check's finding.
COUNT_THREADS = """
import os
import numpy as np
from pong_agent.doctor.machine import check_blas
matrix = np.ones((300, 300))
matrix @ matrix
print(len(os.listdir("/proc/self/task")))
print(check_blas(os.environ).found)
"""


def test_the_installed_ffmpeg_encodes(monkeypatch):
    """imageio-ffmpeg's own writes H.264 that can be read."""
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    check = check_ffmpeg(None)
    assert (check.status, check.remedy) == ("ok", "")
    assert check.found.startswith("h264 written and read by ")


def test_an_ffmpeg_that_is_not_there_fails(tmp_path, monkeypatch):
    """The message and the remedy name the variable."""
    missing = str(tmp_path / "ffmpeg")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", missing)
    check = check_ffmpeg(missing)
    assert check.status == "FAIL"
    assert f"IMAGEIO_FFMPEG_EXE={missing}" in check.found
    assert "No such file" in check.found
    assert "unset IMAGEIO_FFMPEG_EXE" in check.remedy


def check_in_process(ffmpeg, named):
    """Check in another process: imageio leaves pipes open when ffmpeg ends early."""
    code = f"from pong_agent.doctor.machine import check_ffmpeg; print(check_ffmpeg({named!r}))"
    environment = {**os.environ, "IMAGEIO_FFMPEG_EXE": str(ffmpeg)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )


def test_an_ffmpeg_without_h264_fails(tmp_path):
    """A real ffmpeg without the encoder fails, whatever else it can do."""
    crippled = tmp_path / "ffmpeg"
    words = 'for word; do shift; [ "$word" = libx264 ] && word=gone; set -- "$@" "$word"; done'
    crippled.write_text(f'#!/bin/sh\n{words}\nexec {get_ffmpeg_exe()} "$@"\n')
    crippled.chmod(0o700)
    ran = check_in_process(crippled, str(crippled))
    assert ran.stdout.startswith(f"FAIL  ffmpeg                IMAGEIO_FFMPEG_EXE={crippled}: ")
    assert "or set it to an ffmpeg that has libx264" in ran.stdout
    assert ran.stderr == ""  # not ffmpeg's own lines


def test_another_program_as_ffmpeg_fails():
    """Without the variable, the remedy is to reinstall."""
    printed = check_in_process("/bin/true", None).stdout
    assert printed.startswith("FAIL  ffmpeg ")
    assert "fix: pip install --force-reinstall imageio-ffmpeg" in printed


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by Linux")
@pytest.mark.parametrize("variable", ["", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"])
def test_the_number_of_blas_threads_is_the_real_one(variable):
    """A process has that many threads after a product of matrices."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    environment |= dict([variable.split("=")]) if variable else {}
    command = [sys.executable, "-c", COUNT_THREADS]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    threads, found = ran.stdout.splitlines()
    assert f"openblas: {threads} here" in found


def test_variables_that_slow_workers_down_are_a_warning():
    """They apply to each Ray worker; a value that is no number applies to none. Both are named."""
    assert check_blas({}).status == "ok"
    assert check_blas({"OMP_NUM_THREADS": "1"}).status == "ok"
    many = check_blas({"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": ""})
    assert (many.status, many.remedy.partition(":")[0]) == ("warn", "unset OMP_NUM_THREADS")
    assert "OMP_NUM_THREADS=8 applies to every Ray worker" in many.found
    wrong = check_blas({"OPENBLAS_NUM_THREADS": "two"})
    assert (wrong.status, wrong.remedy) == ("warn", "unset OPENBLAS_NUM_THREADS")
    assert "OPENBLAS_NUM_THREADS=two, expected a whole number" in wrong.found


def test_a_nearly_full_disk_is_reported(tmp_path):
    """Too little room for one run fails, and for several runs warns."""
    assert check_disk(tmp_path, needed=1, comfortable=1).status == "ok"
    tight = check_disk(tmp_path, needed=1, comfortable=2**62)
    full = check_disk(tmp_path, needed=2**62, comfortable=2**62)
    assert [tight.status, full.status] == ["warn", "FAIL"]
    assert "free some space, or work elsewhere" in full.remedy
    assert str(tmp_path) in full.found


def test_a_folder_that_cannot_be_written_fails(tmp_path):
    """The message names it, and the remedy is another folder."""
    check = check_disk(tmp_path / "none")
    assert (check.status, check.remedy) == ("FAIL", "work in a folder that you can write to")
    assert f"{tmp_path / 'none'} cannot be written: No such file" in check.found


def test_shared_memory_that_is_too_small_is_a_warning(tmp_path):
    """The remedy names Docker's option; a system without shared memory needs none."""
    assert check_shared_memory(tmp_path, needed=1).status == "ok"
    assert check_shared_memory(tmp_path / "none").status == "ok"
    check = check_shared_memory(tmp_path, needed=2**62)
    assert check.status == "warn"
    assert "--shm-size" in check.remedy


def test_a_display_that_is_not_there_is_a_warning():
    """SDL then draws off screen, which is no window. The message names the variables."""
    plain = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    unset = check_display({k: v for k, v in plain.items() if k != "SDL_VIDEODRIVER"})
    dummy = check_display(plain | {"SDL_VIDEODRIVER": "dummy"})
    wrong = check_display(plain | {"SDL_VIDEODRIVER": "x11", "DISPLAY": ":987"})
    assert [unset.status, dummy.status, wrong.status] == ["warn"] * 3
    assert "none of DISPLAY, WAYLAND_DISPLAY, SDL_VIDEODRIVER is set" in unset.found
    assert "DISPLAY=:987" in wrong.found
    assert "pong-agent play" in unset.remedy


def test_a_missing_pygame_is_a_warning(monkeypatch):
    """The remedy names the extra."""
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "pygame", raising=False)
    check = check_display({})
    assert (check.status, check.found) == ("warn", "pygame is not installed")
    assert "pip install 'pong-agent[play]'" in check.remedy
