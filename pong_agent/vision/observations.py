"""Observations that a user passes to an agent: checked, and reduced to lit pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.frames import FRAME_SHAPE, ObservationError, array_refusal, as_array
from pong_agent.vision.pixels import N_PIXELS, Pixels, lit_in_channel, lit_pixels

# Pong lights about 30 pixels (two paddles of 16, the ball); many more mean another game,
_MOST_LIT = 100
# unless all are lit: after 18 minutes of an episode the console changes its colours.


def as_batch(observation: Any) -> tuple[NDArray[np.uint8], bool]:
    """Return raw frames with a batch dimension, and whether it had to be added.

    Stacks of one frame each, as the emulator's own vector environment returns them, are a batch.

    Raises:
        ObservationError: these are no raw frames; the message names the likely mistake.
    """
    frames = as_array(observation)
    shape = frames.shape
    if frames.dtype == np.uint8 and shape[-3:] == FRAME_SHAPE and frames.size:
        if len(shape) == 3:
            return frames[np.newaxis], True
        if len(shape) == 4:
            return frames, False
        if shape[1:] == (1, *FRAME_SHAPE):
            return frames[:, 0], False
    raise array_refusal(frames)


def pong_pixels(frame: NDArray[np.uint8], first: Any = False) -> Pixels:
    """Return `lit_pixels` of a frame that may not show Pong.

    Args:
        frame: (210, 160, 3) uint8, or palette indices for an episode's first frame.
        first: whether it is an episode's first frame, in which Pong has its usual colours.

    Raises:
        ObservationError: the frame has another shape or dtype, or shows something else.
    """
    pixels = lit_pixels(frame)
    if len(pixels) > _MOST_LIT:
        mistake = _colour_mistake(frame)
        if first or mistake or not _is_plain(frame):
            raise ObservationError(
                f"expected a frame of Pong, where about 30 pixels of {N_PIXELS} are lit, "
                f"found {len(pixels)}: {mistake or 'is it another game, or was it changed?'}"
            )
    return pixels


def _is_plain(frame: NDArray[np.uint8]) -> bool:
    """Return whether nearly all of the playing field has one colour, whichever."""
    counts = np.bincount(frame[35:195:2, ::2, 0].reshape(-1))
    return bool(counts.max() >= N_PIXELS - _MOST_LIT)


def _colour_mistake(frame: NDArray[np.uint8]) -> str:
    """Return how a frame of Pong gets other colours, with the remedy; empty if not known."""
    if frame.ndim == 2:
        return "it is grey (GrayscaleObservation), where palette indices were expected"
    red, green, blue = (frame[..., channel] for channel in range(3))
    if frame.max() <= 1:
        return "it was normalised; pass the frame as the emulator gives it"
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return "it is grey, in three channels; pass raw RGB frames"
    if _could_be_red(blue):
        return "its channels are in the order BGR (OpenCV); frame[..., ::-1] is RGB"
    if _could_be_red(green):
        return "its channels are not in the order RGB"
    if _could_be_red(255 - red):
        return "its colours are inverted; 255 - frame undoes that"
    return ""


def _could_be_red(channel: NDArray[np.uint8]) -> bool:
    return int(lit_in_channel(channel).sum()) <= _MOST_LIT
