"""The network's input as dense vectors and as a space, for use with other libraries."""

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from pong_agent.errors import ConfigError
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import N_PIXELS

# Kinds of observation: smallest and largest value of the first field and of the second.
_BOUNDS = {"difference": [(-1, 1)], "two_frames": [(0, 1), (0, 1)]}


def vector_space(kind: str) -> gym.spaces.Box:
    """Return the space of one observation, float32 as networks expect it.

    Raises:
        ConfigError: the kind of observation is unknown.
    """
    if kind not in _BOUNDS:
        raise ConfigError(f"observation: expected one of {sorted(_BOUNDS)}, found {kind!r}")
    low, high = np.repeat(np.array(_BOUNDS[kind], dtype=np.float32), N_PIXELS, axis=0).T
    return gym.spaces.Box(low, high, dtype=np.float32)


def draw_vectors(kind: str, fields: FieldHistory) -> NDArray[np.float32]:
    """Return the rows of `fields.network_input(kind)`, dense and newly allocated, (N, width).

    Example:
        >>> one, other = np.array([0, 7], np.uint16), np.array([7, 9], np.uint16)
        >>> [row] = draw_vectors("difference", FieldHistory.start([one]).push([other]))
        >>> [(int(pixel), float(row[pixel])) for pixel in row.nonzero()[0]]
        [(0, -1.0), (9, 1.0)]
    """
    vectors = np.zeros((len(fields), len(_BOUNDS[kind]) * N_PIXELS), dtype=np.float32)
    for row, now, before in zip(vectors, fields.current, fields.previous, strict=True):
        row[now] = 1
        if kind == "two_frames":
            row[N_PIXELS:][before] = 1
        else:
            row[before] -= 1
    return vectors
