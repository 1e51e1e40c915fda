"""Images of a network's input, its hidden units' activations and their weights."""

import functools
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pong_agent.network import Floats
from pong_agent.recording import palette
from pong_agent.recording.capture import Frame
from pong_agent.recording.palette import GROUND, RAISED, TEXT, Colour
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import FIELD_SHAPE, draw_field

Place: TypeAlias = tuple[float, float]  # x, y

_ROWS_OF_UNITS = 20
_SHADES = 4  # of a cell: as many as the eye tells apart; more would enlarge the video


def weights_image(weights: Floats) -> Frame:
    """Colour weights by sign, [rows, columns, 3], the darker the closer to zero."""
    # One weight in 200, and those above, have the full colour: an outlier would dim the rest.
    largest = max(float(np.quantile(np.abs(weights), 0.995)), 1e-12)
    shares = np.clip(weights / largest, -1, 1)
    return _tinted(shares > 0, np.abs(shares), palette.POSITIVE, palette.NEGATIVE)


def cells_image(hidden: Floats, pushes: Floats, width: int, height: int) -> Frame:
    """Draw activations, [n], as cells in columns of 20, brighter the more active.

    The sign of `pushes`, how much each unit adds to the logit of UP minus that of DOWN, gives the
    cell's colour. The image is [height, width, 3].
    """
    n_columns = -(-len(hidden) // _ROWS_OF_UNITS)
    cells = np.zeros(n_columns * _ROWS_OF_UNITS)
    cells[: len(hidden)] = np.sqrt(hidden / max(float(hidden.max()), 1e-6))
    sides = np.zeros(len(cells), np.bool_)
    sides[: len(pushes)] = pushes > 0
    shades = _tinted(sides, np.round(_SHADES * cells) / _SHADES, palette.UP, palette.DOWN)
    shades[len(hidden) :] = GROUND
    table = shades.reshape(n_columns, _ROWS_OF_UNITS, 3)
    column, in_column = np.divmod(np.arange(width) * n_columns / width, 1)
    row, in_row = np.divmod(np.arange(height) * _ROWS_OF_UNITS / height, 1)
    image: Frame = table[column.astype(int)[None, :], row.astype(int)[:, None]]
    image[in_row > 0.78] = GROUND
    image[:, in_column > 0.9] = GROUND
    return image


def _tinted(first: npt.NDArray[np.bool_], strength: Floats, one: Colour, other: Colour) -> Frame:
    """Return RGB between RAISED, at strength 0, and one of two colours, at strength 1."""
    ground = np.array(RAISED, float)
    colours = np.where(first[..., None], np.array(one, float), np.array(other, float))
    shades: Frame = (ground + (colours - ground) * strength[..., None]).astype("u1")
    return shades


def input_image(observation: str, fields: FieldHistory) -> Frame:
    """Draw the network's input, [80, 80, 3], for the first game of a history.

    As two frames the previous field is dim, as a difference each sign has its colour;
    `observation` is the configuration's field of that name.
    """
    image = np.full((*FIELD_SHAPE, 3), RAISED, np.uint8)
    current, previous = draw_field(fields.current[0]) > 0, draw_field(fields.previous[0]) > 0
    if observation == "two_frames":
        image[previous] = palette.mixed(RAISED, TEXT, 0.35)
        image[current] = TEXT
    else:
        image[previous & ~current] = palette.NEGATIVE
        image[current & ~previous] = palette.POSITIVE
    return image


def enlarged(image: Frame, side: int) -> Frame:
    """Resize a square image to `side` pixels, its own pixels as crisp as possible."""
    from PIL import Image

    factor, remainder = divmod(side, len(image))
    if not remainder:
        return image.repeat(factor, axis=0).repeat(factor, axis=1)
    resized = Image.fromarray(image)
    if factor:  # crisp pixels first, then to size
        resized = resized.resize(((factor + 1) * len(image),) * 2, Image.Resampling.NEAREST)
    return np.asarray(resized.resize((side, side), Image.Resampling.BOX))


def curve_image(heights: Floats, width: int, height: int) -> Frame:
    """Draw a curve, [height, width, 3], through points at equal distances, the last at the right.

    `heights` are -1 at the bottom and 1 at the top; 0 is marked by a line.
    """
    thickness = max(1.0, height / 16)
    image = np.full((height, width, 3), RAISED, np.uint8)
    image[height // 2] = palette.mixed(RAISED, palette.MUTED, 0.6)
    if len(heights) < 2:
        return image
    places = np.linspace(0, width - 1, len(heights))
    middles = np.interp(np.arange(width), places, np.clip(heights, -1, 1))
    rows = (1 - middles) / 2 * (height - thickness - 1)
    # Each column reaches as far as the next one's beginning, so that steep parts have no gaps.
    ends = np.append(rows[1:], rows[-1])
    tops, bottoms = np.minimum(rows, ends), np.maximum(rows, ends) + thickness
    y = np.arange(height)[:, None]
    image[(y >= np.floor(tops)) & (y < np.ceil(bottoms))] = palette.AGENT
    return image


@functools.cache
def font(size: float) -> Any:
    """Return Pillow's own font, so that none has to be on the system; it has Latin letters only."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


@functools.lru_cache(maxsize=4096)
def _text_image(text: str, size: float, colour: Colour) -> tuple[Frame, int, int]:
    """Return a line of text on GROUND, [h, w, 3], and its top left relative to the baseline."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = font(size).getbbox(text, anchor="ls")
    image = Image.new("RGB", (max(1, right - left), max(1, bottom - top)), GROUND)
    ImageDraw.Draw(image).text((-left, -top), text, fill=colour, font=font(size), anchor="ls")
    return np.asarray(image), left, top


@functools.lru_cache(maxsize=1024)
def _row(colour: Colour, width: int) -> Frame:
    """Return [width, 3] of one colour; NumPy copies it much faster than single pixels."""
    return np.full((width, 3), colour, np.uint8)


class Sketch:
    """Draws on an image, [H, W, 3], enlarged by `scale`; lengths are in pixels of the game."""

    def __init__(self, image: Frame, scale: int) -> None:
        self._image, self._scale = image, scale

    def text(self, place: Place, text: str, size: float, colour: Colour, anchor: str = "l") -> None:
        """Write a line of text on GROUND.

        `place` is on the baseline, at the left, the middle or the right of the text by `anchor`,
        "l", "m" or "r".
        """
        if not text:
            return
        image, left, top = _text_image(text, size * self._scale, colour)
        x, y = (round(self._scale * length) for length in place)
        x -= {"l": 0, "m": image.shape[1] // 2 + left, "r": image.shape[1] + left}[anchor]
        self._put(image, x + left, y + top)

    def box(self, edges: tuple[float, float, float, float], colour: Colour) -> None:
        """Fill a rectangle, given by its left, top, right and bottom edge."""
        left, top, right, bottom = (round(self._scale * edge) for edge in edges)
        width = max(1, right - left)
        self._image[top : max(bottom, top + 1), left : left + width] = _row(colour, width)

    def paste(self, image: Frame, place: Place) -> None:
        """Put an image, of its size, with its left top corner at a place."""
        x, y = (round(self._scale * length) for length in place)
        self._put(image, x, y)

    def _put(self, image: Frame, x: int, y: int) -> None:
        """Put the part of an image that lies on this one, its left top corner at (x, y)."""
        image = image[max(0, -y) :, max(0, -x) :]
        target = self._image[max(0, y) :, max(0, x) :][: image.shape[0], : image.shape[1]]
        target[:] = image[: target.shape[0], : target.shape[1]]
