"""The interaction loops: whole episodes, and fragments of games."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import PaddleAction
from pong_agent.agent import PongAgent
from pong_agent.bounds import as_flag
from pong_agent.envs.paddle_actions import check_bound
from pong_agent.errors import ConfigError
from pong_agent.learning.builder import TrajectoryBuilder
from pong_agent.learning.trajectory import Trajectory
from pong_agent.seeding import Stream, as_seed, generator
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.observations import pong_pixels
from pong_agent.vision.pixels import Pixels, all_lit_pixels


def rollout(
    agent: PongAgent,
    environments: Sequence[Any],
    seeds: Sequence[int],
    *,
    deterministic: bool = False,
    starts: Sequence[Pixels] | None = None,
) -> list[Trajectory]:
    """Play one whole episode in each environment, all of them in step.

    An episode depends on the agent's weights, the environment and its seed alone: it is the same,
    bit for bit, whatever is played beside it and in whichever process. The agent does not change.

    Args:
        agent: plays; bound to environments of this kind (`PongAgent.bind`).
        environments: N Gymnasium environments that observe raw Pong frames or palette indices.
        seeds: N seeds; each resets its environment and is the root of the generator that samples
            the episode's actions.
        deterministic: take the most probable action instead of sampling one.
        starts: lit pixels of environments that are at an episode's start; by default each
            environment is reset with its seed.

    Returns:
        N trajectories, in the order of the environments.

    Raises:
        ValueError: the numbers of environments and seeds differ.
        ConfigError: environments or seeds are no list, or a seed is no int of 0 or more.
        NotPongError: the agent is not bound to an environment.
        ObservationError: an observation is not a raw Pong frame.

    Example:
        >>> from pong_agent import PongAgent, make_env
        >>> env = make_env("ALE/Pong-v5", max_num_frames_per_episode=100)
        >>> [trajectory] = rollout(PongAgent("reinforce", env=env), [env], [0])
        >>> len(trajectory)
        25
        >>> env.close()
    """
    try:
        environments, seeds = list(environments), [as_seed(seed, "seeds") for seed in seeds]
    except TypeError as error:
        raise ConfigError(f"expected lists of environments and of seeds: {error}") from error
    if len(environments) != len(seeds):
        raise ValueError(
            f"expected one seed for each environment, "
            f"found {len(seeds)} seeds for {len(environments)} environments"
        )
    return list(
        play_in_step(agent, environments, seeds, deterministic=deterministic, starts=starts)
    )


@dataclass
class _Episode:
    """An episode that is being played."""

    number: int  # in the order of the seeds
    env: Any
    builder: TrajectoryBuilder
    actions: np.random.Generator  # samples them


def play_in_step(
    agent: PongAgent,
    environments: Sequence[Any],
    seeds: Sequence[int],
    *,
    deterministic: bool = False,
    starts: Sequence[Pixels] | None = None,
) -> Iterator[Trajectory]:
    """Play one whole episode for each seed, N at a time; yield them in the order of the seeds.

    An environment whose episode ends goes on with the next seed, so that all of them play as long
    as seeds remain. Episodes, arguments and errors are those of `rollout`, except that there may be
    more seeds than environments.
    """
    deterministic = as_flag(deterministic, "deterministic")
    for env in environments:
        check_bound(env, agent.paddle_actions)
    if starts is None:
        starts = [_reset(env, seed) for env, seed in zip(environments, seeds, strict=False)]

    def episode(number: int, env: Any) -> _Episode:
        seed = seeds[number]
        builder = TrajectoryBuilder(seed, agent.config.observation)
        return _Episode(number, env, builder, generator(seed, Stream.EPISODE_ACTIONS))

    playing = [episode(number, env) for number, env in enumerate(environments[: len(seeds)])]
    waiting, fields = deque(range(len(playing), len(seeds))), FieldHistory.start(starts)
    ended, due = dict[int, Trajectory](), 0
    while playing:
        uniforms = None if deterministic else _draw([one.actions for one in playing])
        actions = agent.decide(fields, uniforms).actions.tolist()
        frames, ends = [], []
        for one, field, action in zip(playing, fields.current, actions, strict=True):
            frame, reward, terminated, truncated, _ = one.env.step(agent.paddle_actions[action])
            end = terminated or truncated
            one.builder.append(field, action=PaddleAction(action), reward=reward, end=end)
            frames.append(frame)
            ends.append(end)
        following = all_lit_pixels(frames)
        if not any(ends):
            fields = fields.push(following)
            continue
        alive = []
        for row, (one, end) in enumerate(zip(playing, ends, strict=True)):
            if end:
                ended[one.number] = one.builder.build(following[row])
            if end and waiting:
                playing[row] = episode(waiting.popleft(), one.env)
                following[row] = _reset(one.env, playing[row].builder.seed)
            if not end or playing[row] is not one:
                alive.append(row)
        fields = fields.push(following, np.array(ends)).take(alive)
        playing = [playing[row] for row in alive]
        while due in ended:
            yield ended.pop(due)
            due += 1


def _reset(env: Any, seed: int) -> Pixels:
    """Start an episode and return the lit pixels of its first frame."""
    frame, _ = env.reset(seed=seed)
    return pong_pixels(frame, first=True)


def rollout_fragment(
    agent: PongAgent,
    environments: Sequence[Any],
    fields: FieldHistory,
    n_steps: int,
    generators: Sequence[np.random.Generator],
) -> tuple[list[Trajectory], FieldHistory]:
    """Play a fixed number of steps in each environment, through the ends of episodes.

    An environment whose episode ends is reset without a seed, so its random draws continue.

    Args:
        agent: plays.
        environments: N Gymnasium environments in the middle of their episodes.
        fields: current and previous fields of the N games.
        n_steps: agent steps to play in each environment.
        generators: N generators that sample the actions.

    Returns:
        N trajectories of `n_steps` steps, with the actions' probabilities, and the fields to
        continue from.
    """
    kind = agent.config.observation
    builders = [  # the caller knows what the episodes have so far
        TrajectoryBuilder(observation=kind, previous=previous, return_before=0.0, steps_before=0)
        for previous in fields.previous
    ]
    for _ in range(n_steps):
        actions, probabilities = agent.decide(fields, _draw(generators))
        frames, ends = [], []
        for game, (env, action) in enumerate(zip(environments, actions.tolist(), strict=True)):
            frame, reward, terminated, truncated, _ = env.step(agent.paddle_actions[action])
            end = terminated or truncated
            builders[game].append(
                fields.current[game],
                action=PaddleAction(action),
                reward=reward,
                end=end,
                probabilities=probabilities[game],
            )
            if end:
                frame, _ = env.reset(options=start_options(agent, generators[game]))
            frames.append(frame)
            ends.append(end)
        fields = fields.push(all_lit_pixels(frames), np.array(ends))
    trajectories = [
        builder.build(following)
        for builder, following in zip(builders, fields.current, strict=True)
    ]
    return trajectories, fields


def _draw(generators: Sequence[np.random.Generator]) -> NDArray[np.float64]:
    """Return one uniform number from each generator."""
    return np.array([one.random() for one in generators])


def start_options(agent: PongAgent, noops: np.random.Generator) -> dict[str, int] | None:
    """Return the options of a reset without a seed; `noops` draws the number of no-ops."""
    if not agent.config.noop_max:
        return None
    return {"noops": int(noops.integers(agent.config.noop_max + 1))}
