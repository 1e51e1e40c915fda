"""Playing whole episodes with an agent, and honest statistics about them."""

import copy
import functools
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.config import environment_kwargs
from pong_agent.envs.make import make_env
from pong_agent.errors import ConfigError
from pong_agent.learning.batch import Trajectory
from pong_agent.rollout import rollout

_CONFIDENCE = 0.95
_IN_STEP = 5  # episodes that a process plays at a time, half the cost of one after the other
_RESAMPLES = 10_000  # of the bootstrap; the interval's ends then move by about 1 % of its width


class Outcome(NamedTuple):
    """What an evaluation keeps of an episode: very long ones weigh more than 100 MB.

    Attributes:
        seed: the episode's seed.
        episode_return: undiscounted sum of its rewards.
        length: its agent steps.
    """

    seed: int
    episode_return: float
    length: int

    @classmethod
    def of(cls, trajectory: Trajectory) -> Self:
        """Read it off a trajectory."""
        return cls(trajectory.seed, trajectory.episode_return, len(trajectory))


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation found, episode by episode.

    Attributes:
        env_id: which environment was played.
        deterministic: whether the most probable action was taken (greedy) or a sampled one.
        returns: [n] undiscounted sum of each episode's rewards; -21 to 21 in Pong.
        lengths: [n] agent steps of each episode.
        seeds: [n] each episode's seed.
    """

    env_id: str
    deterministic: bool
    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    seeds: tuple[int, ...]

    @classmethod
    def from_outcomes(
        cls, outcomes: Iterable[Outcome], *, env_id: str, deterministic: bool
    ) -> Self:
        """Gather what is kept of each episode."""
        outcomes = list(outcomes)
        return cls(
            env_id=env_id,
            deterministic=deterministic,
            returns=tuple(outcome.episode_return for outcome in outcomes),
            lengths=tuple(outcome.length for outcome in outcomes),
            seeds=tuple(outcome.seed for outcome in outcomes),
        )

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        """Standard deviation of the returns (population, as Stable-Baselines3 reports it)."""
        return float(np.std(self.returns))

    @property
    def confidence_interval(self) -> tuple[float, float] | None:
        """95 % percentile bootstrap interval of the mean return, None for a single episode."""
        return bootstrap_interval(self.returns)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary that JSON can hold."""
        return {
            "env_id": self.env_id,
            "deterministic": self.deterministic,
            "n_eval_episodes": len(self.returns),
            "mean_reward": self.mean,
            "std_reward": self.std,
            "confidence_interval_95": self.confidence_interval,
            "episodes": [
                {"seed": seed, "return": episode_return, "length": length}
                for seed, episode_return, length in zip(
                    self.seeds, self.returns, self.lengths, strict=True
                )
            ],
        }


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % percentile bootstrap interval of a mean, None for a single value.

    B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.

    Example:
        >>> bootstrap_interval([1.0, 2.0, 3.0, 4.0])
        (1.5, 3.5)
    """
    if len(values) < 2:
        return None
    from scipy.stats import bootstrap  # 0.5 s that the agent's users need not pay

    interval = bootstrap(
        (np.array(values, float),),
        np.mean,
        confidence_level=_CONFIDENCE,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),  # the same values give the same interval
    ).confidence_interval
    return float(interval.low), float(interval.high)


def evaluate_policy(
    agent: PongAgent,
    env_id: str | None = None,
    n_eval_episodes: int = 10,
    deterministic: bool = True,
    seed: int = 0,
    *,
    env_kwargs: dict[str, Any] | None = None,
    n_workers: int = 1,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> EvaluationResult:
    """Play whole episodes with an agent and report their returns.

    The agent is not changed: neither its random generator nor the frames that it remembers, nor
    the actions that it is bound to.

    Args:
        agent: who plays.
        env_id: a Pong environment; by default the one the agent learns in.
        n_eval_episodes: number of episodes, 1 or more.
        deterministic: take the most probable action; otherwise actions are sampled.
        seed: episode i has the seed `seed + i`, 0 or more.
        env_kwargs: arguments of `make_env`, e.g. `{"difficulty": 1}`; by default none, or where
            `env_id` is not given either, those of the environment the agent learns in.
        n_workers: processes that play at the same time; the results do not depend on it.
        on_episode: called with each episode, in order, as it ends.

    Returns:
        Per-episode returns, lengths and seeds, with mean, standard deviation and interval.

    Raises:
        ConfigError: the number of episodes or the seed is out of range.
        NotPongError: the environment is not Pong.

    Example:
        >>> from pong_agent import PongAgent
        >>> result = evaluate_policy(PongAgent("reinforce"), "ALE/Pong-v5", n_eval_episodes=1)
        >>> -21 <= result.mean <= 21
        True
    """
    seeds = episode_seeds(n_eval_episodes, seed)
    env_id, kwargs = environment_of(agent, env_id, env_kwargs)
    env = make_env(env_id, **kwargs)  # also so that a wrong one fails here, in one clear error
    try:
        if n_workers == 1:
            outcomes = play_episodes(agent, env, seeds, deterministic, on_episode)
        else:
            play = functools.partial(_play_in_step, agent, env_id, kwargs, deterministic)
            outcomes = _in_processes(play, seeds, n_workers, on_episode)
    finally:
        env.close()
    return EvaluationResult.from_outcomes(outcomes, env_id=env_id, deterministic=deterministic)


def _in_processes(
    play: Callable[[Sequence[int]], list[Trajectory]],
    seeds: Sequence[int],
    n_workers: int,
    on_episode: Callable[[Trajectory], None] | None,
) -> list[Outcome]:
    groups = [seeds[first : first + _IN_STEP] for first in range(0, len(seeds), _IN_STEP)]
    outcomes = []
    # Spawned, because the emulator and Ray have threads that a fork would not copy.
    with ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn")) as pool:
        for group in pool.map(play, groups):
            for trajectory in group:
                outcomes.append(Outcome.of(trajectory))
                if on_episode is not None:
                    on_episode(trajectory)
    return outcomes


def _play_in_step(
    agent: PongAgent,
    env_id: str,
    kwargs: dict[str, Any],
    deterministic: bool,
    seeds: Sequence[int],
) -> list[Trajectory]:
    """Play one episode for each seed, all in step: the same episodes as one after the other."""
    environments = [make_env(env_id, palette=True, **kwargs) for _ in seeds]
    player = copy.copy(agent).bind(environments[0])
    try:
        return rollout(player, environments, seeds, deterministic=deterministic)
    finally:
        for env in environments:
            env.close()


def environment_of(
    agent: PongAgent, env_id: str | None, kwargs: dict[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """Return id and arguments of the environment to play: those given, or the agent's own."""
    if env_id is not None:
        return env_id, kwargs or {}
    return agent.config.env_id, environment_kwargs(agent.config) if kwargs is None else kwargs


def episode_seeds(n_episodes: int, seed: int) -> range:
    """Return the seeds of an evaluation's episodes, `seed`, `seed + 1`, ...

    Raises:
        ConfigError: the number of episodes is below 1 or the seed below 0.
    """
    if n_episodes < 1:
        raise ConfigError(f"episodes: expected 1 or more, found {n_episodes}")
    if seed < 0:
        raise ConfigError(f"seed: expected 0 or more, found {seed}")
    return range(seed, seed + n_episodes)


def play_episodes(
    agent: PongAgent,
    env: Any,
    seeds: Sequence[int],
    deterministic: bool,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> list[Outcome]:
    """Play one episode for each seed in one environment, which stays open."""
    player = copy.copy(agent).bind(env)  # shares the weights, has its own UP and DOWN
    outcomes = []
    for seed in seeds:
        [trajectory] = rollout(player, [env], [seed], deterministic=deterministic)
        outcomes.append(Outcome.of(trajectory))
        if on_episode is not None:
            on_episode(trajectory)
    return outcomes
