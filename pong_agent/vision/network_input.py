"""The network's input: pairs of playing fields as rows of a sparse matrix."""

import copy
import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.pixels import FIELD_SHAPE, N_PIXELS, Pixels

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.floating[Any]]

# Kinds of observation: number of columns of the network's input.
INPUT_SIZES = {
    "difference": N_PIXELS,  # current field minus previous field, as in the notebook
    "two_frames": 2 * N_PIXELS,  # current field, then previous field: a still paddle shows too
}

# Where the second of two fields begins.
_SECOND_FIELD = np.uint16(N_PIXELS)

# Where each pixel of two fields goes when both are flipped upside down.
_FLIP = np.arange(2 * N_PIXELS, dtype=np.uint16).reshape(2, *FIELD_SHAPE)[:, ::-1].reshape(-1)

# From this many rows on SciPy's product is faster than the loop in NumPy: half the cost at 2 rows
# of preset `reinforce`, a quarter at 16. Importing SciPy takes 0.15 s, which a few rows do not pay.
_SCIPY_FROM_ROWS = 2
_SCIPY_IMPORT_FROM_ROWS = 64


@dataclass(frozen=True)
class SparseRows:
    """N rows of small integers in compressed sparse row format (CSR).

    Row n has its non-zeros at `slice(offsets[n], offsets[n + 1])` of `indices` and `values`, by
    increasing index. A difference of two Pong fields has 10 to 50 of them, two fields 50 to 60.

    Attributes:
        indices: [nnz] uint16, column of each non-zero.
        values: [nnz] int8, -1 or +1.
        offsets: [N + 1] int64, where each row starts; the last one is nnz.
        width: number of columns, 6,400 or 12,800.
    """

    indices: NDArray[np.uint16]
    values: NDArray[np.int8]
    offsets: NDArray[np.int64]
    width: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def concatenate(cls, parts: "Sequence[SparseRows]") -> "SparseRows":
        """Return the rows of all parts, which must have one width, one below the other."""
        starts = np.cumsum([0, *(len(part.indices) for part in parts)])
        shifted = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
        return cls(
            indices=np.concatenate([part.indices for part in parts]),
            values=np.concatenate([part.values for part in parts]),
            offsets=np.concatenate([np.zeros(1, np.int64), *shifted]),
            width=parts[0].width,
        )

    def take(self, rows: NDArray[np.int64]) -> "SparseRows":
        """Return some rows, in the order of their numbers."""
        where, offsets = _positions(self.offsets, rows)
        return SparseRows(self.indices[where], self.values[where], offsets, self.width)

    def with_flipped(self) -> "SparseRows":
        """Return 2 N rows: these and, below them, the fields upside down (columns unsorted)."""
        return SparseRows(
            indices=np.concatenate([self.indices, _FLIP[self.indices]]),
            values=np.concatenate([self.values, self.values]),
            offsets=np.concatenate([self.offsets, self.offsets[1:] + self.offsets[-1]]),
            width=self.width,
        )

    def toarray(self) -> NDArray[np.int8]:
        """Return the rows as a dense (N, width) int8 array."""
        dense = np.zeros((len(self), self.width), dtype=np.int8)
        dense[np.repeat(np.arange(len(self)), np.diff(self.offsets)), self.indices] = self.values
        return dense

    def times(self, columns: Floats) -> Floats:
        """Compute [N, units], the product of the rows with a dense (width, units) matrix.

        Sums run in one fixed order, so a row's result depends neither on its neighbours nor on the
        number of threads.
        """
        loaded = "scipy.sparse" in sys.modules
        if len(self) >= (_SCIPY_FROM_ROWS if loaded else _SCIPY_IMPORT_FROM_ROWS):
            return np.asarray(self._to_scipy(columns.dtype) @ columns)
        product = np.empty((len(self), columns.shape[1]), columns.dtype)
        plain = bool((self.values == 1).all())
        bounds = self.offsets.tolist()
        for row, start, end in zip(product, bounds, bounds[1:], strict=False):
            lit = columns.take(self.indices[start:end], axis=0)
            if not plain:
                lit *= self.values[start:end, np.newaxis]
            np.add.reduce(lit, axis=0, out=row)
        return product

    def transposed_times(self, gradients: Floats) -> Floats:
        """Compute (width, units), the product of the transposed rows with [N, units]."""
        return np.asarray(self._to_scipy(gradients.dtype).T @ gradients)

    def _to_scipy(self, dtype: "np.dtype[Any]") -> "csr_array[Any]":
        matrix = copy.copy(_empty_rows(len(self), self.width, dtype))
        matrix.data = self.values.astype(dtype)
        matrix.indices = self.indices.astype(np.int32)
        matrix.indptr = self.offsets.astype(np.int32)
        return matrix


@functools.lru_cache(maxsize=8)
def _empty_rows(n_rows: int, width: int, dtype: "np.dtype[Any]") -> "csr_array[Any]":
    """Return a matrix to copy, at a fifth of the time of SciPy's constructor."""
    from scipy.sparse import csr_array

    return csr_array((n_rows, width), dtype=dtype)


def observe(kind: str, current: Sequence[Pixels], previous: Sequence[Pixels]) -> SparseRows:
    """Make the network's input from the lit pixels of playing fields.

    "difference": `x_t = field_t - field_{t-1}`; "two_frames": `x_t = (field_t, field_{t-1})`.

    Args:
        kind: one of `INPUT_SIZES`.
        current: lit pixels of each of N fields.
        previous: lit pixels of the fields before; equal to `current` where an episode starts, which
            gives the difference of zeros that the notebook uses for the first frame.
    """
    if kind == "two_frames":
        moved = [pixels + _SECOND_FIELD for pixels in previous]
        pairs = list(zip(current, moved, strict=True))
        indices = np.concatenate([part for pair in pairs for part in pair])
        return SparseRows(
            indices=indices,
            values=np.ones(len(indices), dtype=np.int8),
            offsets=np.array([*accumulate((len(n) + len(b) for n, b in pairs), initial=0)]),
            width=INPUT_SIZES[kind],
        )
    dense = np.zeros((len(current), N_PIXELS), dtype=np.int8)
    for row, now, before in zip(dense, current, previous, strict=True):
        row[now] = 1
        row[before] -= 1
    signs = dense.reshape(-1)
    where = (signs != 0).nonzero()[0]
    return SparseRows(
        indices=(where % N_PIXELS).astype(np.uint16),
        values=signs[where],
        offsets=where.searchsorted(np.arange(len(current) + 1) * N_PIXELS).astype(np.int64),
        width=N_PIXELS,
    )


def observe_stored(
    kind: str,
    pixels: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    current: NDArray[np.int64],
    previous: NDArray[np.int64],
) -> SparseRows:
    """Make the network's input, as `observe` does, from F fields stored one after the other.

    Args:
        kind: one of `INPUT_SIZES`.
        pixels: [nnz] uint16, lit pixels of field 0, then of field 1, ..., each increasing.
        offsets: [F + 1] int64, where each field starts in `pixels`.
        current: [N] int64, number of each row's current field.
        previous: [N] int64, number of its previous field.
    """
    width = INPUT_SIZES[kind]
    now = _keys(pixels, offsets, current, width)
    before = _keys(pixels, offsets, previous, width)
    if kind == "two_frames":
        first, second, sign = now, before + N_PIXELS, 1
    else:
        first = np.setdiff1d(now, before, assume_unique=True)
        second, sign = np.setdiff1d(before, now, assume_unique=True), -1
    keys = np.concatenate([first, second])
    signs = np.repeat(np.array([1, sign], np.int8), [len(first), len(second)])
    order = np.argsort(keys)
    rows, columns = np.divmod(keys[order], width)
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=signs[order],
        offsets=np.searchsorted(rows, np.arange(len(current) + 1)).astype(np.int64),
        width=width,
    )


def _keys(
    pixels: NDArray[np.uint16], offsets: NDArray[np.int64], rows: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    """Return `row * width + pixel` for each lit pixel of each row's field."""
    where, ends = _positions(offsets, rows)
    return np.repeat(np.arange(len(rows)) * width, np.diff(ends)) + pixels[where]


def _positions(
    offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the items of some rows lie, and these rows' own offsets."""
    counts = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(counts)])
    return np.arange(ends[-1]) + np.repeat(offsets[rows] - ends[:-1], counts), ends
