"""From an emulator frame to what the network sees: 80x80 pixels and their difference.

The steps are those of Karpathy's "Pong from Pixels" as the notebook of this project restates them
(`preprocess` there): crop, halve, erase the background, set the rest to 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME_SHAPE = (210, 160, 3)  # height, width, RGB: the screen of the Atari 2600 in ALE
FIELD_SHAPE = (80, 80)  # the playing field at half resolution
N_PIXELS = 80 * 80

# Which values of the red channel are lit: all but black and the two background colours.
_LIT = np.ones(256, dtype=np.uint8)
_LIT[[0, 109, 144]] = 0


class ObservationError(ValueError):
    """An observation is not a raw Pong frame; the message says what was expected and found."""


@dataclass(frozen=True)
class SparseRows:
    """N rows of an (N, 6400) matrix of -1, 0 and +1, of which only the non-zeros are stored.

    The layout is the compressed sparse row format (CSR): row n has its non-zeros at
    `slice(offsets[n], offsets[n + 1])` of `indices` and `values`, by increasing index. A difference
    of two Pong pictures has 10 to 50 of them.

    Attributes:
        indices: [nnz] uint16, column of each non-zero, 0 to 6399.
        values: [nnz] int8, -1 or +1.
        offsets: [N + 1] int64, where each row starts; the last one is nnz.
    """

    indices: NDArray[np.uint16]
    values: NDArray[np.int8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def toarray(self) -> NDArray[np.int8]:
        """Return the rows as a dense (N, 6400) int8 array."""
        dense = np.zeros((len(self), N_PIXELS), dtype=np.int8)
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


def difference(current: NDArray[np.uint8], previous: NDArray[np.uint8]) -> SparseRows:
    """Subtract the previous playing fields from the current ones: `x_t = field_t - field_{t-1}`.

    Args:
        current: (N, 80, 80) uint8 of 0 and 1.
        previous: (N, 80, 80) uint8 of 0 and 1; equal to `current` where an episode starts, which
            gives the row of zeros that the notebook uses for the first frame.

    Returns:
        N sparse rows.
    """
    shape = (len(current), N_PIXELS)
    signed = current.view(np.int8).reshape(shape) - previous.view(np.int8).reshape(shape)
    flat = np.flatnonzero(signed)
    rows, columns = np.divmod(flat, N_PIXELS)
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=signed.reshape(-1)[flat],
        offsets=np.searchsorted(rows, np.arange(len(current) + 1)).astype(np.int64),
    )


def difference_of_successive(pixels: NDArray[np.uint16], offsets: NDArray[np.int64]) -> SparseRows:
    """Compute `difference` along an episode whose frames are stored as indices of lit pixels.

    Args:
        pixels: [nnz] uint16, lit pixels of frame 0, then of frame 1, ..., each increasing.
        offsets: [T + 1] int64, where each frame starts in `pixels`.

    Returns:
        T sparse rows, the first of them zeros.
    """
    length = len(offsets) - 1
    frame_of = np.repeat(np.arange(length), np.diff(offsets))
    lit_now = frame_of * N_PIXELS + pixels  # one key per (frame, pixel)
    lit_before = (lit_now + N_PIXELS)[frame_of < length - 1]  # seen from the next frame
    appeared = np.setdiff1d(lit_now[frame_of > 0], lit_before, assume_unique=True)
    vanished = np.setdiff1d(lit_before, lit_now, assume_unique=True)
    keys = np.concatenate([appeared, vanished])
    signs = np.concatenate([np.ones(len(appeared), np.int8), np.full(len(vanished), -1, np.int8)])
    order = np.argsort(keys)
    rows, columns = np.divmod(keys[order], N_PIXELS)
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=signs[order],
        offsets=np.searchsorted(rows, np.arange(length + 1)).astype(np.int64),
    )


def _preprocess(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _LIT.take(frames[..., 35:195:2, ::2, 0])


def _check_frames(frames: NDArray[np.uint8], frame_shape: tuple[int, ...]) -> None:
    if frame_shape != FRAME_SHAPE or frames.dtype != np.uint8:
        raise ObservationError(
            f"expected a raw Pong frame, uint8 of shape {FRAME_SHAPE}, or a batch of them; "
            f"found {frames.dtype} of shape {frames.shape}"
        )
