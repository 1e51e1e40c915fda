"""All checks, ordered so that a failure explains those after it."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from pong_agent.doctor import game, machine, packages, ray_check
from pong_agent.doctor.check import Check


def checks(
    environment: Mapping[str, str], folder: Path, *, ray: bool = True
) -> list[Callable[[], Check]]:
    """Return the checks, to be called in order; `folder` is the one for runs and videos."""
    every: list[Callable[[], Check]] = [
        packages.check_python,
        packages.check_packages,
        packages.check_extras,
        partial(game.check_rom, environment.get("ALE_ROMS_DIR")),
        *(partial(game.check_environment, env_id) for env_id in game.ENV_IDS),
        game.check_weights,
        partial(machine.check_ffmpeg, environment.get("IMAGEIO_FFMPEG_EXE")),
        partial(machine.check_blas, environment),
        partial(machine.check_disk, folder),
        machine.check_shared_memory,
        partial(machine.check_display, environment),
        partial(ray_check.check_temporary_path, environment),
    ]
    return [*every, partial(ray_check.check_ray, environment)] if ray else every
