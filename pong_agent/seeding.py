"""Every random stream of the package, by name.

A stream is the child of a seed with its own spawn key (`numpy.random.SeedSequence`), so two streams
of one seed are independent, and a stream is the same in every process.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """Streams of a seed; the value is the first number of the spawn key and never changes."""

    WEIGHTS = 0
    """Initial weights of an agent."""

    EPISODE_ACTIONS = 1
    """Actions sampled in one episode, of the episode's seed."""

    MINIBATCHES = 2
    """Order of the minibatches of an update, by the update's number."""

    NOOPS = 3
    """Numbers of no-ops at the start of episodes, of an environment's seed."""

    EMULATOR = 4
    """Draws of an environment outside its emulator, such as frame skips, of the episode's seed."""

    TRAINING_EPISODES = 5
    """Seeds of the episodes or fragments of a run, by update and index."""

    AGENT_ACTIONS = 6
    """Actions sampled by `PongAgent.act` and `PongAgent.predict`."""

    MATCH_ACTIONS = 7
    """Actions sampled in a match, of the game's seed, by side: 0 right, 1 left."""

    STICKY_ACTIONS = 8
    """Sticky actions of two players, of the game's seed."""

    LAPSES = 9
    """Decisions that a handicapped player does not make, of the game's seed."""


def generator(seed: int, stream: Stream, *numbers: int) -> np.random.Generator:
    """Return the generator of a stream.

    Args:
        seed: root seed, 0 or more.
        stream: what is drawn.
        numbers: tell the parts of a stream apart, such as the number of an update.

    Example:
        >>> first, second = (generator(0, Stream.MINIBATCHES, update) for update in (0, 1))
        >>> first.random() == second.random()
        False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *numbers)))


def derived_seed(seed: int, stream: Stream, *numbers: int) -> int:
    """Return a seed below 2**32 from a stream; arguments as for `generator`.

    Example:
        >>> derived_seed(0, Stream.TRAINING_EPISODES, 3, 1) < 2**32
        True
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(stream, *numbers))
    return int(sequence.generate_state(1, dtype=np.uint32)[0])
