"""The ffmpeg that encodes a video: neither it nor its file outlives the program."""

import fcntl
import os
import shutil
import subprocess
import sys
import warnings
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from io import RawIOBase
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from pong_agent.whole_file import temporary_path

_PIPE_SIZE = 2**20  # bytes: a frame goes through in one piece


class RecordingWarning(UserWarning):
    """A video is not kept, has another name than expected, or shows another speed.

    Example:
        >>> warnings.simplefilter("ignore", RecordingWarning)
    """


class FFmpeg:
    """An ffmpeg that reads frames from a pipe and writes a file that has no name yet.

    Nothing remains of the file when its processes end, however they end.
    """

    def __init__(self, options: Sequence[str], target: Path) -> None:
        """Start to encode; `target` is where the file may be put later."""
        from imageio_ffmpeg import get_ffmpeg_exe

        self.frames = 0
        self._named: Path | None = None
        with ExitStack() as files:  # closed if ffmpeg cannot be started
            opened = _open_nameless(target.parent)
            if opened is None:
                self._named = temporary_path(target)
                opened = self._named.open("x+b")
                files.callback(self._named.unlink)
            self._file = files.enter_context(opened)
            # Not a pipe, which nobody would read meanwhile.
            self._log: IO[bytes] = files.enter_context(TemporaryFile(dir=target.parent))
            self.descriptor = self._file.fileno()
            self.output = str(self._named or f"/dev/fd/{self.descriptor}")
            self._process = subprocess.Popen(  # noqa: S603 - no shell
                [get_ffmpeg_exe(), "-v", "error", *options, "-y", self.output],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=[self.descriptor],
                process_group=0,  # Ctrl-C is for Python alone
            )
            files.pop_all()
        self._pipe = cast(RawIOBase, self._process.stdin)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # a user's pipes may have used up what is allowed
                fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
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

    def copy_to(self, path: Path) -> None:
        """Copy the complete file; raises OSError."""
        self._file.seek(0)
        with path.open("xb") as copy:
            shutil.copyfileobj(self._file, copy)

    def drop(self) -> None:
        """End ffmpeg and remove its file; does nothing the second time."""
        if not self._log.closed:
            self._process.kill()
            self._process.wait()
            self._close_files()
            if self._named is not None:
                self._named.unlink(missing_ok=True)

    def _close_files(self) -> None:
        """Close the pipe and the files."""
        for file in (self._pipe, self._file, self._log):
            file.close()

    def abandon(self, path: Path) -> None:
        """Drop a video that nobody has closed, and warn unless it has one frame only."""
        if not self._log.closed:
            self.drop()
            if self.frames > 1:
                warn_not_kept(
                    path,
                    "its recorder was deleted, or the program ended, in the middle of an episode; "
                    "play episodes to their end, then call close()",
                    stacklevel=3,  # where the recorder was deleted
                )

    def forget(self) -> None:
        """In a process forked meanwhile: let go of the pipe, or ffmpeg would not see its end."""
        self._process.returncode = 0  # it is the parent's child
        self._close_files()


def _open_nameless(folder: Path) -> IO[bytes] | None:
    """Open a file without a name, or return None where no other process could open it."""
    file: IO[bytes] = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by the caller
    try:
        if sys.platform != "linux":
            raise OSError
        os.close(os.open(f"/dev/fd/{file.fileno()}", os.O_RDWR))
    except OSError:  # no /dev/fd, or a network file system such as 9P
        file.close()
        return None
    return file


_RUNNING: weakref.WeakSet[FFmpeg] = weakref.WeakSet()


def _forget_all() -> None:
    for ffmpeg in list(_RUNNING):
        ffmpeg.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def warn_not_kept(videos: object, reason: str, stacklevel: int = 1) -> None:
    """Warn that videos are discarded."""
    warnings.warn(f"not kept: {videos}: {reason}", RecordingWarning, stacklevel + 1)
