"""Images of a network's input, its hidden units' activations and their weights."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pong_agent.network import Floats
from pong_agent.recording import palette
from pong_agent.recording.palette import GROUND, RAISED, TEXT, Colour
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import FIELD_SHAPE, draw_field

if TYPE_CHECKING:
    from PIL import Image

Place: TypeAlias = tuple[float, float]  # x, y

_ROWS_OF_UNITS = 20
_SHADES = 4  # of a cell: as many as the eye tells apart; more would enlarge the video


def weights_image(weights: Floats) -> npt.NDArray[np.uint8]:
    """Colour weights by sign, [rows, columns, 3], the darker the closer to zero."""
    # One weight in 200, and those above, have the full colour: an outlier would dim the rest.
    largest = max(float(np.quantile(np.abs(weights), 0.995)), 1e-12)
    shares = np.clip(weights / largest, -1, 1)
    return _tinted(shares > 0, np.abs(shares), palette.POSITIVE, palette.NEGATIVE)


def cells_image(hidden: Floats, pushes: Floats, width: int, height: int) -> npt.NDArray[np.uint8]:
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
    image: npt.NDArray[np.uint8] = table[column.astype(int)[None, :], row.astype(int)[:, None]]
    image[in_row > 0.78] = GROUND
    image[:, in_column > 0.9] = GROUND
    return image


def _tinted(
    first: npt.NDArray[np.bool_], strength: Floats, one: Colour, other: Colour
) -> npt.NDArray[np.uint8]:
    """Return RGB between RAISED, at strength 0, and one of two colours, at strength 1."""
    ground = np.array(RAISED, float)
    colours = np.where(first[..., None], np.array(one, float), np.array(other, float))
    shades: npt.NDArray[np.uint8] = (ground + (colours - ground) * strength[..., None]).astype("u1")
    return shades


def input_image(observation: str, fields: FieldHistory) -> npt.NDArray[np.uint8]:
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


def enlarged(image: npt.NDArray[np.uint8], side: int) -> "Image.Image":
    """Resize a square image to `side` pixels, its own pixels as crisp as possible."""
    from PIL import Image

    whole = side % len(image) == 0
    resized = Image.fromarray(image)
    if not whole and side > len(image):  # crisp pixels first, then to size
        factor = -(-side // len(image))
        resized = resized.resize((factor * len(image),) * 2, Image.Resampling.NEAREST)
    return resized.resize((side, side), Image.Resampling.NEAREST if whole else Image.Resampling.BOX)


@functools.cache
def font(size: float) -> Any:
    """Return Pillow's own font, so that none has to be on the system; it has Latin letters only."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


class Sketch:
    """Draws on an image that is enlarged by `scale`, with all lengths in pixels of the game."""

    def __init__(self, image: "Image.Image", scale: int) -> None:
        from PIL import ImageDraw

        self._image, self._scale = image, scale
        self._draw = ImageDraw.Draw(image)

    def text(
        self, place: Place, text: str, size: float, colour: Colour, anchor: str = "lt"
    ) -> None:
        """Write a line of text; `anchor` is Pillow's, "lt" for `place` at its left top."""
        x, y = (self._scale * length for length in place)
        self._draw.text((x, y), text, fill=colour, font=font(size * self._scale), anchor=anchor)

    def box(self, edges: tuple[float, float, float, float], colour: Colour) -> None:
        """Fill a rectangle, given by its left, top, right and bottom edge."""
        left, top, right, bottom = (round(self._scale * edge) for edge in edges)
        corners = (left, top, max(right - 1, left), max(bottom - 1, top))
        self._draw.rectangle(corners, fill=colour)

    def line(self, points: Sequence[Place], colour: Colour) -> None:
        """Draw a line through points, nothing for a single one."""
        if len(points) > 1:
            places = [(self._scale * x, self._scale * y) for x, y in points]
            width = max(1, round(0.6 * self._scale))
            self._draw.line(places, fill=colour, width=width, joint="curve")

    def paste(self, image: "Image.Image", place: Place) -> None:
        """Put an image, of its size, with its left top corner at a place."""
        x, y = (round(self._scale * length) for length in place)
        self._image.paste(image, (x, y))
