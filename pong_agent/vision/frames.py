"""Raw frames as users pass them: their shape and dtype, and the mistake behind other values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.errors import PongError

FRAME_SHAPE = (210, 160, 3)  # height, width, RGB
SCREEN_SHAPE = FRAME_SHAPE[:2]  # the same as palette indices

_FLAT: dict[tuple[int, ...], str] = {
    (128,): "it is the emulator's memory; make the environment with obs_type='rgb'",
    (100_800,): "it is flattened; frame.reshape(210, 160, 3) undoes that",
    (6400,): "it is an observation of PongAgent/Pong-v5; act in ALE/Pong-v5",
    (12_800,): "it is an observation of PongAgent/Pong-v5; act in ALE/Pong-v5",
}


class ObservationError(PongError, ValueError):
    """An observation is not a raw Pong frame; the message says what was expected and found."""


def as_array(observation: Any) -> NDArray[Any]:
    """Return an observation as an array.

    Raises:
        ObservationError: it cannot be one; the message names the likely mistake.
    """
    if type(observation) is np.ndarray:
        return observation
    try:
        array = np.asarray(observation)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors on a GPU
        raise refusal(_named(observation), _mistake(observation) or str(error)) from error
    if array.dtype.kind not in "biufc":
        raise refusal(_named(observation), _mistake(observation))
    return array


def refusal(found: str, mistake: str) -> ObservationError:
    """Return the error for what is no raw frame."""
    return ObservationError(
        f"expected a raw Pong frame, uint8 of shape {FRAME_SHAPE}, or a batch of them; "
        f"found {found}{mistake and ': '}{mistake}"
    )


def array_refusal(array: NDArray[Any]) -> ObservationError:
    """Return the error for an array that holds no raw frames."""
    mistake = shape_mistake(array.shape, array.dtype)
    return refusal(f"{array.dtype} of shape {array.shape}", mistake)


def shape_mistake(shape: tuple[int, ...], dtype: Any) -> str:
    """Return how observations get another shape or dtype, with the remedy; empty if not known."""
    if shape[-3:] == FRAME_SHAPE:
        if 0 in shape:
            return "it holds no frame"
        if len(shape) == 4 and dtype == np.uint8:
            return "this function takes one frame at a time"
        if len(shape) > 4:
            return "these are stacks of frames (FrameStackObservation); pass the newest of each"
        if np.issubdtype(dtype, np.floating):
            return "it was normalised or converted; pass the frame as the emulator gives it"
        return "frame.astype(np.uint8) converts it"
    if shape[-3:] == (3, *SCREEN_SHAPE):
        return "its channels come first (VecTransposeImage); np.moveaxis(frame, -3, -1) undoes that"
    if shape[-2:] == SCREEN_SHAPE or shape[-3:] == (*SCREEN_SHAPE, 1):
        return "it is grey (GrayscaleObservation, obs_type='grayscale'); pass raw RGB frames"
    if shape[-3:] == (*SCREEN_SHAPE, 4):
        return "it has an alpha channel; frame[..., :3] drops that"
    if shape[-3:-1] == SCREEN_SHAPE:
        return "its channels are those of several frames (VecFrameStack); pass the newest frame"
    if shape[-3:] == (*SCREEN_SHAPE[::-1], 3):
        return "height and width are exchanged; frame.swapaxes(-3, -2) undoes that"
    if shape[-1:] in _FLAT and len(shape) <= 2:
        return _FLAT[shape[-1:]]
    if len(shape) >= 2:
        return "it is resized or cropped (AtariPreprocessing, ResizeObservation); pass raw frames"
    return ""


def _named(observation: Any) -> str:
    """Return how an error names what is no array, in one line."""
    name = type(observation).__name__
    if isinstance(observation, (list, tuple)):
        return f"{name} of {', '.join(type(one).__name__ for one in observation[:5])}"
    return f"{name} {observation!r:.40}".partition("\n")[0]


def _mistake(observation: Any) -> str:
    """Return how an observation comes to be no array, with the remedy; empty if not known."""
    if isinstance(observation, tuple):
        if len(observation) == 2 and isinstance(observation[1], Mapping):
            return "reset() returns a tuple: observation, info = env.reset()"
        if len(observation) in (4, 5):
            return "step() returns a tuple, whose first entry is the observation"
    if isinstance(observation, Mapping):
        return "pass the entry that holds the frame"
    if isinstance(observation, (list, tuple)):
        return "pass one array, such as np.stack of frames"
    return ""
