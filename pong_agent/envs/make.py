"""Pong environments: made by id, and their actions found by meaning."""

import functools
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pong_agent.actions import PaddleActions
from pong_agent.errors import PongError

if TYPE_CHECKING:
    import gymnasium

# What the right paddle does: with Pong's wiring of the joystick, RIGHT is up and LEFT is down.
_MEANINGS = {"down": "LEFT", "up": "RIGHT", "stay": "NOOP"}


class NotPongError(PongError, ValueError):
    """An environment is not one that a Pong agent can play; the message says why."""


def make_env(
    env_id: str,
    *,
    render_mode: str | None = None,
    noop_max: int = 0,
    palette: bool = False,
    **kwargs: Any,
) -> "gymnasium.Env[Any, Any]":
    """Make an ALE Pong environment, silently.

    Args:
        env_id: e.g. "ALE/Pong-v5" (frame skip 4, sticky actions 0.25) or "Pong-v0" (frame
            skip drawn from 2 to 4 for every action, sticky actions 0.25).
        render_mode: None or "rgb_array".
        noop_max: each episode starts with 0 to so many emulator frames without an action.
        palette: observe the screen as indices of the console's colours, for `rollout`: the same
            game, without the time that RGB frames and Gymnasium's own checks take.
        **kwargs: passed on to the environment, e.g. `difficulty=1`.

    Returns:
        The environment, whose observations are (210, 160, 3) uint8, or (210, 160) with `palette`.

    Raises:
        NotPongError: the id is not registered, or the environment is not Pong seen as RGB frames
            and played with discrete actions.

    Example:
        >>> env = make_env("ALE/Pong-v5")
        >>> find_paddle_actions(env)
        PaddleActions(down=3, up=2, stay=0)
        >>> env.close()
    """
    import ale_py
    import gymnasium

    # Without this every emulator prints a banner of two lines.
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    try:
        with warnings.catch_warnings():
            # Pong-v0 is old on purpose: it is the notebook's.
            warnings.filterwarnings("ignore", message=".*is out of date", category=Warning)
            spec: Any = env_id
            if palette:
                from pong_agent.envs.starts import (
                    PaletteEnv,  # Gymnasium, which acting need not load
                )

                spec = replace(
                    gymnasium.spec(env_id),
                    entry_point=PaletteEnv,
                    order_enforce=False,
                    disable_env_checker=True,
                )
            env = gymnasium.make(spec, render_mode=render_mode, **kwargs)
    except gymnasium.error.Error as error:
        raise NotPongError(
            f"expected the id of a Pong environment such as 'ALE/Pong-v5', "
            f"found {env_id!r}: {error}"
        ) from error
    try:
        find_paddle_actions(env)
    except NotPongError:
        env.close()
        raise
    if noop_max:
        from pong_agent.envs.starts import NoopStart  # Gymnasium, which acting need not load

        env = NoopStart(env, noop_max)
    return env


def find_paddle_actions(env: Any) -> PaddleActions:
    """Find what moves the paddle in a Pong environment's action space, by the actions' meanings.

    Args:
        env: a Gymnasium environment, wrapped or not, or a vector environment that holds several
            as `envs`.

    Returns:
        Indices of DOWN, UP and STAY: (3, 2, 0) in the default space, (4, 3, 0) in the full one.

    Raises:
        NotPongError: the environment is not Pong, or does not have these actions.
    """
    single = env.envs[0] if hasattr(env, "envs") else env
    name = _name(env)
    base = single.unwrapped
    arguments = getattr(base, "_ezpickle_kwargs", {})  # what the emulator was made with
    game = arguments.get("game")
    if game != "pong":
        raise NotPongError(f"expected an ALE Pong environment, found {name} (game: {game})")
    if arguments.get("obs_type", "rgb") != "rgb":
        raise NotPongError(f"{name}: expected obs_type 'rgb', found {arguments['obs_type']!r}")
    if not hasattr(base, "get_action_meanings"):
        raise NotPongError(f"{name}: expected get_action_meanings(), found none")
    meanings = list(base.get_action_meanings())
    n_actions = getattr(single.action_space, "n", None)
    if n_actions != len(meanings) or not set(_MEANINGS.values()) <= set(meanings):
        wanted = ", ".join(f"{meaning} ({name})" for name, meaning in _MEANINGS.items())
        raise NotPongError(
            f"{name}: expected a discrete action space whose actions mean {wanted}, "
            f"found {single.action_space} for the meanings {meanings}"
        )
    return PaddleActions(**{name: meanings.index(one) for name, one in _MEANINGS.items()})


def save_emulator(env: Any) -> bytes:
    """Return the emulator's state, its random draws to come included, about 14.5 kB.

    A frame skip that is drawn, as in `Pong-v0`, is drawn by the environment, outside the emulator:
    its generator is not in here.
    """
    return bytes(env.unwrapped.ale.cloneState(include_rng=True).serialize())


def restore_emulator(env: Any, state: bytes, last_action: int) -> None:
    """Put the emulator of an environment that was reset into a state of `save_emulator`.

    Played on from there the game is the same bit for bit, in whatever process and whatever was
    played in the environment before. ALE keeps one thing outside its states: the action that a
    sticky draw repeats. So a fixed state is restored first, from which the wanted action is
    taken: the draw that comes there is not a sticky one.

    Args:
        env: an environment that was reset at least once.
        state: what `save_emulator` returned.
        last_action: index of the action that was taken last, 0 (NOOP) where an episode starts.
    """
    import ale_py

    ale = env.unwrapped.ale
    ale.restoreState(ale_py.ALEState(_fixed_state()))
    ale.act(env.unwrapped._action_set[last_action])
    ale.restoreState(ale_py.ALEState(state))


@functools.cache
def _fixed_state() -> bytes:
    """Return a state in which the next draw lets the action through (a test sees to it)."""
    env = make_env("ALE/Pong-v5")
    env.reset(seed=0)
    state = save_emulator(env)
    env.close()
    return state


def _name(env: Any) -> str:
    spec = getattr(env, "spec", None)
    return repr(spec.id) if spec is not None else type(getattr(env, "unwrapped", env)).__name__
