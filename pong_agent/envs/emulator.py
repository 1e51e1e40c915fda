"""Emulator snapshots: save the state of a game, and continue it in any process."""

import functools
from typing import Any

from pong_agent.envs.make import make_env
from pong_agent.errors import ConfigError


def save_emulator(env: Any) -> bytes:
    """Return an emulator snapshot, about 14.5 kB, which includes the emulator's random generator.

    `Pong-v0` draws its frame skip outside the emulator: that generator is not included.
    """
    return bytes(env.unwrapped.ale.cloneState(include_rng=True).serialize())


def restore_emulator(env: Any, state: bytes, last_action: int) -> None:
    """Restore an emulator snapshot; the game then continues bit for bit, in any process.

    ALE's states omit the action that a sticky draw repeats. So `last_action`, an index that is 0
    (NOOP) at the start of an episode, is played first, from a fixed state whose next draw is known
    not to be sticky. The environment must have been reset at least once.

    Raises:
        ConfigError: the snapshot is damaged, or another version of ale-py wrote it.
    """
    import ale_py

    ale = env.unwrapped.ale
    ale.restoreState(ale_py.ALEState(_fixed_state()))
    ale.act(env.unwrapped._action_set[last_action])
    try:
        ale.restoreState(ale_py.ALEState(state))
    except (SystemError, ValueError) as error:
        raise ConfigError(
            f"expected an emulator snapshot of ale-py {ale_py.__version__}, found another: {error}"
        ) from error


@functools.cache
def _fixed_state() -> bytes:
    """Return a state whose next draw is not sticky (tested)."""
    env = make_env("ALE/Pong-v5")
    env.reset(seed=0)
    state = save_emulator(env)
    env.close()
    return state
