"""A sparse first layer over the pixels that one batch lights, and over vertical runs of them.

An update splits its batch into many minibatches, and a batch lights a quarter to a half of the
pixels. The first layer of all its rows is the product of two small sparse matrices with the weights
of the lit pixels,

    a_n = sum_c pixels[n, c] w_c + sum_r runs[n, r] (sum_c members[r, c] w_c),

where a run is a stretch of three or more lit pixels one below the other. Paddles consist of a few
runs that recur, so a row of 60 lit pixels has 11 terms.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pong_agent.network import Floats
from pong_agent.vision.network_input import SparseRows
from pong_agent.vision.pixels import FIELD_SHAPE

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ROWS, _COLUMNS = FIELD_SHAPE
_SHORTEST_RUN = 3  # the ball is 2 high and seldom twice at one place: not worth a run of its own


@dataclass(frozen=True)
class LitRows:
    """N rows of network input, each of one or two views: upright and, with mirror, upside down.

    C is the number of columns of the network's input that any of them lights, R that of different
    runs; view v of row n is row `views * n + v` of `terms`.

    Attributes:
        columns: [C] int64, the lit columns; columns that runs consist of come first.
        terms: [views * N, C + R] float32, how often each pixel, then each run, is in a view.
        members: [R, S] float32, 1 for the columns, among the first S, that a run consists of.
        views: 1 or 2, number of views of a row.
        width: number of columns of the network's input.
    """

    columns: NDArray[np.int64]
    terms: "csr_array"
    members: "csr_array"
    views: int
    width: int

    def __len__(self) -> int:
        return int(self.terms.shape[0]) // self.views

    def take(self, rows: NDArray[np.int64]) -> "LitRows":
        """Return some rows, in the order of their numbers."""
        views = (rows[:, np.newaxis] * self.views + np.arange(self.views)).reshape(-1)
        return replace(self, terms=self.terms[views])

    def times(self, W1: Floats) -> Floats:
        """Compute the pre-activations, [N, views * units], from weights (units, C)."""
        weights = W1.T
        of_runs = self.members @ weights[: self.members.shape[1]]
        product: Floats = self.terms @ np.concatenate([weights, of_runs])
        return product.reshape(len(self), self.views * len(W1))

    def transposed_times(self, gradients: Floats) -> Floats:
        """Carry gradients at the pre-activations, [N, views * units], back to weights (units, C).

        Returns:
            In Fortran order, as weights are.
        """
        of_views = gradients.reshape(self.terms.shape[0], gradients.shape[1] // self.views)
        product: Floats = self.terms.T @ of_views
        n_columns = len(self.columns)
        columns = product[:n_columns]
        columns[: self.members.shape[1]] += self.members.T @ product[n_columns:]
        return columns.T


def lit_rows(inputs: SparseRows, *, mirror: bool) -> LitRows:
    """Find the lit pixels and the runs of a batch's rows.

    Args:
        inputs: N sparse rows.
        mirror: whether to add each field upside down, as `SparseRows.with_flipped` does.

    Example:
        >>> column = np.arange(5, 6400, 80, dtype=np.uint16)[:8]  # a paddle of one pixel's width
        >>> ones = np.ones(8, dtype=np.int8)
        >>> rows = lit_rows(SparseRows(column, ones, np.array([0, 8]), 6400), mirror=False)
        >>> rows.terms.nnz, rows.members.nnz
        (1, 8)
    """
    views = 1 + mirror
    view_of, starts, lengths, signs = _vertical_runs(inputs)
    view_of = view_of * views
    if mirror:
        heights = starts % _ROWS
        flipped = starts - heights + (_ROWS - lengths - heights)
        view_of = np.concatenate([view_of, view_of + 1])
        starts, lengths = np.concatenate([starts, flipped]), np.tile(lengths, 2)
        signs = np.tile(signs, 2)

    # Runs are numbered by where they start and how long they are, through a table.
    long = lengths >= _SHORTEST_RUN
    codes = starts[long] * (_ROWS + 1) + lengths[long]
    kinds, run_of = _numbered(codes, inputs.width * (_ROWS + 1))
    run_starts, run_lengths = np.divmod(kinds, _ROWS + 1)
    run_pixels = _stretches(run_starts, run_lengths)
    short = ~long
    pixels = _stretches(starts[short], lengths[short])
    lit, column_of = _numbered(np.concatenate([run_pixels, pixels]), inputs.width)
    # Columns within runs first: back from the runs, the others need not be gone through.
    in_runs = np.zeros(len(lit), dtype=np.bool_)
    in_runs[column_of[: len(run_pixels)]] = True
    order = np.argsort(~in_runs, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    column_of = place[column_of]

    rows = np.concatenate([np.repeat(view_of[short], lengths[short]), view_of[long]])
    terms = np.concatenate([column_of[len(run_pixels) :], len(lit) + run_of])
    values = np.concatenate([np.repeat(signs[short], lengths[short]), signs[long]])
    by_row = np.argsort(rows, kind="stable")
    n_views = views * len(inputs)
    return LitRows(
        columns=_NATURAL[lit[order]],
        terms=_csr(
            values[by_row],
            terms[by_row],
            np.bincount(rows, minlength=n_views),
            len(lit) + len(kinds),
        ),
        members=_csr(
            np.ones(len(run_pixels)),
            column_of[: len(run_pixels)],
            run_lengths,
            int(in_runs.sum()),
        ),
        views=views,
        width=inputs.width,
    )


def _vertical_runs(inputs: SparseRows) -> tuple[NDArray[np.int64], ...]:
    """Return row, first pixel (fields column by column), length and value of each run."""
    keys = np.repeat(np.arange(len(inputs)) * inputs.width, np.diff(inputs.offsets))
    keys += _COLUMN_BY_COLUMN[inputs.indices]
    keys *= 4
    keys += inputs.values + 1  # -1 or 1, in two bits
    keys.sort()
    places = keys >> 2
    first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(np.diff(keys), 4, out=first[1:])  # not the pixel below, or another value
    first |= places % _ROWS == 0
    starts = np.flatnonzero(first)
    rows, pixels = np.divmod(places[starts], inputs.width)
    return rows, pixels, np.diff(starts, append=len(keys)), (keys[starts] & 3) - 1


def _numbered(codes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Do `np.unique` with the inverse for codes below a size, without sorting."""
    present = np.zeros(size, dtype=np.bool_)
    present[codes] = True
    distinct = np.flatnonzero(present)
    numbers = np.empty(size, dtype=np.int64)
    numbers[distinct] = np.arange(len(distinct))
    return distinct, numbers[codes]


def _stretches(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `starts[i] + 0, ..., starts[i] + lengths[i] - 1` for each i in turn."""
    ends = np.cumsum(lengths)
    return np.arange(lengths.sum()) + np.repeat(starts - ends + lengths, lengths)


def _csr(
    values: NDArray[np.generic],
    columns: NDArray[np.int64],
    counts: NDArray[np.int64],
    width: int,
) -> "csr_array":
    from scipy.sparse import csr_array

    offsets = np.concatenate([[0], np.cumsum(counts)])
    data = (values.astype(np.float32), columns.astype(np.int32), offsets.astype(np.int32))
    return csr_array(data, shape=(len(counts), width))


# Index, column by column, of each pixel of two fields, and back.
_PIXELS = np.arange(2 * _ROWS * _COLUMNS).reshape(2, _ROWS, _COLUMNS)
_NATURAL = _PIXELS.transpose(0, 2, 1).reshape(-1)
_COLUMN_BY_COLUMN = np.argsort(_NATURAL)
