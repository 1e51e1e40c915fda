"""Whole episodes of an agent, turned into statistics."""

import copy
import functools
import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.envs.make import make_env
from pong_agent.envs.spec import EnvSpec, own_spec
from pong_agent.errors import ConfigError
from pong_agent.evaluation.result import EvaluationResult, Outcome
from pong_agent.learning.trajectory import Trajectory
from pong_agent.rollout import rollout

_TOGETHER = 5  # episodes that a process plays at the same time, at half the cost of one by one


def evaluate_policy(
    agent: PongAgent,
    env_id: str | EnvSpec | None = None,
    n_eval_episodes: int = 10,
    deterministic: bool = True,
    seed: int = 0,
    *,
    n_workers: int = 1,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> EvaluationResult:
    """Play whole episodes with an agent and report their returns.

    Args:
        agent: the agent, which is not changed: neither its random generator, nor the frames it
            remembers, nor the actions it is bound to.
        env_id: a Pong environment, by its id or as `EnvSpec`; by default the agent's own.
        n_eval_episodes: number of episodes, 1 or more.
        deterministic: take the most probable action; otherwise actions are sampled.
        seed: episode i has the seed `seed + i`, 0 or more.
        n_workers: processes that play at the same time; the results do not depend on it.
        on_episode: called with each episode, in order, as it ends.

    Returns:
        Per-episode returns, lengths and seeds, with mean, standard deviation and interval.

    Raises:
        ConfigError: a number is out of range.
        NotPongError: the environment is not Pong.

    Example:
        >>> from pong_agent import PongAgent
        >>> result = evaluate_policy(PongAgent("reinforce"), "ALE/Pong-v5", n_eval_episodes=1)
        >>> -21 <= result.mean <= 21
        True
    """
    seeds = episode_seeds(n_eval_episodes, seed)
    spec = environment_of(agent, env_id)
    env = make_env(spec)  # also with several processes: a wrong one fails here, with a clear error
    try:
        if n_workers == 1:
            outcomes = play_episodes(agent, env, seeds, deterministic, on_episode)
        else:
            play = functools.partial(_play_together, agent, spec, deterministic)
            groups = [seeds[first : first + _TOGETHER] for first in range(0, len(seeds), _TOGETHER)]
            # Spawned, because a fork would not copy the threads of the emulator and of Ray.
            with ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn")) as pool:
                played = itertools.chain.from_iterable(pool.map(play, groups))
                outcomes = _outcomes(played, on_episode)
    finally:
        env.close()
    return EvaluationResult.from_outcomes(spec.env_id, deterministic, outcomes)


def first_win(
    agent: PongAgent,
    env_id: str | EnvSpec | None = None,
    n_episodes: int = 100,
    deterministic: bool = True,
    seed: int = 0,
    *,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> int:
    """Play episodes until the agent wins one, at most `n_episodes`, and return its seed.

    Raises:
        ConfigError: no episode is won, or a number is out of range.
        NotPongError: the environment is not Pong.
    """
    returns = []
    env = make_env(environment_of(agent, env_id))
    try:
        for one in episode_seeds(n_episodes, seed):
            [outcome] = play_episodes(agent, env, [one], deterministic, on_episode)
            if outcome.episode_return > 0:
                return one
            returns.append(outcome.episode_return)
    finally:
        env.close()
    raise ConfigError(
        f"expected a win within {n_episodes} episodes, found {max(returns):+.0f} as the best return"
    )


def play_episodes(
    agent: PongAgent,
    env: Any,
    seeds: Sequence[int],
    deterministic: bool,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> list[Outcome]:
    """Play one episode for each seed in one environment, which stays open."""
    player = copy.copy(agent).bind(env)  # shares the weights, has its own UP and DOWN
    played = (rollout(player, [env], [seed], deterministic=deterministic) for seed in seeds)
    return _outcomes(itertools.chain.from_iterable(played), on_episode)


def environment_of(
    agent: PongAgent, env_id: str | EnvSpec | None, env_kwargs: Mapping[str, Any] | None = None
) -> EnvSpec:
    """Return the environment to play: the given one, or the one the agent learns in.

    `env_kwargs` are fields of `EnvSpec` that replace its own. Raises ConfigError for unknown ones.
    """
    if env_id is None:
        env_id = own_spec(agent.config)
    spec = env_id if isinstance(env_id, EnvSpec) else EnvSpec(env_id)
    return spec.with_kwargs(env_kwargs)


def episode_seeds(n_episodes: int, seed: int) -> range:
    """Return the seeds `seed`, `seed + 1`, ...; raise ConfigError if a number is out of range."""
    if n_episodes < 1:
        raise ConfigError(f"episodes: expected 1 or more, found {n_episodes}")
    if seed < 0:
        raise ConfigError(f"seed: expected 0 or more, found {seed}")
    return range(seed, seed + n_episodes)


def _outcomes(
    trajectories: Iterable[Trajectory], on_episode: Callable[[Trajectory], None] | None
) -> list[Outcome]:
    """Keep the outcome of each episode, and report the episode as it ends."""
    outcomes = []
    for trajectory in trajectories:
        outcomes.append(Outcome(trajectory.seed, trajectory.episode_return, len(trajectory)))
        if on_episode is not None:
            on_episode(trajectory)
    return outcomes


def _play_together(
    agent: PongAgent, spec: EnvSpec, deterministic: bool, seeds: Sequence[int]
) -> list[Trajectory]:
    """Play one episode for each seed, in lockstep; the episodes are those of `play_episodes`."""
    environments = [make_env(spec, palette=True) for _ in seeds]
    player = copy.copy(agent).bind(environments[0])
    try:
        return rollout(player, environments, seeds, deterministic=deterministic)
    finally:
        for env in environments:
            env.close()
