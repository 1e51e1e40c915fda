"""A first layer with weights at several resolutions, learned on the pixels that a batch lights.

A first layer of weights for single pixels learns each position of the ball by itself. Written as

    W1 = fine + spread(W_4) + spread(W_16) + ...

with one weight for each block of 4x4 and of 16x16 pixels beside each pixel's own, what is learned
at one pixel holds for its surroundings too. The sum is still a plain first layer. Adam moves each
term by a step of its own, so only the steps are needed, and W1 moves by their sum:

    W1 <- W1 + step + sum over b of spread(step_b)

where step is Adam's for each pixel's gradient and step_b Adam's for the gradients summed over each
block of size b. During an update only the columns of W1 that the batch lights have gradients, so
the steps are made on a copy of these alone. Afterwards the other columns catch up: they move on by
their momentum, and by the blocks' steps, so a pixel that lights up for the first time is not
untrained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pong_agent.learning.adam import AdamOptions, adam_descent, adam_without_gradient
from pong_agent.network import Floats, Parameters
from pong_agent.vision.pixels import FIELD_SHAPE

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_SIDE = FIELD_SHAPE[0]  # of a field, which is square
_MOMENTS = ("mean", "square")

# Name of the weights of all blocks, (units, B); an update knows only the sums of their steps.
_BLOCKS = "blocks"


def pool(W1: Floats, sizes: Sequence[int]) -> list[Floats]:
    """Sum over blocks of pixels: the gradient of a block's weight.

    Args:
        W1: (units, F * 6400) in Fortran order, F fields for each unit.
        sizes: sides of blocks in pixels; each divides 80.

    Returns:
        For each size b an array (units, F * (80 // b)**2) in Fortran order.

    Example:
        >>> [sums] = pool(np.ones((3, 6400), order="F"), [16])
        >>> sums.shape, float(sums[0, 0])
        ((3, 25), 256.0)
    """
    return [_by_block(W1, b).sum(axis=(2, 4)).reshape(-1, len(W1)).T for b in sizes]


def add_spread(W1: Floats, weights: Sequence[Floats], sizes: Sequence[int]) -> None:
    """Add to each pixel's weight those of the blocks that it lies in, in place.

    Args:
        W1: (units, F * 6400) in Fortran order; changed.
        weights: for each size an array of the shape that `pool` returns.
        sizes: as for `pool`.

    Example:
        >>> W1 = np.zeros((3, 6400), order="F")
        >>> add_spread(W1, [np.ones((3, 400), order="F"), np.ones((3, 25), order="F")], [4, 16])
        >>> float(W1.min()), float(W1.max())
        (2.0, 2.0)
    """
    for b, array in zip(sizes, weights, strict=True):
        pixels = _by_block(W1, b)
        pixels += array.T.reshape(-1, _SIDE // b, 1, _SIDE // b, 1, len(W1))


def _by_block(W1: Floats, size: int) -> Floats:
    """Return a view (F, block row, row in it, block column, column in it, units) of W1."""
    n_blocks = _SIDE // size
    return W1.T.reshape(-1, n_blocks, size, n_blocks, size, len(W1))


@dataclass(frozen=True)
class LitBlocks:
    """The blocks, of all sizes in turn, that C of W1's columns lie in: B blocks.

    Columns that lie in the same blocks form one of D cells, so larger blocks are summed from the
    sums of cells.

    Attributes:
        cell_of: [C] int64, the cell of each column.
        cells: [D, C] float32, 1 for the columns in each cell.
        members: [B, D] float32, 1 for the cells in each block.
    """

    cell_of: NDArray[np.int64]
    cells: "csr_array"
    members: "csr_array"

    def pool(self, W1: Floats) -> Floats:
        """Sum W1's columns, (units, C), over each block to (units, B)."""
        sums: Floats = self.members @ (self.cells @ W1.T)
        return sums.T

    def add_spread(self, W1: Floats, weights: Floats) -> None:
        """Add the blocks' weights, (units, B), to W1's columns, (units, C), in place."""
        of_cells = self.members.T @ weights.T
        columns = W1.T
        columns += of_cells.take(self.cell_of, axis=0)


def lit_blocks(columns: NDArray[np.int64], sizes: Sequence[int], width: int) -> LitBlocks:
    """Return the blocks that some columns of W1 lie in.

    Args:
        columns: [C] int64, columns of W1.
        sizes: sides of blocks in pixels.
        width: number of columns of W1.

    Example:
        >>> lit = lit_blocks(np.array([0, 1, 6399]), [40, 80], 6400)
        >>> lit.pool(np.array([[1.0, 2.0, 4.0]]))  # four blocks of 40 x 40, then one of 80 x 80
        array([[3., 0., 0., 4., 7.]])
    """
    from scipy.sparse import csr_array  # 0.15 s that acting need not pay

    field, pixel = np.divmod(columns, _SIDE * _SIDE)
    row, column = np.divmod(pixel, _SIDE)
    n_blocks, block_of = 0, []
    cell_of = np.zeros(len(columns), np.int64)
    for size in sizes:
        per_side = _SIDE // size
        own = (field * per_side + row // size) * per_side + column // size
        cell_of = np.unique(cell_of * width + own, return_inverse=True)[1]
        block_of.append(n_blocks + own)
        n_blocks += width // size**2
    _, firsts = np.unique(cell_of, return_index=True)
    members = [np.zeros(0, np.int64), *(own[firsts] for own in block_of)]
    cells = np.tile(np.arange(len(firsts)), len(sizes))
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


def narrowed(
    parameters: Parameters, state: Parameters, columns: NDArray[np.int64], sizes: Sequence[int]
) -> tuple[Parameters, Parameters]:
    """Copy what `multiresolution_adam_descent` changes.

    Args:
        parameters: name -> weights, "W1" among them.
        state: "mean/NAME" and "square/NAME" of each weight and, as "W1/SIZE", of the blocks;
            "step".
        columns: [C] int64, columns of W1 that have gradients.
        sizes: sides of blocks in pixels.

    Returns:
        Parameters with W1 (units, C) and zeros (units, B) named "blocks", and their Adam state.
    """
    weights = {name: array.copy(order="K") for name, array in parameters.items() if name != "W1"}
    weights["W1"] = parameters["W1"].T[columns].T
    moments = {"step": state["step"].copy()}
    for moment in _MOMENTS:
        for name in weights:
            moments[f"{moment}/{name}"] = state[f"{moment}/{name}"].copy(order="K")
        moments[f"{moment}/W1"] = state[f"{moment}/W1"].T[columns].T
        of_blocks = [state[f"{moment}/W1/{size}"].T for size in sizes]
        none = np.zeros((0, len(weights["W1"])), weights["W1"].dtype)
        moments[f"{moment}/{_BLOCKS}"] = np.concatenate([none, *of_blocks]).T
    weights[_BLOCKS] = np.zeros_like(moments[f"mean/{_BLOCKS}"])
    return weights, moments


def multiresolution_adam_descent(
    weights: Parameters,
    gradients: Parameters,
    moments: Parameters,
    blocks: LitBlocks,
    options: AdamOptions,
) -> None:
    """Take one Adam step downhill with block weights beside W1's own.

    It changes `weights` and `moments`, as `narrowed` returns them, in place; `gradients` lacks the
    blocks'.
    """
    steps = np.zeros_like(weights[_BLOCKS])
    of_blocks = blocks.pool(gradients["W1"])
    adam_descent({**weights, _BLOCKS: steps}, {**gradients, _BLOCKS: of_blocks}, moments, options)
    weights[_BLOCKS] += steps
    blocks.add_spread(weights["W1"], steps)


def widened(
    parameters: Parameters,
    state: Parameters,
    weights: Parameters,
    moments: Parameters,
    columns: NDArray[np.int64],
    sizes: Sequence[int],
    options: AdamOptions,
) -> tuple[Parameters, Parameters]:
    """Return new parameters and Adam state, as if all steps had been made on all columns.

    `parameters`, `state`, `columns` and `sizes` are the arguments of `narrowed`, `weights` and
    `moments` its results after some steps with `options`. All arguments are left untouched.
    """
    steps_before = float(state["step"][0])
    n_steps = round(float(moments["step"][0]) - steps_before)
    wide = adam_without_gradient(
        parameters["W1"],
        state["mean/W1"],
        state["square/W1"],
        options,
        steps_before=steps_before,
        n_steps=n_steps,
    )
    ends = np.cumsum([0, *(state[f"mean/W1/{size}"].shape[1] for size in sizes)]).tolist()
    of_size = {size: slice(*bounds) for size, bounds in zip(sizes, pairwise(ends), strict=True)}
    add_spread(wide[0], [weights[_BLOCKS][:, part] for part in of_size.values()], sizes)
    narrow = (weights["W1"], moments["mean/W1"], moments["square/W1"])
    for array, own in zip(wide, narrow, strict=True):
        array.T[columns] = own.T
    new_parameters = {name: weights[name] for name in parameters} | {"W1": wide[0]}
    new_state = {**moments, "mean/W1": wide[1], "square/W1": wide[2]}
    for moment in _MOMENTS:
        of_blocks = new_state.pop(f"{moment}/{_BLOCKS}")
        for size, part in of_size.items():
            new_state[f"{moment}/W1/{size}"] = of_blocks[:, part].copy(order="F")
    return new_parameters, new_state
