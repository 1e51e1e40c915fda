"""Observations that a user passes to an agent: checked, and reduced to lit pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.pixels import (
    FRAME_SHAPE,
    N_PIXELS,
    ObservationError,
    Pixels,
    lit_pixels,
    refuse,
)

# Pong lights about 30 pixels (two paddles of 16, the ball); many more mean another game,
_MOST_LIT = 100
# unless all are lit: in very long games the console changes all colours, the background's too.
_ALL_LIT = N_PIXELS // 2


def as_batch(observation: Any) -> tuple[NDArray[np.uint8], bool]:
    """Return raw frames with a batch dimension, and whether it had to be added.

    Stacks of one frame each, as the emulator's own vector environment returns them, are a batch.

    Raises:
        ObservationError: there are too few or too many dimensions for frames.
    """
    frames = np.asarray(observation)
    if frames.ndim not in (len(FRAME_SHAPE), len(FRAME_SHAPE) + 1):
        if frames.shape[1:] != (1, *FRAME_SHAPE):
            refuse(frames)
        frames = frames[:, 0]
    single = frames.ndim == len(FRAME_SHAPE)
    return (frames[np.newaxis] if single else frames), single


def pong_pixels(observation: NDArray[np.uint8]) -> Pixels:
    """Return `lit_pixels` of a frame that may not show Pong.

    Raises:
        ObservationError: the observation has another shape or dtype, or shows another game.
    """
    pixels = lit_pixels(observation)
    if _MOST_LIT < len(pixels) < _ALL_LIT:
        raise ObservationError(
            f"expected a frame of Pong, where about 30 pixels of {N_PIXELS} are lit, "
            f"found {len(pixels)}: is it another game?"
        )
    return pixels
