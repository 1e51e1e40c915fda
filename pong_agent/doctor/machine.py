"""Checks of the machine: video encoder, threads, disk, shared memory, display."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pong_agent.doctor.check import Check, first_line
from pong_agent.processes import usable_cpus
from pong_agent.recording.encoder import VideoError, VideoWriter, read_video_info
from pong_agent.training.ray_start import OBJECT_STORE_BYTES

# A checkpoint of preset `ppo` is 26 MB. A run keeps three, the best one and a series of small
# snapshots, and needs room for one more while it writes.
_RUN_BYTES = 200_000_000
_SEVERAL_RUNS_BYTES = 1_000_000_000

# OpenBLAS uses the first of these that is a number above 0.
_BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")

_OPEN_DISPLAY = "import pygame; pygame.display.init(); print(pygame.display.get_driver())"
_WITHOUT_WINDOW = ("dummy", "offscreen")  # SDL uses "offscreen" without a display
_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


def check_ffmpeg(named: str | None) -> Check:
    """Check that ffmpeg writes and reads H.264; `named` is the variable IMAGEIO_FFMPEG_EXE."""
    frames = np.zeros((6, 210, 160, 3), dtype=np.uint8)
    frames[:, 100:116, 80] = 255
    try:
        from imageio_ffmpeg import get_ffmpeg_exe, get_ffmpeg_version

        with TemporaryDirectory() as folder:
            path = Path(folder, "doctor.mp4")
            with VideoWriter(path, scale=2) as video:
                for frame in frames:
                    video.write(frame)
            info = read_video_info(path)
        found = f"{get_ffmpeg_version()} at {get_ffmpeg_exe()}"
    except (VideoError, ImportError, OSError, RuntimeError) as error:
        found = first_line(error).rpartition("doctor.mp4: ")[2]
        remedy = "pip install --force-reinstall imageio-ffmpeg"
        if named:
            found = f"IMAGEIO_FFMPEG_EXE={named}: {found}"
            remedy = "unset IMAGEIO_FFMPEG_EXE, or set it to an ffmpeg that has libx264"
        return Check("ffmpeg", "FAIL", found, remedy)
    return Check("ffmpeg", "ok", f"{info.codec} written and read by {found}")


def check_blas(environment: Mapping[str, str]) -> Check:
    """Report how many threads NumPy's BLAS uses, in this process and in each Ray worker.

    The policy does not use BLAS for its own sums. Ray limits each worker to one thread only if the
    user has set no variable, and N workers with N threads each slow each other down.
    """
    name = "BLAS threads"
    library = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if "openblas" not in library:
        return Check(name, "ok", f"{library}; its number of threads is unknown")
    cpus = usable_cpus()
    given = {one: environment[one] for one in _BLAS_VARIABLES if environment.get(one)}
    numbers = {one: int(text) for one, text in given.items() if text.isdecimal() and int(text) > 0}
    threads = min(next(iter(numbers.values()), cpus), cpus)
    found = f"{library}: {threads} here, of {cpus} CPUs"
    for one, text in given.items():
        if one not in numbers:
            found = f"{found}; {one}={text}, expected a whole number above 0"
            return Check(name, "warn", found, f"unset {one}")
    if many := {one: number for one, number in numbers.items() if number > 1}:
        values = ", ".join(f"{one}={number}" for one, number in many.items())
        remedy = f"unset {' '.join(many)}: Ray then limits each worker to one"
        return Check(name, "warn", f"{found}; {values} applies to every Ray worker too", remedy)
    return Check(name, "ok", f"{found}, 1 in each Ray worker")


def check_disk(
    folder: Path, needed: int = _RUN_BYTES, comfortable: int = _SEVERAL_RUNS_BYTES
) -> Check:
    """Check that a folder is writable, and warn if fewer than `comfortable` bytes are free."""
    name = "disk"
    try:
        TemporaryDirectory(dir=folder).cleanup()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        where = f"{folder} cannot be written: {error.strerror}"
        return Check(name, "FAIL", where, "work in a folder that you can write to")
    found = f"{free / 1e9:,.1f} GB free in {folder}"
    remedy = f"free some space, or work elsewhere: a run takes up to {needed / 1e9:.1f} GB"
    if free < comfortable:
        return Check(name, "FAIL" if free < needed else "warn", found, remedy)
    return Check(name, "ok", found)


def check_shared_memory(
    folder: Path = Path("/dev/shm"),  # noqa: S108  # of Ray's object store
    needed: int = OBJECT_STORE_BYTES,
) -> Check:
    """Check that shared memory has room for Ray's object store, which is slower elsewhere."""
    name = "shared memory"
    if not folder.is_dir():
        return Check(name, "ok", f"no {folder} on this system: Ray uses its temporary folder")
    free = shutil.disk_usage(folder).free
    found = f"{free / 2**20:,.0f} MiB free in {folder}, {needed / 2**20:,.0f} MiB used by Ray"
    if free >= needed:
        return Check(name, "ok", found)
    remedy = f"delete files in {folder}; in Docker, run the container with --shm-size=1g"
    return Check(name, "warn", f"{found}; with less, training is slower", remedy)


def check_display(environment: Mapping[str, str]) -> Check:
    """Check that a window can be opened, which only `pong-agent play` needs."""
    name = "display"
    if find_spec("pygame") is None:
        remedy = "for pong-agent play, pip install 'pong-agent[play]'"
        return Check(name, "warn", "pygame is not installed", remedy)
    # In a separate process, because SDL may exit.
    ran = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", _OPEN_DISPLAY],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "PYGAME_HIDE_SUPPORT_PROMPT": "1"},
    )
    given = [f"{one}={environment[one]}" for one in _DISPLAY_VARIABLES if environment.get(one)]
    variables = ", ".join(given) or f"none of {', '.join(_DISPLAY_VARIABLES)} is set"
    driver = ran.stdout.strip()
    if ran.returncode == 0 and driver not in _WITHOUT_WINDOW:
        return Check(name, "ok", f"pygame opens a window with {driver} ({variables})")
    return Check(
        name,
        "warn",
        f"pygame cannot open a window: {variables}",
        "for pong-agent play, log in at a desktop or use ssh -X; all else works without a display",
    )
