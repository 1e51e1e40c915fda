"""The one interaction loop: an agent and environments in, trajectories out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.learning.batch import Trajectory, TrajectoryBuilder
from pong_agent.network import choose_actions
from pong_agent.vision.pixels import Pixels, all_lit_pixels

Fields = tuple[Pixels, Pixels]  # lit pixels of the current and of the previous playing field

# Sets the stream that samples actions apart from those that the environment draws from its seed.
_ACTION_STREAM = 1


def rollout(
    agent: PongAgent,
    environments: Sequence[Any],
    seeds: Sequence[int],
    *,
    deterministic: bool = False,
    starts: Sequence[Pixels] | None = None,
) -> list[Trajectory]:
    """Play one whole episode in each environment, all of them in step.

    An episode depends on the agent's weights, the environment and its own seed alone: it is the
    same, bit for bit, whatever is played beside it and in whichever process. The agent itself is
    not changed.

    Args:
        agent: who plays; its paddle's actions must be those of the environments (`PongAgent.bind`).
        environments: N Gymnasium environments whose observations are raw Pong frames, or screens
            as `make_env(..., palette=True)` gives them.
        seeds: N seeds; each resets its environment and is the root of the generator that samples
            the episode's actions.
        deterministic: take the most probable action; by default actions are sampled.
        starts: lit pixels of the playing fields of environments that are at an episode's start; by
            default each is reset with its seed.

    Returns:
        N trajectories, in the order of the environments.

    Raises:
        ValueError: the numbers of environments and seeds differ.
        ObservationError: an observation is not a raw Pong frame.

    Example:
        >>> from pong_agent import PongAgent, make_env
        >>> env = make_env("ALE/Pong-v5", max_num_frames_per_episode=100)
        >>> [trajectory] = rollout(PongAgent("reinforce", env=env), [env], [0])
        >>> len(trajectory)
        25
        >>> env.close()
    """
    environments, seeds = list(environments), [int(seed) for seed in seeds]
    if len(environments) != len(seeds):
        raise ValueError(
            f"expected one seed for each environment, "
            f"found {len(seeds)} seeds for {len(environments)} environments"
        )
    kind = agent.config.observation
    if starts is None:
        resets = [env.reset(seed=seed) for env, seed in zip(environments, seeds, strict=True)]
        starts = all_lit_pixels([frame for frame, _ in resets])
    trajectories, _ = _interact(
        agent,
        environments,
        list(starts),
        list(starts),
        [TrajectoryBuilder(seed, kind) for seed in seeds],
        [None if deterministic else action_generator(seed) for seed in seeds],
    )
    return trajectories


def rollout_fragment(
    agent: PongAgent,
    environments: Sequence[Any],
    fields: Sequence[Fields],
    n_steps: int,
    generators: Sequence[np.random.Generator],
) -> tuple[list[Trajectory], list[Fields]]:
    """Play a fixed number of steps in each environment, through the ends of episodes.

    An environment whose episode ends is reset without a seed, so that its random draws go on.

    Args:
        agent: who plays.
        environments: N Gymnasium environments in the middle of their episodes.
        fields: N pairs of lit pixels, of the current and of the previous playing field.
        n_steps: agent steps to play in each environment.
        generators: N generators that sample the actions.

    Returns:
        N trajectories of `n_steps` steps, with the actions' probabilities, and the N pairs of
        fields to go on with.
    """
    current, previous = (list(part) for part in zip(*fields, strict=True))
    builders = [
        TrajectoryBuilder(observation=agent.config.observation, previous=before)
        for before in previous
    ]
    return _interact(
        agent, list(environments), current, previous, builders, generators, n_steps=n_steps
    )


def _interact(
    agent: PongAgent,
    environments: list[Any],
    current: list[Pixels],
    previous: list[Pixels],
    builders: list[TrajectoryBuilder],
    generators: Sequence[np.random.Generator | None],
    n_steps: int | None = None,
) -> tuple[list[Trajectory], list[Fields]]:
    """Play until each episode's end, or `n_steps` steps in each environment."""
    paddle_actions = agent.paddle_actions
    trajectories: dict[int, Trajectory] = {}
    playing, played = list(range(len(environments))), 0
    while playing and played != n_steps:
        probabilities = agent.action_probabilities(current, previous)
        drawn = [generators[index] for index in playing]
        sampled = [generator.random() for generator in drawn if generator is not None]
        # All games of a call sample their actions, or none does.
        actions = choose_actions(probabilities, np.array(sampled) if sampled else None).tolist()
        noted = [None] * len(playing) if n_steps is None else probabilities
        frames, ends = [], []
        for row, (index, action) in enumerate(zip(playing, actions, strict=True)):
            frame, reward, terminated, truncated, _ = environments[index].step(
                paddle_actions[action]
            )
            end = terminated or truncated
            builders[index].append(
                current[row], action=action, reward=reward, end=end, probabilities=noted[row]
            )
            if end and n_steps is not None:
                frame, _ = environments[index].reset(
                    options=start_options(agent, generators[index])
                )
            frames.append(frame)
            ends.append(end)
        following = all_lit_pixels(frames)
        previous = [
            now if end else before
            for now, before, end in zip(following, current, ends, strict=True)
        ]
        current = following
        played += 1
        if n_steps is None and any(ends):
            for row in np.flatnonzero(ends).tolist():
                trajectories[playing[row]] = builders[playing[row]].build(current[row])
            stay = np.flatnonzero(np.logical_not(ends)).tolist()
            current, previous = ([part[row] for row in stay] for part in (current, previous))
            playing = [playing[row] for row in stay]
    for row, index in enumerate(playing):
        trajectories[index] = builders[index].build(current[row])
    ordered = [trajectories[index] for index in range(len(environments))]
    return ordered, list(zip(current, previous, strict=True))


def start_options(agent: PongAgent, generator: np.random.Generator | None) -> dict[str, int] | None:
    """Return the options of a reset without a seed, its no-ops drawn from the generator given."""
    if not agent.config.noop_max or generator is None:
        return None
    return {"noops": int(generator.integers(agent.config.noop_max + 1))}


def action_generator(seed: int) -> np.random.Generator:
    """Return the generator that samples the actions of the episode with this seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_ACTION_STREAM,)))


def episode_seed(root_seed: int, update: int, index: int) -> int:
    """Derive the seed of one training episode, the same wherever it is played.

    Args:
        root_seed: seed of the run, 0 or more.
        update: number of the update, from 0.
        index: number of the episode within the update, from 0.

    Returns:
        An integer below 2**32.

    Example:
        >>> episode_seed(0, update=0, index=0) != episode_seed(0, update=0, index=1)
        True
    """
    sequence = np.random.SeedSequence(root_seed, spawn_key=(update, index))
    return int(sequence.generate_state(1, dtype=np.uint32)[0])
