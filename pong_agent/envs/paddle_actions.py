"""The paddle's actions in an environment's action space, found by their meanings."""

from typing import Any

import numpy as np

from pong_agent.actions import PaddleActions
from pong_agent.errors import PongError
from pong_agent.vision.frames import FRAME_SHAPE, SCREEN_SHAPE, shape_mistake

# Pong wires the joystick so that RIGHT moves the right paddle up and LEFT moves it down.
_MEANINGS = {"down": "LEFT", "up": "RIGHT", "stay": "NOOP"}


class NotPongError(PongError, ValueError):
    """A Pong agent cannot play this environment; the message says why."""


def find_paddle_actions(env: Any) -> PaddleActions:
    """Find DOWN, UP and STAY in the action space of an environment or a vector environment.

    Their indices are (3, 2, 0) in the default space and (4, 3, 0) in the full one.

    Raises:
        NotPongError: an environment is not Pong, or does not have these actions.

    Example:
        >>> from pong_agent import make_env
        >>> find_paddle_actions(make_env("ALE/Pong-v5", full_action_space=True))
        PaddleActions(down=4, up=3, stay=0)
    """
    if isinstance(env, type) or not hasattr(env, "unwrapped"):
        raise NotPongError(
            f"expected an environment, found {env!r:.60}; make one: make_env('ALE/Pong-v5')"
        )
    found = _find_in(env, env.unwrapped)
    _check_observations(env)
    return found


def check_bound(env: Any, paddle_actions: PaddleActions) -> None:
    """Refuse actions that mean others in an emulator's action space.

    Raises:
        NotPongError: the agent that has these actions is not bound to the environment.
    """
    try:
        found = find_paddle_actions(env)
    except NotPongError:
        return  # an environment that gives its actions no meanings
    if found != paddle_actions:
        raise NotPongError(
            f"{env}: expected the actions {tuple(found)} for DOWN, UP and STAY, found "
            f"{tuple(paddle_actions)}: call agent.bind(env)"
        )


def _find_in(env: Any, base: Any) -> PaddleActions:
    if not hasattr(env, "num_envs"):
        arguments = getattr(base, "_ezpickle_kwargs", {})  # what the emulator was made with
        meanings: list[str] = getattr(base, "get_action_meanings", list)()
        return _find(env, env.action_space, arguments, meanings)
    if hasattr(base, "ale"):  # the emulator's own vector environment
        if base.batch_size != base.num_envs:
            raise NotPongError(
                f"{env}: expected batch_size {base.num_envs}, found {base.batch_size}: "
                "all games must be stepped together"
            )
        # Without a spec its game is unknown: the frames will show it.
        arguments = env.spec.kwargs if env.spec else {"game": "pong", "maxpool": False}
        games = [(arguments, [action.name for action in base.ale.get_action_set()])]
    elif hasattr(base, "get_attr"):
        # Stable-Baselines3 has other names, and its worker processes end after an error.
        call = base.call if hasattr(base, "call") else base.env_method
        try:
            if hasattr(base, "has_attr") and not base.has_attr("_ezpickle_kwargs"):
                raise AttributeError("found others")
            arguments = base.get_attr("_ezpickle_kwargs")
            games = list(zip(arguments, call("get_action_meanings"), strict=True))
        except AttributeError as error:
            raise NotPongError(f"{env}: expected ALE Pong environments: {error}") from error
    else:
        raise NotPongError(
            "expected a SyncVectorEnv, an AsyncVectorEnv or an AtariVectorEnv, or a DummyVecEnv or "
            f"SubprocVecEnv of Stable-Baselines3, found {env}"
        )
    space = env.single_action_space if hasattr(env, "single_action_space") else env.action_space
    found = {_find(env, space, *game) for game in games}
    if hasattr(base, "ale") and arguments.get("maxpool", True):
        raise NotPongError(f"{env}: expected maxpool=False, found frames merged from two")
    return found.pop()  # one action space, so one answer


def _check_observations(env: Any) -> None:
    """Refuse wrappers whose observations no longer hold raw frames; stacks of them do.

    Raises:
        NotPongError: names what the observations are.
    """
    space = getattr(env, "single_observation_space", getattr(env, "observation_space", None))
    shape, dtype = getattr(space, "shape", None), getattr(space, "dtype", None)
    if shape is None or (shape[-3:] == FRAME_SHAPE and dtype == np.uint8):
        return  # the frame may be an entry of a dict
    if (
        shape != env.unwrapped.observation_space.shape or shape != SCREEN_SHAPE
    ):  # `make_env(palette=True)`
        raise NotPongError(
            f"expected raw Pong frames, uint8 of shape {FRAME_SHAPE}, "
            f"found {dtype} of shape {shape}: {shape_mistake(shape, dtype)}"
        )


def _find(env: Any, space: Any, arguments: dict[str, Any], meanings: list[str]) -> PaddleActions:
    name = repr(env.spec.id) if getattr(env, "spec", None) else type(env.unwrapped).__name__
    game, obs_type = arguments.get("game"), arguments.get("obs_type", "rgb")
    if game != "pong":
        raise NotPongError(f"expected an ALE Pong environment, found {name} (game: {game})")
    if obs_type != "rgb":
        raise NotPongError(f"{name}: expected obs_type 'rgb', found {obs_type!r}")
    if getattr(space, "n", None) != len(meanings) or not set(_MEANINGS.values()) <= set(meanings):
        wanted = ", ".join(f"{meaning} ({action})" for action, meaning in _MEANINGS.items())
        raise NotPongError(
            f"{name}: expected a discrete action space whose actions mean {wanted}, "
            f"found {space} for the meanings {meanings}"
        )
    return PaddleActions(**{action: meanings.index(one) for action, one in _MEANINGS.items()})
