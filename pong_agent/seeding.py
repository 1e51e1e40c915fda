"""Every random stream of the package, by name.

A stream is the child of a seed with its own spawn key (`numpy.random.SeedSequence`), so two streams
of one seed are independent, and a stream is the same in every process.
"""

import operator
import secrets
from enum import IntEnum

import numpy as np

from pong_agent.errors import ConfigError

_SEEDS = 2**63  # TOML's and JSON's readers take integers below it
_DRAWN = 2**32


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


def as_seed(seed: object, name: str = "seed") -> int:
    """Return a seed as an int, where it comes in.

    Args:
        seed: an int or a NumPy integer, from 0 to 2**63 - 1; None draws one.
        name: how an error names the argument.

    Raises:
        ConfigError: the seed has another type or is out of range.

    Example:
        >>> as_seed(np.int64(7))
        7
    """
    if seed is None:
        return secrets.randbelow(_DRAWN)
    try:
        if isinstance(seed, (bool, np.bool_)):
            raise TypeError
        number = operator.index(seed)  # type: ignore[arg-type]  # the TypeError is handled
    except TypeError:
        number = -1
    if not 0 <= number < _SEEDS:
        raise ConfigError(
            f"{name}: expected an int from 0 to 2**63 - 1 or None, found {seed!r:.60}"
        )
    return number


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
