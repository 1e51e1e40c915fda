"""The ffmpeg that encodes a video: never left running, nor its temporary file left behind."""

import os
import subprocess
import tempfile
import warnings
import weakref
from io import RawIOBase
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt


class RecordingWarning(UserWarning):
    """A video is not kept, has another name than expected, or shows another speed.

    Example:
        >>> warnings.simplefilter("ignore", RecordingWarning)
    """


class FFmpeg:
    """An ffmpeg that reads frames from a pipe, and the temporary file that it writes."""

    def __init__(self, command: list[str], part: Path) -> None:
        self._part = part
        # A file: nobody reads a pipe meanwhile.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `drop`
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                process_group=0,  # Ctrl-C is for Python alone
            )
        except BaseException:
            self._log.close()
            raise
        self._pipe = cast(RawIOBase, self._process.stdin)
        self.frames = 0
        _RUNNING.add(self)

    def send(self, frame: npt.NDArray[np.uint8]) -> None:
        """Write a contiguous frame into the pipe; raises OSError."""
        left = frame.data.cast("B")
        while left:
            left = left[self._pipe.write(left) :]
        self.frames += 1

    def complaint(self) -> str:
        """End ffmpeg and return its last line on standard error."""
        self._process.kill()
        self._process.wait()
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip().rpartition("\n")[2]

    def finish(self) -> None:
        """Have ffmpeg complete the file; raise OSError with its last line if it fails."""
        self._pipe.close()
        if self._process.wait():
            code = f"ffmpeg ended with code {self._process.returncode}"
            raise OSError(self.complaint() or code)

    def drop(self) -> None:
        """End ffmpeg and remove the temporary file; does nothing the second time."""
        if not self._log.closed:
            self._process.kill()
            self._process.wait()
            self._pipe.close()
            self._log.close()
            self._part.unlink(missing_ok=True)

    def abandon(self, path: Path) -> None:
        """Drop a video that nobody has closed, and warn unless it has one frame only."""
        if not self._log.closed:
            self.drop()
            if self.frames > 1:
                warn_not_kept(
                    path,
                    "its recorder was deleted, or the program ended, in the middle of an episode; "
                    "play episodes to their end, then call close()",
                )

    def forget(self) -> None:
        """In a process forked meanwhile: let go of the pipe, or ffmpeg would not see its end."""
        self._process.returncode = 0  # it is the parent's child
        self._pipe.close()
        self._log.close()


_RUNNING: weakref.WeakSet[FFmpeg] = weakref.WeakSet()


def _forget_all() -> None:
    for ffmpeg in list(_RUNNING):
        ffmpeg.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def warn_not_kept(videos: object, reason: str, stacklevel: int = 1) -> None:
    """Warn that videos are discarded."""
    warnings.warn(f"not kept: {videos}: {reason}", RecordingWarning, stacklevel + 1)
