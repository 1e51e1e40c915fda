"""From an emulator frame to what the network sees: the lit ones of 80x80 pixels.

The steps are those of Karpathy's "Pong from Pixels" as the notebook of this project restates them
(`preprocess` there): crop, halve, erase the background, set the rest to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

FRAME_SHAPE = (210, 160, 3)  # height, width, RGB: the screen of the Atari 2600 in ALE
SCREEN_SHAPE = FRAME_SHAPE[:2]  # the same as indices of the console's colours
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

# The same for the console's 128 colours (NTSC: even numbers), by their red channel in ALE.
_LIT_COLOURS = np.ones(256, dtype=np.uint8)
_LIT_COLOURS[[0, 34, 48, 128, 144, 160, 176, 192, 206, 228]] = 0

# Most of a field is background: as a red channel and as a colour. It is sorted out first.
_BACKGROUND, _BACKGROUND_COLOUR = 144, 34

# Indices of lit pixels, [n] uint16, increasing; pixel i is row i // 80, column i % 80 of the field.
Pixels: TypeAlias = NDArray[np.uint16]

# Where the second of two pictures begins.
_SECOND_FIELD = np.uint16(N_PIXELS)

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
    """Return raw frames with a batch dimension, and whether it had to be added.

    Raises:
        ObservationError: there are too few or too many dimensions for frames.
    """
    frames = np.asarray(observation)
    if frames.ndim not in (len(FRAME_SHAPE), len(FRAME_SHAPE) + 1):
        _refuse(frames)
    single = frames.ndim == len(FRAME_SHAPE)
    return (frames[np.newaxis] if single else frames), single


def lit_pixels(observation: NDArray[np.uint8]) -> Pixels:
    """Return where the playing field of one observation is lit.

    The same as `np.flatnonzero(preprocess_frame(observation))`, at a fraction of its time.

    Args:
        observation: (210, 160, 3) uint8, a raw RGB frame, or (210, 160) uint8, the same screen as
            indices of the console's colours, as `ALEInterface.getScreen` gives it.

    Returns:
        [n] uint16, increasing indices of the lit pixels, 20 to 30 of 6,400.

    Raises:
        ObservationError: the observation has another shape or dtype.

    Example:
        >>> screen = np.full((210, 160), 34, dtype=np.uint8)  # an empty field
        >>> screen[35:37, 4:8] = 14  # the ball
        >>> lit_pixels(screen)
        array([2, 3], dtype=uint16)
    """
    observation = np.asarray(observation)
    background, lit = _BACKGROUND, _LIT
    if observation.shape == SCREEN_SHAPE and observation.dtype == np.uint8:
        background, lit = _BACKGROUND_COLOUR, _LIT_COLOURS
    else:
        _check_frames(observation, observation.shape)
        observation = observation[:, :, 0]
    field = observation[35:195:2, ::2].reshape(-1)
    candidates = (field != background).nonzero()[0]
    pixels: Pixels = candidates[lit[field[candidates]].view(np.bool_)].astype(np.uint16)
    return pixels


def field_pixels(field: NDArray[np.uint8]) -> Pixels:
    """Return the indices of the lit pixels of an (80, 80) uint8 field of 0 and 1, increasing.

    Raises:
        ObservationError: the field has another shape or dtype.
    """
    if field.shape != FIELD_SHAPE or field.dtype != np.uint8:
        raise ObservationError(
            f"field: expected uint8 of {FIELD_SHAPE}, found {field.dtype} of shape {field.shape}"
        )
    pixels: Pixels = (field.reshape(-1) != 0).nonzero()[0].astype(np.uint16)
    return pixels


def draw_field(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the (80, 80) uint8 field of 0 and 1 that has these lit pixels."""
    field = np.zeros(N_PIXELS, dtype=np.uint8)
    field[pixels] = 1
    return field.reshape(FIELD_SHAPE)


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
    rows, columns = (dense != 0).nonzero()
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=dense[rows, columns],
        offsets=np.searchsorted(rows, np.arange(len(current) + 1)).astype(np.int64),
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


def _preprocess(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _LIT.take(frames[..., 35:195:2, ::2, 0])


def _check_frames(frames: NDArray[np.uint8], frame_shape: tuple[int, ...]) -> None:
    if frame_shape != FRAME_SHAPE or frames.dtype != np.uint8:
        _refuse(frames)


def _refuse(frames: NDArray[Any]) -> NoReturn:
    raise ObservationError(
        f"expected a raw Pong frame, uint8 of shape {FRAME_SHAPE}, or a batch of them; "
        f"found {frames.dtype} of shape {frames.shape}"
    )
