"""Captions above the games of a timeline: training progress, and how the game ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pong_agent.evaluation.stage import Stage
from pong_agent.recording.images import Sketch, font
from pong_agent.recording.palette import AGENT, GROUND, MUTED, RAISED, TEXT

# Lengths are in pixels of the game; those that decide the video's size are even, for yuv420p.
WIDTH, HEIGHT = 160, 210  # of the emulator's frame
BAR_HEIGHT = 30  # of the bar above it
PITCH = WIDTH + 4  # from the left edge of a game to that of the game beside it
_MARGIN = 5  # beside the text
_LINES = (  # attribute of a caption, height of its letters, baseline, colour
    ("title", 8.0, 11, TEXT),
    ("subtitle", 6.0, 20, MUTED),
)
_PROGRESS_TOP, _PROGRESS_BOTTOM = 25, 27  # of the progress bar
_WINNING = 21  # points


@dataclass(frozen=True)
class Caption:
    """Two lines of text, in Latin letters, and a progress bar above a game."""

    title: str
    subtitle: str
    done: float  # completed share of the training, 0 to 1


def training_so_far(stage: Stage) -> str:
    """Return how long an agent has been training, and its mean score in training games.

    Example:
        >>> from pathlib import Path
        >>> training_so_far(Stage(Path("w.npz"), 2_804_592, seconds=401.3, score=18.17))
        '2,804,592 steps · 6 min 41 s · last 30 games +18.2'
        >>> training_so_far(Stage(Path("w.npz"), 0, seconds=0.0, score=None))
        '0 steps · 0 s · untrained'
    """
    minutes, seconds = divmod(int(stage.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    time = f"{hours} h {minutes} min" if hours else time
    score = "no score yet" if stage.agent_steps else "untrained"
    if stage.score is not None:
        score = f"last 30 games {stage.score:+.1f}"
    return f"{stage.agent_steps:,} steps · {time} · {score}"


def end_of_game(won: int, lost: int) -> str:
    """Return which paddle is the agent's, and the score as on the screen, its points at the right.

    Example:
        >>> end_of_game(2, 21)
        'green, on the right, loses this game 21 : 2'
    """
    verb = "loses this game" if lost == _WINNING else "plays this game to"
    verb = "wins this game" if won == _WINNING else verb
    return f"green, on the right, {verb} {lost} : {won}"


def draw_captions(
    captions: Sequence[Caption], every: Sequence[Caption], scale: int
) -> npt.NDArray[np.uint8]:
    """Draw the captions of a scene, from left to right, above empty room for the games.

    `every` holds the captions of the whole video: they share one font size, at which each fits.
    The image is [240 * scale, W, 3] RGB; W is 160 * scale for one game, 324 * scale for two.
    """
    lefts = range(0, len(captions) * PITCH, PITCH)
    size = ((BAR_HEIGHT + HEIGHT) * scale, (lefts[-1] + WIDTH) * scale)
    canvas = np.full((*size, 3), GROUND, np.uint8)
    sketch = Sketch(canvas, scale)
    room = WIDTH - 2 * _MARGIN
    for attribute, height, baseline, colour in _LINES:
        widest = max(font(100).getlength(getattr(caption, attribute)) for caption in every)
        letters = min(height, 100 * room / widest)
        for left, caption in zip(lefts, captions, strict=True):
            place = (left + _MARGIN, baseline)
            sketch.text(place, getattr(caption, attribute), letters, colour)
    for left, caption in zip(lefts, captions, strict=True):
        start = left + _MARGIN
        sketch.box((start, _PROGRESS_TOP, start + room, _PROGRESS_BOTTOM), RAISED)
        if caption.done:
            end = start + room * caption.done
            sketch.box((start, _PROGRESS_TOP, end, _PROGRESS_BOTTOM), AGENT)
    return canvas
