"""The network's input as dense vectors and as a space, which is what other libraries work with."""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from pong_agent.errors import ConfigError
from pong_agent.vision.network_input import INPUT_SIZES
from pong_agent.vision.pixels import N_PIXELS, Pixels

# Kinds of observation: the least and the greatest value of the first and of the second picture.
_BOUNDS = {
    "difference": [(-1, 1)],
    "two_frames": [(0, 1), (0, 1)],
    "sum_and_difference": [(0, 2), (-1, 1)],
}


def vector_space(kind: str) -> gym.spaces.Box:
    """Return the space of one observation: float32, which a network takes without a conversion.

    Raises:
        ConfigError: there is no such kind of observation.

    Example:
        >>> vector_space("difference")
        Box(-1.0, 1.0, (6400,), float32)
    """
    if kind not in INPUT_SIZES:
        raise ConfigError(f"observation: expected one of {sorted(INPUT_SIZES)}, found {kind!r}")
    low, high = np.repeat(np.array(_BOUNDS[kind], dtype=np.float32), N_PIXELS, axis=0).T
    return gym.spaces.Box(low, high, dtype=np.float32)


def draw_vectors(
    kind: str, current: Sequence[Pixels], previous: Sequence[Pixels]
) -> NDArray[np.float32]:
    """Return the rows of `network_input.observe`, dense and in memory of their own.

    Args:
        kind: one of `INPUT_SIZES`.
        current: lit pixels of each of N fields.
        previous: the same of the fields before; equal to `current` where an episode starts.

    Returns:
        (N, width) float32 of small integers.

    Example:
        >>> one, other = np.array([0, 7], np.uint16), np.array([7, 9], np.uint16)
        >>> [row] = draw_vectors("difference", [other], [one])
        >>> [(int(pixel), float(row[pixel])) for pixel in row.nonzero()[0]]
        [(0, -1.0), (9, 1.0)]
    """
    vectors = np.zeros((len(current), INPUT_SIZES[kind]), dtype=np.float32)
    for row, now, before in zip(vectors, current, previous, strict=True):
        first, second = row[:N_PIXELS], row[N_PIXELS:]
        first[now] = 1
        if kind == "two_frames":
            second[before] = 1
        elif kind == "difference":
            first[before] -= 1
        else:
            first[before] += 1
            second[now] = 1
            second[before] -= 1
    return vectors
