"""The paddle's actions in a vector environment, found by their meanings."""

from types import SimpleNamespace
from typing import Any

from gymnasium.vector import VectorEnv

from pong_agent.actions import PaddleActions
from pong_agent.envs.make import NotPongError, find_paddle_actions


def find_vector_actions(env: VectorEnv) -> PaddleActions:
    """Find the paddle's actions in a vector environment, also one of other processes.

    Raises:
        NotPongError: an environment is not Pong, or has no such actions.
    """
    base: Any = env.unwrapped
    if hasattr(base, "ale"):
        arguments = [_emulator_arguments(env)]
        meanings = [[action.name for action in base.ale.get_action_set()]]
    elif hasattr(base, "get_attr"):
        try:
            arguments = base.get_attr("_ezpickle_kwargs")
            meanings = base.call("get_action_meanings")
        except AttributeError as error:
            raise NotPongError(f"{env}: expected ALE Pong environments: {error}") from error
    else:
        raise NotPongError(
            f"expected a SyncVectorEnv, an AsyncVectorEnv or an AtariVectorEnv, found {env}"
        )
    spec = SimpleNamespace(id=env.spec.id if env.spec else type(base).__name__)
    found = {
        find_paddle_actions(
            SimpleNamespace(
                unwrapped=SimpleNamespace(
                    _ezpickle_kwargs=made_with, get_action_meanings=lambda names=names: names
                ),
                action_space=env.single_action_space,
                spec=spec,
            )
        )
        for made_with, names in zip(arguments, meanings, strict=True)
    }
    return found.pop()  # one action space, so one answer


def _emulator_arguments(env: VectorEnv) -> dict[str, Any]:
    """Return what is known of how the emulator's own vector environment was made.

    Raises:
        NotPongError: it does not step all games together, or mixes two frames into one.
    """
    base: Any = env.unwrapped
    if base.batch_size != base.num_envs:
        raise NotPongError(
            f"{env}: expected batch_size {base.num_envs}, found {base.batch_size}: "
            "all games must be stepped together"
        )
    if env.spec is None:  # made by hand, which leaves no trace: the pictures will show the game
        return {"game": "pong"}
    if env.spec.kwargs.get("maxpool", True):
        raise NotPongError(f"{env}: expected maxpool=False, found frames mixed of two")
    return dict(env.spec.kwargs)
