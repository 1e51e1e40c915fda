"""Animated GIFs cut from videos.

moviepy and Pillow are imported where they are used.
"""

import os
from pathlib import Path

import numpy as np

from pong_agent.recording.encoder import VideoError, read_video_info
from pong_agent.whole_file import replacing

_COLOURS = 64
_MAX_FPS = 50  # browsers slow down a GIF whose frames last less than 2/100 s


def write_gif(
    video_path: str | os.PathLike[str],
    gif_path: str | os.PathLike[str],
    *,
    start: float = 0.0,
    duration: float = 6.0,
    fps: float = 30,
    width: int = 320,
) -> None:
    """Cut an endless GIF from a video, with sharp pixels and few colours, at true speed.

    An older GIF of that name is replaced when the new one is complete.

    Args:
        video_path: the video.
        gif_path: the GIF; missing folders are made.
        start: second of the video at which the GIF starts.
        duration: length in seconds; shorter if the video ends before.
        fps: frames per second of the GIF, 50 at most.
        width: of the GIF in pixels; its height follows from the video's proportions.

    Raises:
        ValueError: `fps` is out of range, or the video has nothing after `start`.
        VideoError: the video cannot be read, the GIF cannot be written, or moviepy is missing.
    """
    if not 0 < fps <= _MAX_FPS:
        raise ValueError(f"expected an fps above 0 and up to {_MAX_FPS}, found {fps}")
    video, gif = Path(video_path).absolute(), Path(gif_path).absolute()
    end = min(start + duration, read_video_info(video).duration)
    if not 0 <= start < end:
        raise ValueError(f"{video}: expected a cut within the video, found {start} s to {end} s")
    try:
        from moviepy import VideoFileClip
        from PIL import Image

        size = {"target_resolution": (width, None), "resize_algorithm": "neighbor"}
        with VideoFileClip(str(video), audio=False, **size) as clip:
            frames = clip.subclipped(start, end).iter_frames(fps=fps, logger=None, dtype="uint8")
            shots = list(frames)  # [N] of [H, W, 3] uint8
        # One palette for all, from about nine of them: one for each would flicker and weigh more.
        sample = np.concatenate(shots[:: max(1, len(shots) // 8)])
        palette = Image.fromarray(sample).quantize(_COLOURS, Image.Quantize.FASTOCTREE)
        no_dither = Image.Dither.NONE
        images = [Image.fromarray(s).quantize(palette=palette, dither=no_dither) for s in shots]
        # A GIF counts in 1/100 s: round the moments, not the delays, to keep the speed.
        moments = [10 * round(100 * i / fps) for i in range(len(images) + 1)]
        delays = np.diff(moments).tolist()  # milliseconds
        gif.parent.mkdir(parents=True, exist_ok=True)
        with replacing(gif) as temporary:
            images[0].save(
                temporary, "GIF", save_all=True, append_images=images[1:], duration=delays, loop=0
            )
    except (ImportError, OSError) as error:
        raise VideoError(f"{gif}: cannot be cut from {video}: {error}") from error
