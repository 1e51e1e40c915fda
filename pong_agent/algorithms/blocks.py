"""Weights of a picture at several resolutions: sums over blocks of pixels, and back.

A first layer of weights for single pixels learns each position of the ball by itself. Written as

    W1 = fine + spread(W_4) + spread(W_16) + ...

with one weight for each block of 4x4 and of 16x16 pixels beside each pixel's own, what is learned
at one pixel holds for its surroundings too. The sum is still a plain first layer, and since the
optimizer moves each term by a step of its own, only the steps need ever be known: W1 moves by the
sum of them.

A block is given by its side in pixels, or as (height, width).
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from pong_agent.network import Floats
from pong_agent.observation import FIELD_SHAPE

Block: TypeAlias = int | tuple[int, int]

_ROWS, _COLUMNS = FIELD_SHAPE


def pool(W1: Floats, blocks: Sequence[Block]) -> list[Floats]:
    """Sum over blocks of pixels, for each kind of block: the gradient of a block's weight.

    Args:
        W1: (units, P * 6400) in Fortran order, pictures of P frames for each unit.
        blocks: kinds of blocks; heights and widths divide 80, and of two widths the larger is a
            multiple of the smaller.

    Returns:
        For each kind, h x w pixels, an array (units, P * (80 // h) * (80 // w)) in Fortran order.

    Example:
        >>> [sums] = pool(np.ones((3, 6400), order="F"), [16])
        >>> sums.shape, float(sums[0, 0])
        ((3, 25), 256.0)
    """
    units = len(W1)
    width, narrowed = 1, W1.T.reshape(-1, _ROWS, _COLUMNS, units)
    sums: dict[Block, Floats] = {}
    for block in sorted(blocks, key=lambda block: _shape(block)[1]):
        height, wider = _shape(block)
        if wider > width:  # from the next smaller width, so that the pixels are gone through once
            narrowed = narrowed.reshape(-1, _ROWS, _COLUMNS // wider, wider // width, units)
            width, narrowed = wider, narrowed.sum(axis=3)
        pooled = narrowed.reshape(-1, _ROWS // height, height, _COLUMNS // width * units)
        sums[block] = pooled.sum(axis=2).reshape(-1, units).T
    return [sums[block] for block in blocks]


def add_spread(W1: Floats, weights: Sequence[Floats], blocks: Sequence[Block]) -> None:
    """Add to each pixel's weight those of the blocks that it lies in, in place.

    Args:
        W1: (units, P * 6400) in Fortran order; changed.
        weights: for each kind of block an array of the shape that `pool` returns.
        blocks: as for `pool`.

    Example:
        >>> W1 = np.zeros((3, 6400), order="F")
        >>> add_spread(W1, [np.ones((3, 400), order="F"), np.ones((3, 25), order="F")], [4, 16])
        >>> float(W1.min()), float(W1.max())
        (2.0, 2.0)
    """
    units = len(W1)
    widths = sorted({1, *(_shape(block)[1] for block in blocks)}, reverse=True)
    coarser: Floats | None = None
    for width in widths:
        columns = _COLUMNS // width
        shape = (W1.shape[1] // (_ROWS * _COLUMNS), _ROWS, columns, units)
        total = W1.T.reshape(shape) if width == 1 else np.zeros(shape, W1.dtype)
        for block, array in zip(blocks, weights, strict=True):
            height, own_width = _shape(block)
            if own_width == width:
                bands = total.reshape(-1, _ROWS // height, height, columns * units)
                bands += array.T.reshape(-1, _ROWS // height, 1, columns * units)
        if coarser is not None:
            windows = total.reshape(-1, _ROWS, coarser.shape[2], columns // coarser.shape[2], units)
            windows += coarser[:, :, :, np.newaxis]
        coarser = total


def _shape(block: Block) -> tuple[int, int]:
    return (block, block) if isinstance(block, int) else block
