"""From an emulator frame to what the network sees: 80x80 pixels and their difference.

The steps are those of Karpathy's "Pong from Pixels" as the notebook of this project restates them
(`preprocess` there): crop, halve, erase the background, set the rest to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME_SHAPE = (210, 160, 3)  # height, width, RGB: the screen of the Atari 2600 in ALE
FIELD_SHAPE = (80, 80)  # the playing field at half resolution
N_PIXELS = 80 * 80

# Kinds of observation: number of columns of the network's input.
INPUT_SIZES = {
    "difference": N_PIXELS,  # current field minus previous field, as in the notebook
    "two_frames": 2 * N_PIXELS,  # current field, then previous field: a still paddle shows too
    "sum_and_difference": 2 * N_PIXELS,  # the same turned by 45 degrees: what is there, what moved
}

# Which values of the red channel are lit: all but black and the two background colours.
_LIT = np.ones(256, dtype=np.uint8)
_LIT[[0, 109, 144]] = 0

# Where each pixel of two pictures goes when both are turned upside down.
_FLIP = np.arange(2 * N_PIXELS, dtype=np.uint16).reshape(2, *FIELD_SHAPE)[:, ::-1].reshape(-1)


class ObservationError(ValueError):
    """An observation is not a raw Pong frame; the message says what was expected and found."""


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

    def toarray(self) -> NDArray[np.int8]:
        """Return the rows as a dense (N, width) int8 array."""
        dense = np.zeros((len(self), self.width), dtype=np.int8)
        dense[np.repeat(np.arange(len(self)), np.diff(self.offsets)), self.indices] = self.values
        return dense


def preprocess_frame(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce one raw frame to the lit pixels of the playing field.

    Rows 35 to 195, every second row and column, red channel; the backgrounds 144 and 109 become 0
    and everything else that is not black becomes 1 (paddles and ball). The frame is left untouched.

    Args:
        frame: (210, 160, 3) uint8, RGB, as `gym.make("ALE/Pong-v5")` returns it.

    Returns:
        (80, 80) uint8 of 0 and 1.

    Raises:
        ObservationError: the frame has another shape or dtype.

    Example:
        >>> frame = np.full((210, 160, 3), 144, dtype=np.uint8)  # an empty field
        >>> frame[35:43, 140:144] = 92  # a paddle, 8 rows by 4 columns
        >>> int(preprocess_frame(frame).sum())
        8
    """
    frame = np.asarray(frame)
    _check_frames(frame, frame.shape)
    return _preprocess(frame)


def preprocess_frames(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce a batch of raw frames, (N, 210, 160, 3) uint8, to (N, 80, 80) uint8 of 0 and 1.

    Raises:
        ObservationError: the frames have another shape or dtype.
    """
    frames = np.asarray(frames)
    _check_frames(frames, frames.shape[1:])
    return _preprocess(frames)


def as_batch(observation: Any) -> tuple[NDArray[np.uint8], bool]:
    """Return frames with a batch dimension, and whether it had to be added."""
    frames = np.asarray(observation)
    single = frames.ndim == len(FRAME_SHAPE)
    return (frames[np.newaxis] if single else frames), single


def observe(kind: str, current: NDArray[np.uint8], previous: NDArray[np.uint8]) -> SparseRows:
    """Make the network's input from playing fields.

    "difference": `x_t = field_t - field_{t-1}`; "two_frames": `x_t = (field_t, field_{t-1})`;
    "sum_and_difference": `x_t = (field_t + field_{t-1}, field_t - field_{t-1})`.

    Args:
        kind: one of `INPUT_SIZES`.
        current: (N, 80, 80) uint8 of 0 and 1.
        previous: (N, 80, 80) uint8 of 0 and 1; equal to `current` where an episode starts, which
            gives the difference of zeros that the notebook uses for the first frame.

    Returns:
        N sparse rows.
    """
    now, before = (field.view(np.int8).reshape(-1, N_PIXELS) for field in (current, previous))
    if kind == "difference":
        dense = now - before
    elif kind == "two_frames":
        dense = np.concatenate([now, before], axis=1)
    else:
        dense = np.concatenate([now + before, now - before], axis=1)
    width = INPUT_SIZES[kind]
    flat = np.flatnonzero(dense != 0)  # booleans take flatnonzero's fast path
    rows, columns = np.divmod(flat, width)
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=dense.reshape(-1)[flat],
        offsets=np.searchsorted(rows, np.arange(len(current) + 1)).astype(np.int64),
        width=width,
    )


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


def _preprocess(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _LIT.take(frames[..., 35:195:2, ::2, 0])


def _check_frames(frames: NDArray[np.uint8], frame_shape: tuple[int, ...]) -> None:
    if frame_shape != FRAME_SHAPE or frames.dtype != np.uint8:
        raise ObservationError(
            f"expected a raw Pong frame, uint8 of shape {FRAME_SHAPE}, or a batch of them; "
            f"found {frames.dtype} of shape {frames.shape}"
        )
