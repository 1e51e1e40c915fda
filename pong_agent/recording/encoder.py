"""MP4 videos, complete or absent, written frame by frame."""

import itertools
import math
import os
import re
import subprocess
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from pong_agent.errors import ConfigError, PongError
from pong_agent.recording.ffmpeg import FFmpeg
from pong_agent.whole_file import put_in_place, put_new, temporary_path

_PIXEL_FORMAT = "yuv420p"  # the only one that every browser plays; it needs even sizes
_LARGEST_SIDE = 8_192  # pixels; few players show larger ones
# On the flat colours of Pong, slower presets and a smaller crf change neither size nor image:
# a minute of 640x840 takes 0.25 MB and 2.7 s of CPU time (veryfast: 0.24 MB, 5.3 s).
_MP4 = ("-f", "mp4", "-movflags", "+faststart")
ENCODER = ("-preset", "ultrafast", "-crf", "18", *_MP4)
# For images with text and much motion: a quarter of the size, for twice the CPU time.
DETAILED_ENCODER = ("-preset", "veryfast", "-crf", "25", *_MP4)
# Players assume BT.709 unless a video says otherwise, so convert to it and say so.
_BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


class VideoError(PongError, RuntimeError):
    """A video could not be written or read; the message names it and the reason."""


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video, found by reading it whole."""

    frames: int  # number of frames
    width: int  # pixels
    height: int  # pixels
    fps: float  # frames per second, as the file declares it to two decimals
    codec: str  # such as "h264"
    pixel_format: str  # such as "yuv420p"

    @property
    def duration(self) -> float:
        """Seconds that the video lasts."""
        return self.frames / self.fps


class VideoWriter:
    """Streams RGB frames into an H.264 MP4 file that appears only when it is complete.

    Frames go through a pipe to ffmpeg, which enlarges them and writes a file without a name in the
    video's folder, so memory does not grow with the length. `close` waits for ffmpeg's success,
    reads that file whole, compares frame count, size, rate, codec and pixel format with the
    expected ones, and copies it to the video's name. After any failure an older video stays as
    it was.

    A writer that is garbage-collected or alive when the program ends discards its video and warns.

    Missing folders are made. Each pixel of a frame becomes a block of `scale` x `scale` pixels;
    `encoder` holds options of ffmpeg's libx264. With `overwrite=False`, a video whose name is taken
    by `NAME.mp4` or `NAME.json` becomes the first free one of `NAME-2.mp4`, `NAME-3.mp4`, ...;
    after `close`, `path` is its name.

    Raises:
        ConfigError: `path` does not end in `.mp4`, or `fps` or `scale` is not positive.
        VideoError: the folder of `path` cannot be made or written to.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with VideoWriter(Path(folder, "black.mp4"), fps=60, scale=2) as video:
        ...         for _ in range(30):
        ...             video.write(np.zeros((210, 160, 3), np.uint8))
        ...     info = read_video_info(video.path)
        >>> info.frames, info.width, info.height, info.duration
        (30, 320, 420, 0.5)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 60,
        scale: int = 2,
        encoder: Sequence[str] = ENCODER,
        overwrite: bool = True,
    ) -> None:
        # Absolute, so that ffmpeg takes no part of the name for an option or a protocol.
        self.path = Path(path).absolute()
        if self.path.suffix != ".mp4":
            raise ConfigError(f"expected a video name that ends in .mp4, found {str(path)!r}")
        if not 0 < fps < math.inf or scale < 1:
            raise ConfigError(f"expected a positive fps and scale, found {fps} and {scale}")
        self.fps = fps
        self.scale = scale
        self._encoder = encoder
        self._overwrite = overwrite
        self.frames = 0  # written so far
        self._held: list[npt.NDArray[np.uint8]] = []
        self._shape: tuple[int, ...] = ()  # (height, width, 3) of the first frame
        self._ffmpeg: FFmpeg | None = None  # takes frames
        self._closed = False
        self._failure: VideoError | None = None  # of `write`, for `close` to repeat
        check_writable(
            temporary_path(self.path)
        )  # here, so that the error comes before the first frame

    def hold(self, frame: npt.NDArray[np.uint8]) -> None:
        """Show the next frame in place of this one, or this one if none follows."""
        self._held.append(frame.copy())

    def write(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append one frame, [H, W, 3] uint8 RGB; the caller may reuse it afterwards.

        Raises:
            ConfigError: the frame has the wrong dtype or shape, or its enlarged size is odd or
                above 8,192; the video can be continued without it.
            VideoError: ffmpeg is missing or has died, or the video is closed.
        """
        if self._closed:
            raise VideoError(f"{self.path}: expected an open video, found a closed one")
        frame = np.asarray(frame)
        shape = self._shape or (*frame.shape[:2], 3)
        if frame.dtype != np.uint8 or frame.shape != shape or not frame.size:
            expected = f"uint8 {self._shape or '(height, width, 3)'}, found {frame.dtype}"
            raise ConfigError(f"{self.path}: expected a frame of {expected} {frame.shape}")
        try:
            if self._ffmpeg is None:
                self._ffmpeg = self._start_ffmpeg(shape[0], shape[1])
                self._shape = shape
            for _ in range(1 + len(self._held)):
                self._ffmpeg.send(np.ascontiguousarray(frame))
        except (ImportError, OSError, RuntimeError) as error:
            reason = (self._ffmpeg and self._ffmpeg.complaint()) or str(error).partition("\n")[0]
            self._failure = VideoError(
                f"{self.path}: expected the ffmpeg of the package imageio-ffmpeg to take frame "
                f"{self.frames}, found {reason}"
            )
            self.discard()
            raise self._failure from error
        self.frames += 1 + len(self._held)
        self._held = []

    def close(self) -> None:
        """Finish the video, check it and give it its name; does nothing the second time.

        Raises:
            VideoError: an earlier `write` failed, or the file does not hold what was written.
        """
        if self._failure is not None:
            raise self._failure
        if self._closed:
            return
        try:
            if self._held:
                self.write(self._held.pop())
            if self._ffmpeg is None:
                raise VideoError(f"{self.path}: expected at least one frame, found none")
            self._ffmpeg.finish()
            self._check(self._ffmpeg)
            self._take_name(self._ffmpeg)
        except OSError as error:
            raise VideoError(f"{self.path}: cannot be written: {error}") from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Drop an unfinished video and its temporary file; a finished one stays."""
        self._closed = True
        if self._ffmpeg is not None:
            self._ffmpeg.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        if exc_type is None:
            self.close()
        else:
            self.discard()

    def _start_ffmpeg(self, height: int, width: int) -> FFmpeg:
        """Start the ffmpeg that takes the frames."""
        size = f"{width * self.scale}x{height * self.scale}"
        if max(width, height) * self.scale > _LARGEST_SIDE:
            raise ConfigError(
                f"{self.path}: expected at most {_LARGEST_SIDE} pixels a side, found {size}: "
                "choose a smaller scale"
            )
        if width * self.scale % 2 or height * self.scale % 2:
            fix = f"scale {self.scale + 1} would work"
            raise ConfigError(f"{self.path}: expected an even size, found {size}: {fix}")
        # ffmpeg enlarges at a quarter of NumPy's CPU time, and the pipe carries small frames.
        enlarge = f"scale=s={size}:flags=neighbor:out_color_matrix=bt709:out_range=tv"
        options = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        options += ["-r", str(Fraction(self.fps).limit_denominator()), "-i", "pipe:0", "-an"]
        options += ["-c:v", "libx264", "-pix_fmt", _PIXEL_FORMAT, "-vf", enlarge]
        ffmpeg = FFmpeg([*options, *_BT709, *self._encoder], self.path)
        weakref.finalize(self, ffmpeg.abandon, self.path)  # also when the program ends
        return ffmpeg

    def _check(self, ffmpeg: FFmpeg) -> None:
        """Raise VideoError unless the file holds what was written."""
        height, width = self._shape[0] * self.scale, self._shape[1] * self.scale
        asked = VideoInfo(self.frames, width, height, self.fps, "h264", _PIXEL_FORMAT)
        try:
            found = read_video_info(ffmpeg.output, ffmpeg.descriptor)
        except VideoError as error:
            raise VideoError(f"{self.path}: {error}") from error
        same_rate = math.isclose(found.fps, self.fps, abs_tol=0.01)
        if not same_rate or found != replace(asked, fps=found.fps):
            raise VideoError(f"{self.path}: expected {asked}, found {found}")

    def _take_name(self, ffmpeg: FFmpeg) -> None:
        """Give the complete file its name, or the next free one."""
        temporary = temporary_path(self.path)
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)  # if it was removed meanwhile
            ffmpeg.copy_to(temporary)
            if self._overwrite:
                put_in_place(temporary, self.path)
                _drop_sidecar(self.path.with_suffix(".json"))
            else:
                self.path = _put_beside(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _put_beside(temporary: Path, path: Path) -> Path:
    """Give a file the first free name of `NAME.mp4`, `NAME-2.mp4`, ... and return it."""
    free = path
    for n in itertools.count(2):
        if not os.path.lexists(free.with_suffix(".json")):
            try:
                put_new(temporary, free)  # of several recorders, one gets the name
            except FileExistsError:
                pass
            else:
                break
        free = path.with_stem(f"{path.stem}-{n}")
    return free


def _drop_sidecar(path: Path) -> None:
    """Remove the sidecar of a video that has been replaced, but no file of anybody else."""
    with suppress(OSError):
        with path.open("rb") as file:
            beginning = file.read(100)
        if b'"pong_agent film"' in beginning:
            path.unlink()


def check_writable(path: Path) -> None:
    """Make the folder of a path and check that the file can be made; raise VideoError if not."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.unlink(missing_ok=True)
    except OSError as error:
        raise VideoError(f"{folder}: expected a writable folder: {error}") from error


def read_video_info(path: str | os.PathLike[str], *descriptors: int) -> VideoInfo:
    """Read a video whole and return its properties; raise VideoError where that is impossible.

    Its packets are counted, not decoded, which takes a hundredth of the time.

    `descriptors` are open files that the path refers to.
    """
    video = Path(path).absolute()
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        # One run gives header and count; imageio's reader would be a second, and leaves pipes open.
        command = [get_ffmpeg_exe(), "-nostdin", "-xerror", "-nostats", "-progress", "pipe:1"]
        command += ["-i", str(video), "-map", "0:v:0", "-c", "copy", "-f", "null", os.devnull]
        run = subprocess.run(  # noqa: S603 - no shell
            command, capture_output=True, check=False, pass_fds=descriptors
        )
    except (ImportError, OSError, RuntimeError) as error:
        message = f"{video}: expected the ffmpeg of the package imageio-ffmpeg: {error}"
        raise VideoError(message) from error
    log = run.stderr.decode(errors="replace")
    # Stream #0:0: Video: h264 (avc1 / 0x3), yuv420p(tv, bt709), 640x840, 33 kb/s, 60 fps, 60 tbr
    header = re.search(r"Video: (\w+).*?, (\w+)(?:\(.*?\))?, (\d+)x(\d+).* ([\d.]+k?) fps", log)
    counts = re.findall(rb"^frame=(\d+)", run.stdout, re.MULTILINE)
    if run.returncode or header is None or not counts:
        reason = log.strip().rpartition("\n")[2]
        raise VideoError(f"{video}: expected a video that ffmpeg can decode: {reason}")
    codec, pixel_format, width, height, rate = header.groups()
    fps = float(rate.replace("k", "e3"))
    return VideoInfo(int(counts[-1]), int(width), int(height), fps, codec, pixel_format)
