"""A video of a game between two agents, with their names above it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.envs.two_players import FRAMES_PER_SECOND, Frame
from pong_agent.errors import ConfigError
from pong_agent.recording.encoder import ENCODER, VideoWriter
from pong_agent.recording.images import font
from pong_agent.recording.palette import GROUND, LEFT, MUTED, RIGHT

# Positions and sizes are in pixels of the emulator.
_WIDTH, _HEIGHT, _BAR = 160, 210, 20
_MARGIN, _FONT_SIZE = 6, 7.0


def fitting(name: str, width: float, size: float) -> str:
    """Shorten a name at its beginning until it is at most `width` pixels wide.

    Example:
        >>> fitting("runs/first/checkpoints/update-000050.npz", 120, 12.0)
        '…update-000050.npz'
        >>> fitting("pretrained", 120, 12.0)
        'pretrained'
    """
    shown = name
    while name and font(size).getlength(shown) > width:
        name = name[1:]
        shown = f"…{name}"
    return shown


def draw_names(left: str, right: str, scale: int) -> NDArray[np.uint8]:
    """Draw the bar above the game, [20 * scale, 160 * scale, 3] uint8 RGB."""
    from PIL import Image, ImageDraw

    bar = Image.new("RGB", (_WIDTH * scale, _BAR * scale), GROUND)
    draw: Any = ImageDraw.Draw(bar)
    size, middle = _FONT_SIZE * scale, _BAR * scale / 2
    width = (_WIDTH / 2 - _MARGIN - 6) * scale
    for name, x, anchor, colour in (
        (left, _MARGIN * scale, "lm", LEFT),
        (right, (_WIDTH - _MARGIN) * scale, "rm", RIGHT),
    ):
        draw.text((x, middle), fitting(name, width, size), colour, font(size), anchor=anchor)
    draw.text((_WIDTH * scale / 2, middle), "vs", MUTED, font(size), anchor="mm")
    return np.asarray(bar)


@contextmanager
def record_match(
    path: Path, left: str, right: str, scale: int
) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that appends an emulated frame to an .mp4 file, whole or absent at the end.

    Left and right are the players' names; a pixel becomes a block of `scale` x `scale` pixels.

    Raises:
        ConfigError: the path does not end in `.mp4`, or the scale is below 1.
        VideoError: the folder cannot be written to.
    """
    if path.suffix != ".mp4" or scale < 1:
        raise ConfigError(
            f"video and scale: expected a name that ends in .mp4 and 1 or more, "
            f"found {str(path)!r} and {scale}"
        )
    with VideoWriter(path, fps=FRAMES_PER_SECOND, scale=1, encoder=ENCODER) as writer:
        image = np.zeros(((_BAR + _HEIGHT) * scale, _WIDTH * scale, 3), np.uint8)
        image[: _BAR * scale] = draw_names(left, right, scale)
        game = image[_BAR * scale :].reshape(_HEIGHT, scale, _WIDTH * scale, 3)

        def write(frame: Frame) -> None:
            game[:] = frame.repeat(scale, axis=1)[:, np.newaxis]
            writer.write(image)

        yield write
