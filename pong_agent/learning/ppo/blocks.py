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
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pong_agent.network import Floats
from pong_agent.vision.pixels import FIELD_SHAPE

if TYPE_CHECKING:
    from scipy.sparse import csr_array

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


@dataclass(frozen=True)
class LitBlocks:
    """The blocks that C of W1's columns lie in, of all kinds in turn: B blocks.

    Columns that lie in the same blocks are one of D cells, so that wider blocks are summed from the
    sums of cells, and a cell's columns get one number.

    Attributes:
        cell_of: [C] int64, the cell of each column.
        cells: [D, C] float32, 1 for the columns in each cell.
        members: [B, D] float32, 1 for the cells in each block.
    """

    cell_of: NDArray[np.int64]
    cells: "csr_array"
    members: "csr_array"

    def pool(self, W1: Floats) -> Floats:
        """Sum W1's columns, (units, C), over each block to (units, B): what `pool` does for all."""
        sums: Floats = self.members @ (self.cells @ W1.T)
        return sums.T

    def add_spread(self, W1: Floats, weights: Floats) -> None:
        """Add the blocks' weights, (units, B), to W1's columns, (units, C), in place."""
        of_cells = self.members.T @ weights.T
        columns = W1.T
        columns += of_cells.take(self.cell_of, axis=0)


def lit_blocks(columns: NDArray[np.int64], blocks: Sequence[Block], width: int) -> LitBlocks:
    """Tell which blocks some columns of W1 lie in.

    Args:
        columns: [C] int64, columns of W1.
        blocks: kinds of blocks.
        width: number of columns of W1.

    Example:
        >>> lit = lit_blocks(np.array([0, 1, 6399]), [40, 80], 6400)
        >>> lit.pool(np.array([[1.0, 2.0, 4.0]]))  # four blocks of 40 x 40, then one of 80 x 80
        array([[3., 0., 0., 4., 7.]])
    """
    from scipy.sparse import csr_array  # 0.15 s that acting need not pay

    picture, pixel = np.divmod(columns, _ROWS * _COLUMNS)
    row, column = np.divmod(pixel, _COLUMNS)
    n_blocks, block_of = 0, []
    cell_of = np.zeros(len(columns), np.int64)
    for height, wide in map(_shape, blocks):
        band = picture * (_ROWS // height) + row // height
        own = band * (_COLUMNS // wide) + column // wide
        cell_of = np.unique(cell_of * width + own, return_inverse=True)[1]
        block_of.append(n_blocks + own)
        n_blocks += width // (height * wide)
    _, firsts = np.unique(cell_of, return_index=True)
    members = [np.zeros(0, np.int64), *(own[firsts] for own in block_of)]
    cells = np.tile(np.arange(len(firsts)), len(blocks))
    return LitBlocks(
        cell_of=cell_of,
        cells=csr_array(
            (np.ones(len(columns), np.float32), (cell_of, np.arange(len(columns)))),
            shape=(len(firsts), len(columns)),
        ),
        members=csr_array(
            (np.ones(len(cells), np.float32), (np.concatenate(members), cells)),
            shape=(n_blocks, len(firsts)),
        ),
    )


def _shape(block: Block) -> tuple[int, int]:
    return (block, block) if isinstance(block, int) else block
