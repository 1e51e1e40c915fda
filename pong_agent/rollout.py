"""The one interaction loop: an agent and environments in, trajectories out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.batch import Trajectory, TrajectoryBuilder
from pong_agent.network import choose_up

# Sets the stream that samples actions apart from those that the environment draws from its seed.
_ACTION_STREAM = 1


def rollout(
    agent: PongAgent,
    environments: Sequence[Any],
    seeds: Sequence[int],
    *,
    deterministic: bool = False,
) -> list[Trajectory]:
    """Play one whole episode in each environment, all of them in step.

    An episode depends on the agent's weights, the environment and its own seed alone: it is the
    same, bit for bit, whatever is played beside it and in whichever process. The agent itself is
    not changed.

    Args:
        agent: who plays; its UP and DOWN must be those of the environments (`PongAgent.bind`).
        environments: N Gymnasium environments whose observations are raw Pong frames.
        seeds: N seeds; each resets its environment and is the root of the generator that samples
            the episode's actions.
        deterministic: take the more probable action; by default actions are sampled.

    Returns:
        N trajectories, in the order of the environments.

    Raises:
        ValueError: the numbers of environments and seeds differ.
        ObservationError: an observation is not a raw Pong frame.

    Example:
        >>> from pong_agent import PongAgent, make_env
        >>> env = make_env("ALE/Pong-v5", max_num_frames_per_episode=100)
        >>> [trajectory] = rollout(PongAgent("reinforce", env=env), [env], [0])
        >>> len(trajectory), trajectory.truncated
        (25, True)
        >>> env.close()
    """
    environments, seeds = list(environments), [int(seed) for seed in seeds]
    if len(environments) != len(seeds):
        raise ValueError(
            f"expected one seed for each environment, "
            f"found {len(seeds)} seeds for {len(environments)} environments"
        )
    generators = [action_generator(seed) for seed in seeds]
    builders = [TrajectoryBuilder(seed, agent.config.observation) for seed in seeds]
    trajectories: dict[int, Trajectory] = {}

    frames = np.stack(
        [env.reset(seed=seed)[0] for env, seed in zip(environments, seeds, strict=True)]
    )
    playing = list(range(len(environments)))
    state = None
    while playing:
        probabilities, (fields,) = agent.up_probability(frames, state)
        next_frames, still_playing = [], []
        for row, index in enumerate(playing):
            generator = None if deterministic else generators[index]
            up = bool(choose_up(probabilities[row : row + 1], generator)[0])
            action = agent.up_action if up else agent.down_action
            frame, reward, terminated, truncated, _ = environments[index].step(action)
            builders[index].append(fields[row], up=up, reward=float(reward))
            if terminated or truncated:
                trajectories[index] = builders[index].build(
                    terminated=bool(terminated), truncated=bool(truncated)
                )
            else:
                next_frames.append(frame)
                still_playing.append(row)
        if len(still_playing) < len(playing):
            fields = fields[still_playing]
            playing = [playing[row] for row in still_playing]
        if playing:
            frames, state = np.stack(next_frames), (fields,)
    return [trajectories[index] for index in range(len(environments))]


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
