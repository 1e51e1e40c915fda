"""The paddle's actions in an environment's action space, found by their meanings."""

from typing import Any

from pong_agent.actions import PaddleActions
from pong_agent.errors import PongError

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
    base = env.unwrapped
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
        try:
            arguments = base.get_attr("_ezpickle_kwargs")
            games = list(zip(arguments, base.call("get_action_meanings"), strict=True))
        except AttributeError as error:
            raise NotPongError(f"{env}: expected ALE Pong environments: {error}") from error
    else:
        raise NotPongError(
            f"expected a SyncVectorEnv, an AsyncVectorEnv or an AtariVectorEnv, found {env}"
        )
    found = {_find(env, env.single_action_space, *game) for game in games}
    if hasattr(base, "ale") and arguments.get("maxpool", True):
        raise NotPongError(f"{env}: expected maxpool=False, found frames merged from two")
    return found.pop()  # one action space, so one answer


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
