"""What the network sees: pairs of playing fields as rows of a sparse matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.pixels import FIELD_SHAPE, N_PIXELS, Pixels

# Kinds of observation: number of columns of the network's input.
INPUT_SIZES = {
    "difference": N_PIXELS,  # current field minus previous field, as in the notebook
    "two_frames": 2 * N_PIXELS,  # current field, then previous field: a still paddle shows too
    "sum_and_difference": 2 * N_PIXELS,  # the same turned by 45 degrees: what is there, what moved
}

# Where the second of two pictures begins.
_SECOND_FIELD = np.uint16(N_PIXELS)

# Where each pixel of two pictures goes when both are turned upside down.
_FLIP = np.arange(2 * N_PIXELS, dtype=np.uint16).reshape(2, *FIELD_SHAPE)[:, ::-1].reshape(-1)


@dataclass(frozen=True)
class SparseRows:
    """N rows of a matrix of small integers, of which only the non-zeros are stored.

    The layout is the compressed sparse row format (CSR): row n has its non-zeros at
    `slice(offsets[n], offsets[n + 1])` of `indices` and `values`, by increasing index. A difference
    of two Pong pictures has 10 to 50 of them, two pictures have 50 to 60.

    Attributes:
        indices: [nnz] uint16, column of each non-zero.
        values: [nnz] int8, -1, +1 or, for a pixel lit in both frames of a sum, +2.
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

    def flipped(self) -> "SparseRows":
        """Return the rows of the pictures turned upside down, columns in no particular order."""
        return SparseRows(_FLIP[self.indices], self.values, self.offsets, self.width)

    def with_flipped(self) -> "SparseRows":
        """Return 2 N rows: these and, below them, the flipped ones."""
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


def observe(kind: str, current: Sequence[Pixels], previous: Sequence[Pixels]) -> SparseRows:
    """Make the network's input from the lit pixels of playing fields.

    "difference": `x_t = field_t - field_{t-1}`; "two_frames": `x_t = (field_t, field_{t-1})`;
    "sum_and_difference": `x_t = (field_t + field_{t-1}, field_t - field_{t-1})`.

    Args:
        kind: one of `INPUT_SIZES`.
        current: lit pixels of each of N fields.
        previous: the same of the fields before; equal to `current` where an episode starts, which
            gives the difference of zeros that the notebook uses for the first frame.

    Returns:
        N sparse rows.
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
    if kind == "difference":
        return _differences(current, previous)
    count = len(current)
    pixels = np.concatenate([*current, *previous])
    offsets = np.cumsum([0, *map(len, current), *map(len, previous)])
    rows = np.arange(count)
    return observe_stored(kind, pixels, offsets, rows, rows + count)


def observe_stored(
    kind: str,
    pixels: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    current: NDArray[np.int64],
    previous: NDArray[np.int64],
) -> SparseRows:
    """Make the network's input, as `observe` does, from frames stored as indices of lit pixels.

    Args:
        kind: one of `INPUT_SIZES`.
        pixels: [nnz] uint16, lit pixels of frame 0, then of frame 1, ..., each increasing.
        offsets: [F + 1] int64, where each frame starts in `pixels`.
        current: [N] int64, which frame is each row's current one.
        previous: [N] int64, which frame is its previous one.

    Returns:
        N sparse rows.
    """
    width = INPUT_SIZES[kind]
    now = _keys(pixels, offsets, current, width)
    before = _keys(pixels, offsets, previous, width)
    if kind == "two_frames":
        parts = [(now, 1), (before + N_PIXELS, 1)]
    else:
        came = np.setdiff1d(now, before, assume_unique=True)
        went = np.setdiff1d(before, now, assume_unique=True)
        parts = [(came, 1), (went, -1)]
        if kind == "sum_and_difference":
            stayed = np.intersect1d(now, before, assume_unique=True)
            moved = [(keys + N_PIXELS, value) for keys, value in parts]
            parts = [(stayed, 2), (came, 1), (went, 1), *moved]
    signs = np.concatenate([np.full(len(keys), value, np.int8) for keys, value in parts])
    keys = np.concatenate([keys for keys, _ in parts])
    order = np.argsort(keys)
    rows, columns = np.divmod(keys[order], width)
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=signs[order],
        offsets=np.searchsorted(rows, np.arange(len(current) + 1)).astype(np.int64),
        width=width,
    )


def _differences(current: Sequence[Pixels], previous: Sequence[Pixels]) -> SparseRows:
    """Do `observe` for "difference", a few times as fast as by sorting where rows are few."""
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


def _keys(
    pixels: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    frames: NDArray[np.int64],
    width: int,
) -> NDArray[np.int64]:
    """Return `row * width + pixel` for each lit pixel of each row's frame."""
    where, ends = _positions(offsets, frames)
    row_starts = np.repeat(np.arange(len(frames)) * width, np.diff(ends))
    return np.asarray(row_starts + pixels[where])


def _positions(
    offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the items of some rows lie, and these rows' own offsets."""
    counts = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(counts)])
    return np.arange(ends[-1]) + np.repeat(offsets[rows] - ends[:-1], counts), ends
