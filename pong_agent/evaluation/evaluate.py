"""Whole episodes of an agent, turned into statistics."""

import copy
import functools
import itertools
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from math import ceil
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.bounds import as_count
from pong_agent.envs.make import import_module_of, make_env
from pong_agent.envs.spec import EnvSpec, own_spec
from pong_agent.errors import ConfigError
from pong_agent.evaluation.result import EvaluationResult, Outcome
from pong_agent.learning.trajectory import Trajectory
from pong_agent.processes import ALL_CPUS, map_in_processes, usable_cpus
from pong_agent.rollout import play_in_step, rollout
from pong_agent.seeding import as_seed

_IN_STEP = 5  # episodes that a process plays at the same time


def evaluate_policy(
    agent: PongAgent,
    env_id: str | EnvSpec | None = None,
    n_eval_episodes: int = 10,
    deterministic: bool = True,
    seed: int | None = 0,
    *,
    n_workers: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> EvaluationResult:
    """Play whole episodes with an agent and report their returns.

    Args:
        agent: the agent, which is not changed: neither its random generator, nor the frames it
            remembers, nor the actions it is bound to.
        env_id: a Pong environment, by its id or as `EnvSpec`; by default the agent's own.
        n_eval_episodes: number of episodes, 1 or more.
        deterministic: take the most probable action; otherwise actions are sampled.
        seed: episode i has the seed `seed + i`, 0 or more; None draws one.
        n_workers: processes that play at the same time, -1 for as many as there are usable CPUs;
            the results do not depend on it.
        env_kwargs: fields of `EnvSpec`, such as {"difficulty": 1}, which replace those of the
            environment.
        on_episode: called with each episode, in order, as it ends.

    Returns:
        Per-episode returns, lengths and seeds, with mean, standard deviation and interval.

    Raises:
        ConfigError: a number is out of range, or a name in `env_kwargs` is unknown.
        NotPongError: the environment is not Pong.
        ProcessError: with several workers, processes cannot be started or have died.

    Example:
        >>> from pong_agent import PongAgent
        >>> result = evaluate_policy(PongAgent("reinforce"), "ALE/Pong-v5", n_eval_episodes=1)
        >>> -21 <= result.mean <= 21
        True
    """
    seeds = episode_seeds(n_eval_episodes, seed)
    n_workers = usable_cpus() if n_workers == ALL_CPUS else as_count(n_workers, "n_workers")
    spec = environment_of(agent, env_id, env_kwargs)
    if n_workers == 1 or len(seeds) == 1:
        played: Generator[Trajectory] = _play_seeds(agent, spec, deterministic, seeds)
    else:
        played = _play_in_processes(agent, spec, deterministic, seeds, n_workers)
    with closing(played):
        outcomes = _outcomes(played, on_episode)
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
    seeds, spec, returns = episode_seeds(n_episodes, seed), environment_of(agent, env_id), []
    for part in (seeds[:1], seeds[1:]):  # most agents that can win do so at once
        with closing(_play_seeds(agent, spec, deterministic, part)) as played:
            for trajectory in played:
                [outcome] = _outcomes([trajectory], on_episode)
                if outcome.episode_return > 0:
                    return outcome.seed
                returns.append(outcome.episode_return)
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


def episode_seeds(n_episodes: int, seed: int | None) -> range:
    """Return the seeds `seed`, `seed + 1`, ...; raise ConfigError if a number is out of range."""
    first = as_seed(seed)
    return range(first, first + as_count(n_episodes, "episodes"))


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


def _play_seeds(
    agent: PongAgent, spec: EnvSpec, deterministic: bool, seeds: Sequence[int]
) -> Generator[Trajectory]:
    """Play one episode for each seed, in step; the episodes are those of `play_episodes`."""
    with ExitStack() as stack:
        environments = []
        for _ in seeds[:_IN_STEP]:
            environments.append(make_env(spec, palette=True))
            stack.callback(environments[-1].close)
        if len(environments) > 1:
            import scipy.sparse  # noqa: F401  # the network then uses its product for few rows too
        if environments:
            player = copy.copy(agent).bind(environments[0])
            yield from play_in_step(player, environments, seeds, deterministic=deterministic)


def _play_in_processes(
    agent: PongAgent, spec: EnvSpec, deterministic: bool, seeds: Sequence[int], n_workers: int
) -> Generator[Trajectory]:
    """Play like `_play_seeds`, in several processes."""
    make_env(spec, palette=True).close()  # a wrong one fails here, with a clear error
    import gymnasium  # loaded by `make_env`

    # A worker registers the environment as it is registered here, perhaps by a script.
    registered = gymnasium.spec(spec.env_id.rpartition(":")[2])  # its module is imported
    play = functools.partial(_play_group, agent, spec, registered, deterministic)
    size = min(_IN_STEP, ceil(len(seeds) / n_workers))
    groups = [seeds[first : first + size] for first in range(0, len(seeds), size)]
    with closing(map_in_processes(play, groups, n_workers)) as results:
        for group in results:
            yield from group


def _play_group(
    agent: PongAgent, spec: EnvSpec, registered: Any, deterministic: bool, seeds: Sequence[int]
) -> list[Trajectory]:
    """Play one episode for each seed in a worker process."""
    import ale_py  # noqa: F401  # registers its environments
    import gymnasium

    import_module_of(spec.env_id)
    gymnasium.registry.setdefault(registered.id, registered)
    return list(_play_seeds(agent, spec, deterministic, seeds))
