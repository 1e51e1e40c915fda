"""The registered environment's vector form: the emulator's own vector environment, wrapped."""

from typing import Any

import ale_py

from pong_agent.bounds import as_count
from pong_agent.envs.paddle_actions import NotPongError
from pong_agent.envs.spec import checked_kwargs
from pong_agent.envs.vector_wrapper import RAW_FRAMES, PongVectorWrapper
from pong_agent.errors import ConfigError

_SUPPORTED = {
    "autoreset_mode",
    "frameskip",
    "full_action_space",
    "max_num_frames_per_episode",
    "noop_max",
    "num_threads",
    "repeat_action_probability",
    "thread_affinity_offset",
    "use_fire_reset",
}
# The game of `PongEnv`, without the no-ops and the FIRE that ale-py adds.
_DEFAULTS: dict[str, Any] = {"noop_max": 0, "use_fire_reset": False, "reward_clipping": False}
_INSTEAD = 'for this pass vectorization_mode="sync" or "async"'


def make_pong_vector_env(
    num_envs: int,
    *,
    game: str = "pong",
    observation: str = "difference",
    frameskip: int = 4,
    repeat_action_probability: float = 0.25,
    **kwargs: Any,
) -> PongVectorWrapper:
    """Make the emulator's own vector environment, which steps all games in C++ threads.

    It plays the same game as `PongEnv`. Without sticky actions the same seeds give the same
    observations, except that the last one of an episode repeats the one before. Sticky draws
    differ, because ale-py seeds these emulators differently.

    Args:
        num_envs: number of games.
        game: "pong", as registered.
        observation: "difference" or "two_frames", as of `PongEnv`.
        frameskip: emulator frames per action.
        repeat_action_probability: probability that an action is sticky.
        **kwargs: other arguments of ale-py's `AtariVectorEnv`: autoreset_mode, full_action_space,
            max_num_frames_per_episode, noop_max, num_threads, thread_affinity_offset,
            use_fire_reset; by default episodes start without no-ops and without FIRE.

    Raises:
        ConfigError: an argument is out of range, or this environment does not support it.
        NotPongError: the game is not Pong.

    Example:
        >>> import gymnasium as gym
        >>> envs = gym.make_vec("pong_agent:PongAgent/Pong-v5", num_envs=4)
        >>> observations, infos = envs.reset(seed=0)
        >>> observations.shape
        (4, 6400)
        >>> envs.close()
    """
    if game != "pong":
        raise NotPongError(f"expected an ALE Pong environment, found game {game!r}; {_INSTEAD}")
    num_envs = as_count(num_envs, "num_envs")
    checked = checked_kwargs(
        {
            "frameskip": frameskip,
            "repeat_action_probability": repeat_action_probability,
            **kwargs,
        }
    )
    if type(checked["frameskip"]) is not int:
        raise ConfigError(f"frameskip: expected 1 or more, found {frameskip!r}; {_INSTEAD}")
    # None and False ask for nothing: `render_mode=None`, `continuous=False`.
    given = {name: one for name, one in checked.items() if one is not None and one is not False}
    if unsupported := sorted(set(given) - _SUPPORTED):
        name = unsupported[0]
        raise ConfigError(
            f"{name}: expected one of {sorted(_SUPPORTED)}, found {name}={given[name]!r}; "
            f"{_INSTEAD}"
        )
    games = ale_py.AtariVectorEnv(
        game,
        num_envs,
        **_DEFAULTS | given | RAW_FRAMES,
    )
    return PongVectorWrapper(games, observation)
