"""From an emulator frame to the lit pixels of the 80x80 playing field.

The steps are those of Karpathy's "Pong from Pixels" as the notebook restates them
(`preprocess`): crop, halve, erase the background, set the rest to 1.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.frames import FRAME_SHAPE as FRAME_SHAPE
from pong_agent.vision.frames import SCREEN_SHAPE as SCREEN_SHAPE
from pong_agent.vision.frames import ObservationError as ObservationError
from pong_agent.vision.frames import array_refusal, as_array

FIELD_SHAPE = (80, 80)  # the playing field at half resolution
N_PIXELS = 80 * 80

# Lit values of the red channel: all but black and the two background colours.
_LIT = np.ones(256, dtype=np.uint8)
_LIT[[0, 109, 144]] = 0

# The same for palette indices (NTSC: even numbers), by their red channel in ALE.
_LIT_COLOURS = np.ones(256, dtype=np.uint8)
_LIT_COLOURS[[0, 34, 48, 128, 144, 160, 176, 192, 206, 228]] = 0

# Most of a field is background, as red channel and as palette index; it is dropped first.
_BACKGROUND, _BACKGROUND_COLOUR = 144, 34

# Indices of lit pixels, [n] uint16, increasing; pixel i is row i // 80, column i % 80 of the field.
Pixels: TypeAlias = NDArray[np.uint16]


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
    frame = as_array(frame)
    _check_frame(frame)
    return lit_in_channel(frame[..., 0])


def lit_in_channel(red: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the (80, 80) field of a frame's (210, 160) red channel."""
    return _LIT.take(red[35:195:2, ::2])


def lit_pixels(observation: NDArray[np.uint8]) -> Pixels:
    """Return where the playing field of one observation is lit.

    The same as `np.flatnonzero(preprocess_frame(observation))`, at a fraction of its time.

    Args:
        observation: (210, 160, 3) uint8, a raw RGB frame, or (210, 160) uint8, palette indices as
            `ALEInterface.getScreen` returns them.

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
    observation = as_array(observation)
    background, lit = _BACKGROUND, _LIT
    if observation.shape == SCREEN_SHAPE and observation.dtype == np.uint8:
        background, lit = _BACKGROUND_COLOUR, _LIT_COLOURS
    else:
        _check_frame(observation)
        observation = observation[:, :, 0]
    field = observation[35:195:2, ::2].reshape(-1)
    candidates = (field != background).nonzero()[0]
    pixels: Pixels = candidates[lit[field[candidates]].view(np.bool_)].astype(np.uint16)
    return pixels


def all_lit_pixels(observations: Sequence[NDArray[np.uint8]]) -> list[Pixels]:
    """Return `lit_pixels` of each of several observations; palette indices in half the time.

    Raises:
        ObservationError: an observation has another shape or dtype.
    """
    if any(screen.shape != SCREEN_SHAPE or screen.dtype != np.uint8 for screen in observations):
        return [lit_pixels(observation) for observation in observations]
    fields = np.empty((len(observations), *FIELD_SHAPE), dtype=np.uint8)
    for field, screen in zip(fields, observations, strict=True):
        field[:] = screen[35:195:2, ::2]
    colours = fields.reshape(-1)
    candidates = (colours != _BACKGROUND_COLOUR).nonzero()[0]
    lit = candidates[_LIT_COLOURS[colours[candidates]].view(np.bool_)]
    ends = lit.searchsorted(np.arange(1, len(fields) + 1) * N_PIXELS).tolist()
    pixels = (lit % N_PIXELS).astype(np.uint16)
    return [pixels[start:end] for start, end in zip([0, *ends], ends, strict=False)]


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


def _check_frame(frame: NDArray[np.uint8]) -> None:
    if frame.shape != FRAME_SHAPE or frame.dtype != np.uint8:
        raise array_refusal(frame)
