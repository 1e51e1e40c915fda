"""Pieces of recorded games cut together, with captions above them."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pong_agent.recording.captions import BAR_HEIGHT, HEIGHT, PITCH, WIDTH, Caption, draw_captions
from pong_agent.recording.capture import EMULATOR_FPS
from pong_agent.recording.encoder import VideoWriter

_FIRST_SERVE = 54  # frame just before the ball appears
_AFTERMATH = EMULATOR_FPS  # frames after a point, so that the new score is shown
_SPARE = 2  # frames not shown at the end: moviepy leaves pipes open after the last one


@dataclass(frozen=True)
class Piece:
    """A recorded game, and which part of it to show."""

    video: Path  # the whole game, at 60 frames per second
    frames: int  # of that video
    point: int  # frame with the point to show, 0 for the beginning of the game
    caption: Caption


def write_montage(scenes: Sequence[Sequence[Piece]], path: Path, n_frames: int, scale: int) -> None:
    """Write scenes one after the other into a video, complete or not at all.

    A scene shows one game, or two side by side; the point of the last one decides which seconds
    are shown. A scene has `n_frames` frames, or fewer if its game is shorter.

    Raises:
        ImportError: moviepy is missing.
        VideoError: the video cannot be written.
        OSError: a game cannot be read.
    """
    from moviepy import VideoFileClip

    size = {"target_resolution": (WIDTH * scale, HEIGHT * scale), "resize_algorithm": "neighbor"}
    captions = [piece.caption for scene in scenes for piece in scene]
    with VideoWriter(path, fps=EMULATOR_FPS, scale=1) as video:
        for scene in scenes:
            canvas = draw_captions([piece.caption for piece in scene], captions, scale)
            below_bar = canvas[BAR_HEIGHT * scale :]
            first, length = span(scene, n_frames)
            with ExitStack() as stack:
                games = [
                    stack.enter_context(VideoFileClip(str(piece.video), audio=False, **size))
                    for piece in scene
                ]
                for number in range(first, first + length):
                    for place, game in enumerate(games):
                        left = place * PITCH * scale
                        shot = game.get_frame(number / EMULATOR_FPS)
                        below_bar[:, left : left + WIDTH * scale] = shot
                    video.write(canvas)


def span(scene: Sequence[Piece], n_frames: int) -> tuple[int, int]:
    """Return the first frame of a scene in its games, and its length in frames.

    The scene ends a second after the point, but does not begin before the first serve.

    Example:
        >>> game = Piece(Path("a.mp4"), 1000, point=500, caption=Caption("", "", 0.0))
        >>> span([game], n_frames=360)
        (200, 360)
    """
    usable = min(piece.frames for piece in scene) - _SPARE
    length = max(1, min(n_frames, usable))
    first = max(_FIRST_SERVE, scene[-1].point + _AFTERMATH - length)
    return max(0, min(first, usable - length)), length
