"""Captions above the games of a timeline: progress of the training, and how the game ends.

Pillow is imported where it is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pong_agent.evaluation.stage import Stage
from pong_agent.recording.images import font
from pong_agent.recording.palette import AGENT, GROUND, MUTED, RAISED, TEXT

WIDTH, HEIGHT = 160, 210  # of the emulator's frame
BAR_HEIGHT = 30  # of the bar above it, in the same pixels; this and the gap are even, for yuv420p
_GAP = 4  # between two games side by side
_MARGIN = 5  # beside the text
_LINES = (  # attribute of a caption, height of its letters, baseline, colour
    ("title", 8.0, 11, TEXT),
    ("subtitle", 6.0, 20, MUTED),
)
_PROGRESS = (25, 27)  # first row of the progress bar, and the one after its last
_WINNING = 21  # points


@dataclass(frozen=True)
class Caption:
    """Two lines of text, in Latin letters, and a progress bar above a game."""

    title: str
    subtitle: str
    done: float  # completed share of the training, 0 to 1


def training_so_far(stage: Stage) -> str:
    """Return how long an agent has been training and how it scores.

    Example:
        >>> from pathlib import Path
        >>> training_so_far(Stage(Path("w.npz"), 2_804_592, seconds=401.3, score=18.17))
        '2,804,592 steps · 6 min 41 s · score +18.2'
        >>> training_so_far(Stage(Path("w.npz"), 0, seconds=0.0, score=None))
        '0 steps · 0 s · untrained'
    """
    minutes, rest = divmod(int(stage.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
    time = time if hours or minutes else f"{rest} s"
    score = "no score yet" if stage.agent_steps else "untrained"
    if stage.score is not None:
        score = f"score {stage.score:+.1f}"
    return f"{stage.agent_steps:,} steps · {time} · {score}"


def end_of_game(won: int, lost: int) -> str:
    """Return which paddle is the agent's, and how its whole game ends.

    Args:
        won: the agent's points.
        lost: the opponent's.

    Example:
        >>> end_of_game(2, 21)
        'green, on the right, loses this game 2 : 21'
    """
    verb = "loses this game" if lost == _WINNING else "plays this game to"
    verb = "wins this game" if won == _WINNING else verb
    return f"green, on the right, {verb} {won} : {lost}"


def left_edges(n: int, scale: int) -> list[int]:
    """Return the left edges of `n` games side by side, in pixels of the video.

    Example:
        >>> left_edges(2, scale=4)
        [0, 656]
    """
    return [number * (WIDTH + _GAP) * scale for number in range(n)]


def draw_captions(
    captions: Sequence[Caption], every: Sequence[Caption], scale: int
) -> npt.NDArray[np.uint8]:
    """Draw the captions of a scene on an image that leaves room for the games.

    Args:
        captions: one for each game of the scene, from left to right.
        every: the captions of the whole video; all have one font size, at which each fits.
        scale: side of a pixel of the emulator in pixels of the video.

    Returns:
        [(30 + 210) * scale, W, 3] uint8 RGB; W is 160 * scale for one game, 324 * scale for two.

    Example:
        >>> caption = Caption("0 steps", end_of_game(0, 21), done=0.0)
        >>> draw_captions([caption], [caption], scale=4).shape
        (960, 640, 3)
    """
    from PIL import Image, ImageDraw

    lefts = left_edges(len(captions), scale)
    canvas = Image.new("RGB", (lefts[-1] + WIDTH * scale, (BAR_HEIGHT + HEIGHT) * scale), GROUND)
    draw = ImageDraw.Draw(canvas)
    for attribute, height, baseline, colour in _LINES:
        widest = max(font(100).getlength(getattr(caption, attribute)) for caption in every)
        fitting = 100 * (WIDTH - 2 * _MARGIN) * scale / widest
        face = font(min(height * scale, fitting))
        for left, caption in zip(lefts, captions, strict=True):
            place = (left + _MARGIN * scale, baseline * scale)
            draw.text(place, getattr(caption, attribute), colour, face, anchor="ls")
    top, bottom = (row * scale for row in _PROGRESS)
    for left, caption in zip(lefts, captions, strict=True):
        for part, colour in ((1.0, RAISED), (caption.done, AGENT)):
            if width := round(part * (WIDTH - 2 * _MARGIN) * scale):
                start = left + _MARGIN * scale
                draw.rectangle((start, top, start + width - 1, bottom - 1), fill=colour)
    return np.array(canvas)
