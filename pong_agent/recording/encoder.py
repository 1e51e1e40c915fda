"""MP4 films that are whole or absent, written frame by frame, and a GIF cut from one.

imageio-ffmpeg, moviepy and Pillow are imported where they are used.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from pong_agent.errors import PongError

PIXEL_FORMAT = "yuv420p"  # the one that every browser plays; it needs even sizes
# On the flat colours of Pong slower presets and a smaller crf change neither size nor picture:
# a minute of 640x840 weighs 0.25 MB and costs 2.7 s of CPU time (veryfast: 0.24 MB, 5.3 s).
_FASTSTART = ("-movflags", "+faststart")
ENCODER = ("-preset", "ultrafast", "-crf", "18", *_FASTSTART)
# For pictures with text and much that moves: a quarter of the size, for twice the CPU time.
DETAILED_ENCODER = ("-preset", "veryfast", "-crf", "23", *_FASTSTART)
# Players assume BT.709 where a film says nothing, so convert to it and say so.
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
GIF_COLOURS = 64
GIF_MAX_FPS = 50  # browsers slow down a GIF whose frames last less than 2/100 s


class VideoError(PongError, RuntimeError):
    """A film could not be written or read; the message names it and says what came instead."""


@dataclass(frozen=True)
class VideoInfo:
    """What a film holds, found by decoding it."""

    frames: int  # how many the decoder yields
    width: int  # pixels
    height: int  # pixels
    fps: float  # frames per second, as the file declares it to two decimals
    codec: str  # such as "h264"
    pixel_format: str  # such as "yuv420p"
    duration: float  # seconds, frames / fps


class VideoWriter:
    """Streams RGB frames into an H.264 MP4 file that appears only when it is whole.

    Frames go through a pipe to ffmpeg, which enlarges them and writes `NAME.part.mp4` beside the
    film: memory does not grow with the length. `close` decodes the part file, compares frame
    count, size, rate, codec and pixel format with what was asked, and renames it to `NAME.mp4`.
    After any failure the part file is removed and an older film of that name stays as it was.
    (A killed Python process may leave a part file; the next film of that name overwrites it.)

    Args:
        path: The film, ending in `.mp4`. Missing folders are made.
        fps: Frames per second of the film.
        scale: Each pixel becomes a block of `scale` x `scale` pixels (nearest neighbour).
        encoder: Options of ffmpeg's libx264.

    Raises:
        ValueError: `path` does not end in `.mp4`, or `fps` or `scale` is not positive.
        VideoError: The folder of `path` cannot be made or written to.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with VideoWriter(Path(folder, "black.mp4"), fps=60, scale=2) as film:
        ...         for _ in range(30):
        ...             film.write(np.zeros((210, 160, 3), np.uint8))
        ...     info = read_video_info(film.path)
        >>> info.frames, info.width, info.height, info.duration
        (30, 320, 420, 0.5)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 60,
        scale: int = 4,
        encoder: Sequence[str] = ENCODER,
    ) -> None:
        # Absolute, so that ffmpeg takes no part of the name for an option or a protocol.
        self.path = Path(path).absolute()
        if self.path.suffix != ".mp4":
            raise ValueError(f"expected a film name that ends in .mp4, found {str(path)!r}")
        if not 0 < fps < math.inf or scale < 1:
            raise ValueError(f"expected a positive fps and scale, found {fps} and {scale}")
        self.fps = fps
        self.scale = scale
        self._encoder = encoder
        self.frames = 0  # written so far
        self._part = self.path.with_suffix(".part.mp4")
        self._shape: tuple[int, ...] = ()  # (height, width, 3) of the first frame
        self._stream: Generator[None, Any, None] | None = None  # imageio's writer
        self._closed = False
        self._failure: VideoError | None = None  # of `write`, for `close` to repeat
        try:  # the folder, so that its error comes before the first frame
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._part.touch()
            self._part.unlink()
        except OSError as error:
            folder = self.path.parent
            raise VideoError(
                f"{self.path}: expected a writable folder {folder}: {error}"
            ) from error

    def write(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append one frame, [H, W, 3] uint8 RGB; the caller may reuse it afterwards.

        Raises:
            ValueError: The frame is of another dtype or shape than expected, or its enlarged
                size is odd. The film may go on without it.
            VideoError: ffmpeg is missing or has died, or the film is closed.
        """
        if self._closed:
            raise VideoError(f"{self.path}: expected an open film, found a closed one")
        frame = np.asarray(frame)
        shape = self._shape or (*frame.shape[:2], 3)
        if frame.dtype != np.uint8 or frame.shape != shape or not frame.size:
            expected = f"uint8 {self._shape or '(height, width, 3)'}"
            found = f"{frame.dtype} {frame.shape}"
            raise ValueError(f"{self.path}: expected a frame of {expected}, found {found}")
        try:
            if self._stream is None:
                self._stream = self._start_ffmpeg(shape[0], shape[1])
                self._shape = shape
            self._stream.send(np.ascontiguousarray(frame))
        except (ImportError, OSError, RuntimeError, StopIteration) as error:
            reason = str(error).partition("\n")[0]
            self._failure = VideoError(
                f"{self.path}: expected the ffmpeg of the package imageio-ffmpeg to take frame "
                f"{self.frames}, found {reason or 'that it has stopped'}"
            )
            self.discard()
            raise self._failure from error
        self.frames += 1

    def close(self) -> None:
        """Finish the film, check it and give it its name; does nothing the second time.

        Raises:
            VideoError: No frame was written, an earlier `write` failed, or the film on disk is
                not what was asked for.
        """
        if self._failure is not None:
            raise self._failure
        if self._closed:
            return
        try:
            if self._stream is not None:
                self._stream.close()  # waits until ffmpeg ends; it does not look at how
            self._check()
            with self._part.open("rb+") as part:
                os.fsync(part.fileno())
            self._part.replace(self.path)
        except OSError as error:
            raise VideoError(f"{self.path}: expected to put the film there: {error}") from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Drop an unfinished film and leave nothing behind; a finished one stays."""
        self._closed = True
        try:
            if self._stream is not None:
                self._stream.close()
        finally:
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        if exc_type is None:
            self.close()
        else:
            self.discard()

    def _start_ffmpeg(self, height: int, width: int) -> Generator[None, Any, None]:
        """Return imageio's frame writer, with ffmpeg running behind it."""
        size = f"{width * self.scale}x{height * self.scale}"
        if width * self.scale % 2 or height * self.scale % 2:
            works = f"scale {self.scale + 1} would work"
            raise ValueError(f"{self.path}: expected an even size, found {size}: {works}")
        from imageio_ffmpeg import write_frames

        # ffmpeg enlarges, at a quarter of the CPU time of enlarging here: the pipe stays small.
        enlarge = f"scale=s={size}:flags=neighbor:out_color_matrix=bt709:out_range=tv"
        stream: Generator[None, Any, None] = write_frames(
            str(self._part),
            (width, height),
            fps=self.fps,
            codec="libx264",
            pix_fmt_out=PIXEL_FORMAT,
            quality=None,  # crf instead
            macro_block_size=1,  # the size is even: stretch nothing
            ffmpeg_log_level="error",
            output_params=["-vf", enlarge, *BT709, *self._encoder],
        )
        next(stream)  # starts the process
        return stream

    def _check(self) -> None:
        """Raise VideoError unless the part file decodes to what was written."""
        if not self.frames:
            raise VideoError(f"{self.path}: expected at least one frame, found none")
        height, width = self._shape[0] * self.scale, self._shape[1] * self.scale
        seconds = self.frames / self.fps
        asked = VideoInfo(self.frames, width, height, self.fps, "h264", PIXEL_FORMAT, seconds)
        found = read_video_info(self._part)
        same_rate = math.isclose(found.fps, asked.fps, abs_tol=0.01)
        if not same_rate or found != replace(asked, fps=found.fps, duration=found.duration):
            raise VideoError(f"{self.path}: expected {asked}, found {found}")


def read_video_info(path: str | os.PathLike[str]) -> VideoInfo:
    """Decode a film and tell what it holds.

    Raises:
        VideoError: The file is missing, is no film or does not decode, or ffmpeg is missing.
    """
    film = Path(path).absolute()
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        # One run gives header and count; imageio's reader is a second one that leaves pipes open.
        command = [get_ffmpeg_exe(), "-nostdin", "-xerror", "-nostats", "-progress", "pipe:1"]
        command += ["-i", str(film), "-map", "0:v:0", "-f", "null", os.devnull]
        run = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell
    except (ImportError, OSError, RuntimeError) as error:
        message = f"{film}: expected the ffmpeg of the package imageio-ffmpeg: {error}"
        raise VideoError(message) from error
    log = run.stderr.decode(errors="replace")
    # Stream #0:0: Video: h264 (avc1 / 0x3), yuv420p(tv, bt709), 640x840, 33 kb/s, 60 fps, 60 tbr
    header = re.search(r"Video: (\w+).*?, (\w+)(?:\(.*?\))?, (\d+)x(\d+).* ([\d.]+k?) fps", log)
    counts = re.findall(rb"^frame=(\d+)", run.stdout, re.MULTILINE)
    if run.returncode or header is None or not counts:
        reason = log.strip().rpartition("\n")[2]
        raise VideoError(f"{film}: expected a film that ffmpeg can decode: {reason}")
    codec, pixel_format, width, height, rate = header.groups()
    frames, fps = int(counts[-1]), float(rate.replace("k", "e3"))
    return VideoInfo(frames, int(width), int(height), fps, codec, pixel_format, frames / fps)


def write_gif(
    film_path: str | os.PathLike[str],
    gif_path: str | os.PathLike[str],
    *,
    start: float = 0.0,
    duration: float = 6.0,
    fps: float = 30,
    width: int = 320,
) -> None:
    """Cut an endless GIF from a film, with sharp pixels and few colours, at true speed.

    The GIF shows the film from second `start` for `duration` seconds, or to its end, at `fps`
    frames per second (50 at most), `width` pixels wide in the film's proportions. An older GIF
    of that name is replaced when the new one is whole.

    Raises:
        ValueError: `fps` is out of range or nothing of the film lies in the cut.
        VideoError: The film cannot be read, the GIF not be written, or moviepy is missing.
    """
    if not 0 < fps <= GIF_MAX_FPS:
        raise ValueError(f"expected an fps above 0 and up to {GIF_MAX_FPS}, found {fps}")
    film, gif = Path(film_path).absolute(), Path(gif_path).absolute()
    end = min(start + duration, read_video_info(film).duration)
    if not 0 <= start < end:
        raise ValueError(f"{film}: expected a cut within the film, found {start} s to {end} s")
    part = gif.with_suffix(".part.gif")
    try:
        from moviepy import VideoFileClip
        from PIL import Image

        size = {"target_resolution": (width, None), "resize_algorithm": "neighbor"}
        with VideoFileClip(str(film), audio=False, **size) as clip:
            frames = clip.subclipped(start, end).iter_frames(fps=fps, logger=None, dtype="uint8")
            shots = list(frames)  # [N] of [H, W, 3] uint8
        # One palette for all, from some nine of them: a palette each would flicker and weigh more.
        sample = np.concatenate(shots[:: max(1, len(shots) // 8)])
        palette = Image.fromarray(sample).quantize(GIF_COLOURS, Image.Quantize.FASTOCTREE)
        no_dither = Image.Dither.NONE
        images = [Image.fromarray(s).quantize(palette=palette, dither=no_dither) for s in shots]
        # A GIF counts in 1/100 s: round the moments, not the delays, to keep the speed.
        moments = [10 * round(100 * i / fps) for i in range(len(images) + 1)]
        delays = np.diff(moments).tolist()  # milliseconds
        gif.parent.mkdir(parents=True, exist_ok=True)
        images[0].save(part, save_all=True, append_images=images[1:], duration=delays, loop=0)
        part.replace(gif)
    except (ImportError, OSError) as error:
        raise VideoError(f"{gif}: expected to cut a GIF from {film}: {error}") from error
    finally:
        if part.exists():
            part.unlink()
