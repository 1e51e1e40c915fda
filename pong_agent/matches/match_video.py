"""A video of a game between two agents, with their names above it."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pong_agent.envs.two_players import FRAMES_PER_SECOND, Frame
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
    face = font(size)
    if face.getlength(name) <= width:
        return name
    while name and face.getlength(f"…{name}") > width:
        name = name[1:]
    return f"…{name}"


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
        text = fitting(name, width, size)
        draw.text((x, middle), text, colour, font(size), anchor=anchor)
    draw.text((_WIDTH * scale / 2, middle), "vs", MUTED, font(size), anchor="mm")
    return np.asarray(bar)


class MatchVideo:
    """Records every emulated frame of a game into an .mp4 file, as `VideoWriter` does.

    Left and right are the players' names; a pixel becomes a block of `scale` x `scale` pixels.

    Raises:
        VideoError: the folder cannot be written to.
        ValueError: the path does not end in `.mp4`, or the scale is below 1.
    """

    def __init__(self, path: Path, left: str, right: str, *, scale: int = 4) -> None:
        self._writer = VideoWriter(path, fps=FRAMES_PER_SECOND, scale=1, encoder=ENCODER)
        self._scale = scale
        self._image = np.zeros(((_BAR + _HEIGHT) * scale, _WIDTH * scale, 3), np.uint8)
        self._image[: _BAR * scale] = draw_names(left, right, scale)
        self._game = self._image[_BAR * scale :].reshape(_HEIGHT, scale, _WIDTH * scale, 3)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *rest: object) -> None:
        self._writer.__exit__(exc_type, *rest)

    def write(self, frame: Frame) -> None:
        """Append a frame, [210, 160, 3] uint8 RGB."""
        self._game[:] = frame.repeat(self._scale, axis=1)[:, np.newaxis]
        self._writer.write(self._image)
