"""Values of one agent step as a user's loop has them: converted, or refused where they come in."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pong_agent.bounds import plain
from pong_agent.learning.trajectory import BatchError, describe
from pong_agent.vision.pixels import FIELD_SHAPE, FRAME_SHAPE, Pixels, field_pixels

# A playing field: (80, 80) uint8 of 0 and 1, or the indices of its lit pixels.
Field: TypeAlias = NDArray[np.uint8] | Pixels

_LARGEST = float(np.finfo(np.float32).max)


def as_pixels(field: Any) -> Pixels:
    """Return the lit pixels of a field.

    Raises:
        BatchError: it is no field.
    """
    shape, dtype = getattr(field, "shape", None), getattr(field, "dtype", None)
    if isinstance(field, np.ndarray) and field.ndim == 1 and dtype == np.uint16:
        return field  # `Trajectory.validate` checks the indices of all steps
    if shape != FIELD_SHAPE or dtype != np.uint8 or field.max() > 1:
        remedy = "; preprocess_frame makes it of a frame" if shape == FRAME_SHAPE else ""
        fits = shape == FIELD_SHAPE and dtype == np.uint8
        found = f"values up to {field.max()}" if fits else describe(field)
        raise BatchError(f"field: expected 0 and 1, uint8 of {FIELD_SHAPE}, found {found}{remedy}")
    return field_pixels(field)


def as_index(value: Any, name: str) -> int:
    """Return an integer of Python, NumPy or torch as an int; raise BatchError for others."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise BatchError(f"{name}: expected an integer, found {describe(value)}")
    return number


def as_number(value: Any, name: str) -> float:
    """Return a finite number of Python, NumPy or torch; raise BatchError for others."""
    if type(value) is float and -_LARGEST <= value <= _LARGEST:
        return value  # as environments return it
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise BatchError(f"{name}: expected a number, found {describe(value)}")
    if not abs(number) <= _LARGEST:  # also for NaN
        raise BatchError(f"{name}: expected a finite number, found {number}")
    return float(number)


def as_probabilities(value: Any) -> NDArray[np.float32]:
    """Return the probabilities of two or three actions, copied; raise BatchError for others."""
    try:
        noted = np.array(value, dtype=np.float32)
    except (TypeError, ValueError):
        noted = np.zeros(0, dtype=np.float32)
    if noted.shape not in ((2,), (3,)):
        raise BatchError(f"probabilities: expected two or three, found {describe(value)}")
    return noted
