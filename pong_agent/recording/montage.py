"""Pieces of recorded games cut together, with captions above them.

moviepy is imported where it is used.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pong_agent.recording.captions import (
    BAR_HEIGHT,
    HEIGHT,
    WIDTH,
    Caption,
    draw_captions,
    left_edges,
)
from pong_agent.recording.capture import EMULATOR_FPS
from pong_agent.recording.encoder import (
    BT709,
    ENCODER,
    PIXEL_FORMAT,
    VideoError,
    VideoInfo,
    read_video_info,
)

_FIRST_SERVE = 54  # frame just before the ball appears
_AFTERMATH = EMULATOR_FPS  # frames after a point, so that the new score is shown
# Frames not used at the end: moviepy looks frames up by time, which may round up to the next one.
_SPARE = 2


@dataclass(frozen=True)
class Piece:
    """A recorded game, and which part of it to show."""

    video: Path  # the whole game, at 60 frames per second
    frames: int  # of that video
    point: int  # frame with the point to show, 0 for the beginning of the game
    caption: Caption


def write_montage(
    scenes: Sequence[Sequence[Piece]], path: Path, n_frames: int, scale: int
) -> VideoInfo:
    """Write scenes one after the other into a video, and check it.

    Args:
        scenes: for each scene its game, or two to show side by side; the point of the last one
            decides which seconds are shown.
        path: the video, which may be incomplete if an error is raised.
        n_frames: length of each scene; shorter if its game is.
        scale: side of a pixel of the emulator in pixels of the video.

    Raises:
        VideoError: moviepy is missing, or the video does not hold what was written.
        OSError: ffmpeg failed.
    """
    captions = [piece.caption for scene in scenes for piece in scene]
    total = 0
    try:
        from moviepy import CompositeVideoClip, ImageClip, VideoFileClip, concatenate_videoclips
    except ImportError as error:
        raise VideoError(f"expected the package moviepy: {error}") from error
    with ExitStack() as stack:
        clips = []
        for scene in scenes:
            first, length = span(scene, n_frames)
            seconds = (first / EMULATOR_FPS, (first + length + 1) / EMULATOR_FPS)
            layers = [ImageClip(draw_captions([p.caption for p in scene], captions, scale))]
            for left, piece in zip(left_edges(len(scene), scale), scene, strict=True):
                game = VideoFileClip(
                    str(piece.video),
                    audio=False,
                    target_resolution=(WIDTH * scale, HEIGHT * scale),
                    resize_algorithm="neighbor",
                )
                stack.callback(game.close)
                place = (left, BAR_HEIGHT * scale)
                layers.append(game.subclipped(*seconds).with_position(place))
            clip = CompositeVideoClip(layers, use_bgclip=True)
            clips.append(clip.with_duration(length / EMULATOR_FPS))
            total += length
        # Half a frame more, so that rounding drops none.
        video = concatenate_videoclips(clips).with_duration((total + 0.5) / EMULATOR_FPS)
        convert = f"scale=out_color_matrix=bt709:out_range=tv,format={PIXEL_FORMAT}"
        video.write_videofile(
            str(path),
            fps=EMULATOR_FPS,
            codec="libx264",
            audio=False,
            ffmpeg_params=["-vf", convert, *BT709, *ENCODER, "-pix_fmt", PIXEL_FORMAT],
            logger=None,
        )
    found = read_video_info(path)
    size = (left_edges(len(scenes[0]), scale)[-1] + WIDTH * scale, (BAR_HEIGHT + HEIGHT) * scale)
    asked = VideoInfo(total, *size, found.fps, "h264", PIXEL_FORMAT, found.duration)
    if found != asked:
        raise VideoError(f"expected {asked}, found {found}")
    return found


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
