"""Weights of a picture at several resolutions: sums over blocks of pixels, and back.

A first layer of weights for single pixels learns each position of the ball by itself. Written as

    W1 = fine + spread(W4) + spread(W16)

with one weight for each block of 4x4 and of 16x16 pixels beside each pixel's own, what is learned
at one pixel holds for its surroundings too. The sum is still a plain first layer, and since the
optimizer moves each term by a step of its own, only the steps need ever be known: W1 moves by the
sum of them.
"""

from collections.abc import Sequence

import numpy as np

from pong_agent.network import Floats
from pong_agent.observation import FIELD_SHAPE

_SIDE = FIELD_SHAPE[0]


def pool(W1: Floats, sizes: Sequence[int]) -> list[Floats]:
    """Sum over blocks of pixels, for each size: the gradient of a block's weight.

    Args:
        W1: (units, P * 6400) in Fortran order, pictures of P frames for each unit.
        sizes: sides of the blocks in pixels, each a multiple of the one before, the last one a
            divisor of 80.

    Returns:
        For each size b an array (units, P * (80 // b)**2) in Fortran order.

    Example:
        >>> [sums] = pool(np.ones((3, 6400), order="F"), [16])
        >>> sums.shape, float(sums[0, 0])
        ((3, 25), 256.0)
    """
    units, side, pooled = len(W1), _SIDE, []
    pictures = W1.T.reshape(-1, side, side, units)
    for size in sizes:
        factor = side * size // _SIDE
        side = _SIDE // size
        # Rows first: whole rows of pixels lie together.
        rows = pictures.reshape(-1, side, factor, side * factor * units).sum(axis=2)
        pictures = rows.reshape(-1, side, side, factor, units).sum(axis=3)
        pooled.append(pictures.reshape(-1, units).T)
    return pooled


def add_spread(W1: Floats, blocks: Sequence[Floats], sizes: Sequence[int]) -> None:
    """Add to each pixel's weight those of the blocks that it lies in, in place.

    Args:
        W1: (units, P * 6400) in Fortran order; changed.
        blocks: for each size an array of the shape that `pool` returns.
        sizes: as for `pool`.

    Example:
        >>> W1 = np.zeros((3, 6400), order="F")
        >>> add_spread(W1, [np.ones((3, 400), order="F"), np.ones((3, 25), order="F")], [4, 16])
        >>> float(W1.min()), float(W1.max())
        (2.0, 2.0)
    """
    units = len(W1)
    pictures = [
        array.T.reshape(-1, _SIDE // size, _SIDE // size, units)
        for array, size in zip([W1, *blocks], [1, *sizes], strict=True)
    ]
    # From the coarsest to the finest, so that the pixels are gone through once.
    total = pictures.pop()
    while pictures:
        finer = pictures.pop()
        side, factor = total.shape[1], finer.shape[1] // total.shape[1]
        if pictures:
            finer = finer.copy()  # only W1 itself is changed
        windows = finer.reshape(-1, side, factor, side, factor, units)
        windows += total[:, :, np.newaxis, :, np.newaxis]
        total = finer
