"""Which of many episodes to film."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.errors import ConfigError
from pong_agent.evaluation.evaluate import evaluate_policy
from pong_agent.learning.batch import Trajectory


def extreme_seed(
    agent: PongAgent,
    env_id: str | None = None,
    n_episodes: int = 10,
    *,
    sign: int = 1,
    deterministic: bool = True,
    seed: int = 0,
    env_kwargs: dict[str, Any] | None = None,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> int:
    """Play episodes and return the seed of the best one, or with `sign` -1 of the worst.

    Of several with one return it is the first. The other arguments are those of `evaluate_policy`.

    Raises:
        ConfigError: the number of episodes or the seed is out of range.
        NotPongError: the environment is not Pong.
    """
    result = evaluate_policy(
        agent,
        env_id,
        n_episodes,
        deterministic,
        seed,
        env_kwargs=env_kwargs,
        on_episode=on_episode,
    )
    return result.seeds[int(np.argmax(sign * np.array(result.returns)))]


def first_win(
    agent: PongAgent,
    env_id: str | None = None,
    n_episodes: int = 100,
    *,
    deterministic: bool = True,
    seed: int = 0,
    env_kwargs: dict[str, Any] | None = None,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> int:
    """Play episodes until the agent wins one, that is, until a return is above 0.

    At most `n_episodes` are played; the other arguments are those of `evaluate_policy`.

    Returns:
        The seed of the episode that is won.

    Raises:
        ConfigError: none of the episodes is won, or the seed is out of range.
        NotPongError: the environment is not Pong.
    """
    returns = []
    for number in range(n_episodes):
        result = evaluate_policy(
            agent,
            env_id,
            1,
            deterministic,
            seed + number,
            env_kwargs=env_kwargs,
            on_episode=on_episode,
        )
        if result.mean > 0:
            return seed + number
        returns.append(result.mean)
    raise ConfigError(
        f"expected a win within {n_episodes} episodes, found {max(returns):+.0f} as the best return"
    )
