"""Pictures of what goes on in a network: its input, its units' activities and weights.

Pillow is imported where it is used.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pong_agent.network import Floats
from pong_agent.vision.pixels import FIELD_SHAPE, Pixels, draw_field

if TYPE_CHECKING:
    from PIL import Image

Colour: TypeAlias = tuple[int, int, int]

# Colours, RGB: those of the game's paddles for the two players.
GROUND, RAISED = (16, 20, 24), (36, 43, 50)
TEXT, MUTED = (232, 237, 242), (150, 161, 172)
AGENT, OPPONENT = (108, 204, 108), (224, 152, 96)

ROWS_OF_UNITS = 20
_SHADES = 4  # of a cell: what the eye tells apart, and what a film can hold


def weights_picture(weights: Floats) -> npt.NDArray[np.uint8]:
    """Colour weights: none dark, positive ones green, negative ones orange.

    Args:
        weights: [rows, columns].

    Returns:
        [rows, columns, 3] uint8 RGB; the largest of 200 weights and above have the full colour.
    """
    largest = max(float(np.quantile(np.abs(weights), 0.995)), 1e-12)
    share = np.clip(weights / largest, -1, 1)[..., np.newaxis]
    colours = np.where(share > 0, np.array(AGENT, float), np.array(OPPONENT, float))
    ground = np.array(RAISED, float)
    return np.asarray(ground + (colours - ground) * np.abs(share)).astype(np.uint8)


def cells_picture(hidden: Floats, pushes: Floats, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Draw activities as cells in columns of 20, [height, width, 3]: the more active the brighter.

    Those that speak for UP are green, those for DOWN orange.
    """
    n_columns = -(-len(hidden) // ROWS_OF_UNITS)
    cells = np.zeros(n_columns * ROWS_OF_UNITS)
    cells[: len(hidden)] = np.sqrt(hidden / max(float(hidden.max()), 1e-6))
    cells = np.round(_SHADES * cells) / _SHADES
    sides = np.zeros(len(cells), np.bool_)
    sides[: len(pushes)] = pushes > 0
    ground = np.array(RAISED, float)
    colours = np.where(sides[:, np.newaxis], np.array(AGENT, float), np.array(OPPONENT, float))
    shades = (ground + (colours - ground) * cells[:, np.newaxis]).astype(np.uint8)
    shades[len(hidden) :] = GROUND
    table = shades.reshape(n_columns, ROWS_OF_UNITS, 3)
    column, in_column = np.divmod(np.arange(width) * n_columns / width, 1)
    row, in_row = np.divmod(np.arange(height) * ROWS_OF_UNITS / height, 1)
    picture: npt.NDArray[np.uint8] = table[
        column.astype(int)[np.newaxis, :], row.astype(int)[:, np.newaxis]
    ]
    picture[in_row > 0.78] = GROUND
    picture[:, in_column > 0.9] = GROUND
    return picture


@functools.cache
def font(size: float) -> Any:
    """Return the font that Pillow brings along, so that none has to be on the system."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def input_picture(kind: str, now: Pixels, before: Pixels) -> npt.NDArray[np.uint8]:
    """Colour the playing field, [80, 80, 3]: what is lit now bright, what was before dim."""
    picture = np.full((*FIELD_SHAPE, 3), RAISED, np.uint8)
    current, previous = draw_field(now) > 0, draw_field(before) > 0
    if kind == "two_frames":
        picture[previous] = mixed(RAISED, TEXT, 0.35)
        picture[current] = TEXT
    else:
        picture[previous & ~current] = OPPONENT
        picture[current & ~previous] = AGENT
    return picture


def enlarged(picture: npt.NDArray[np.uint8], side: int) -> Image.Image:
    """Return a square picture with so many pixels a side, its own pixels as crisp as can be."""
    from PIL import Image

    whole = side % len(picture) == 0
    image = Image.fromarray(picture)
    method = Image.Resampling.NEAREST if whole else Image.Resampling.BOX
    if not whole and side > len(picture):  # crisp pixels first, then to size
        factor = -(-side // len(picture))
        image = image.resize((factor * len(picture),) * 2, Image.Resampling.NEAREST)
    return image.resize((side, side), method)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two others."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
