"""Checks of the game: the ROM, the environments, and the package's trained weights."""

import io
from contextlib import closing, redirect_stdout
from pathlib import Path

import gymnasium as gym
import numpy as np

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.doctor.check import Check, first_line
from pong_agent.weights_file.archive import CheckpointError

ENV_IDS = ("ALE/Pong-v5", "PongAgent/Pong-v5")

_REINSTALL = "pip install --force-reinstall --no-deps"


def check_rom(roms_dir: str | None) -> Check:
    """Check Pong's ROM and its checksum; `roms_dir` is the variable ALE_ROMS_DIR of ale-py."""
    name = "Pong ROM"
    remedy = "unset ALE_ROMS_DIR" if roms_dir else f"{_REINSTALL} ale-py"
    try:
        from ale_py import roms

        with redirect_stdout(io.StringIO()):  # ale-py prints ALE_ROMS_DIR
            path = roms.get_rom_path("pong")
    except (ImportError, OSError) as error:
        found = str(error).replace("\n", " ") or type(error).__name__
        return Check(name, "FAIL", found, remedy)
    if path is None:
        return Check(name, "FAIL", "this ale-py does not know Pong", remedy)
    return Check(name, "ok", f"{path}, with the checksum that ale-py expects")


def check_environment(env_id: str) -> Check:
    """Check that an environment is registered and plays an agent step."""
    try:
        import ale_py

        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no banner
        with redirect_stdout(io.StringIO()):  # as above
            env = gym.make(env_id)
        with closing(env):
            observation, _ = env.reset(seed=0)
            env.step(env.action_space.sample())
    except OSError as error:
        return Check(env_id, "FAIL", first_line(error), "fix the Pong ROM first, see there")
    except (gym.error.Error, ImportError, RuntimeError) as error:
        owner = "ale-py 'gymnasium[atari]'" if env_id.startswith("ALE/") else "pong-agent"
        return Check(env_id, "FAIL", first_line(error), f"{_REINSTALL} {owner}")
    found = f"registered, plays; observations are {observation.shape} {observation.dtype}"
    return Check(env_id, "ok", found)


def check_weights(path: Path = PRETRAINED) -> Check:
    """Check that the package's trained weights load and act."""
    try:
        agent = PongAgent.load(path)
    except CheckpointError as error:
        return Check("weights", "FAIL", first_line(error), f"{_REINSTALL} pong-agent")
    agent.act(np.zeros((210, 160, 3), dtype=np.uint8))
    trained = f"{agent.progress.agent_steps:,} agent steps of training"
    return Check("weights", "ok", f"{path}, {path.stat().st_size / 1e6:.1f} MB, {trained}")
