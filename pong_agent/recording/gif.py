"""Animated GIFs cut from videos."""

import os

import numpy as np

from pong_agent.errors import ConfigError
from pong_agent.recording.encoder import VideoError, read_video_info
from pong_agent.whole_file import absolute_path, replacing

_COLOURS = 64
_FPS = 30
_SECONDS = 6  # at most


def write_gif(
    video_path: str | os.PathLike[str],
    gif_path: str | os.PathLike[str],
    *,
    width: int = 320,
    end: float = 0.0,
) -> None:
    """Cut an endless GIF, `width` pixels wide, from six seconds of a video.

    They are the first ones, or the last ones before the moment `end`, in seconds. The GIF's pixels
    are sharp, its speed is the video's, and it replaces an older GIF when complete.

    Raises:
        ConfigError: the GIF's name does not end in `.gif`, or the width is no int of 1 or more.
        VideoError: the video cannot be read, the GIF cannot be written, or moviepy is missing.
    """
    video, gif = absolute_path(video_path, "video"), absolute_path(gif_path, "gif")
    if gif.suffix.lower() != ".gif" or type(width) is not int or width < 1:
        expected = "expected a name that ends in .gif and a width of 1 or more"
        raise ConfigError(f"{expected}, found {gif.name!r} and {width!r:.60}")
    end = min(max(end, _SECONDS), read_video_info(video).duration)
    try:
        from moviepy import VideoFileClip
        from PIL import Image

        size = {"target_resolution": (width, None), "resize_algorithm": "neighbor"}
        with VideoFileClip(str(video), audio=False, **size) as clip:
            frames = clip.subclipped(max(0.0, end - _SECONDS), end).iter_frames(
                fps=_FPS, logger=None, dtype="uint8"
            )
            shots = list(frames)  # [N] of [H, W, 3] uint8
        # One palette for all, from about nine of them: one for each would flicker and weigh more.
        sample = np.concatenate(shots[:: max(1, len(shots) // 8)])
        palette = Image.fromarray(sample).quantize(_COLOURS, Image.Quantize.FASTOCTREE)
        no_dither = Image.Dither.NONE
        images = [Image.fromarray(s).quantize(palette=palette, dither=no_dither) for s in shots]
        # A GIF counts in 1/100 s: round the moments, not the delays, to keep the speed.
        moments = [10 * round(100 * i / _FPS) for i in range(len(images) + 1)]
        delays = np.diff(moments).tolist()  # milliseconds
        gif.parent.mkdir(parents=True, exist_ok=True)
        with replacing(gif) as temporary:
            images[0].save(
                temporary, "GIF", save_all=True, append_images=images[1:], duration=delays, loop=0
            )
    except (ImportError, OSError) as error:
        raise VideoError(f"{gif}: cannot be cut from {video}: {error}") from error
