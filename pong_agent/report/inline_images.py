"""Arrays as small PNG images for light and dark backgrounds, and data URIs."""

import base64
import io
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pong_agent.recording.palette import NEGATIVE, POSITIVE, Colour

Colours: TypeAlias = tuple[Colour, Colour]  # of numbers above and below zero

_LEVELS = 31  # of opacity per sign; with more, images grow and look the same


def data_uri(content: bytes, kind: str) -> str:
    """Return bytes as a data URI.

    Example:
        >>> data_uri(b"pong", "text/plain")
        'data:text/plain;base64,cG9uZw=='
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def signed_png(
    values: NDArray[np.floating], scale: float, colours: Colours = (POSITIVE, NEGATIVE)
) -> bytes:
    """Draw [H, W] numbers as a PNG, a pixel each, from clear for 0 to opaque for +-`scale`."""
    from PIL import Image

    levels = np.rint(np.clip(values / scale, -1, 1) * _LEVELS).astype(np.int16) + _LEVELS
    image = Image.frombytes("P", values.shape[::-1], levels.astype(np.uint8).tobytes())
    positive, negative = colours
    signs = [negative] * _LEVELS + [positive] * (_LEVELS + 1)
    image.putpalette([channel for colour in signs for channel in colour])
    opacity = bytes(round(255 * abs(level - _LEVELS) / _LEVELS) for level in range(2 * _LEVELS + 1))
    file = io.BytesIO()
    image.save(file, "PNG", transparency=opacity, optimize=True)
    return file.getvalue()


def outlines(field: NDArray[np.uint8]) -> str:
    """Return a field's lit pixels as the `d` of an SVG path; neighbours in a row are merged.

    Example:
        >>> outlines(np.array([[0, 1, 1], [0, 0, 0]], dtype=np.uint8))
        'M1 0h2v1h-2z'
    """
    edges = np.diff(np.pad(field.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return "".join(
        f"M{column} {row}h{end - column}v1h{column - end}z"
        for (row, column), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True)
    )
