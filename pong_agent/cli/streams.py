"""Standard output and error that never stop a command: closed, broken, full, or not UTF-8."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

_PIPE_BROKEN = 128 + 13  # the exit code after SIGPIPE


def open_streams() -> None:
    """Open the null device as each standard stream that is closed.

    Otherwise a data file would get the descriptor of standard output, and what a library or a
    child process prints would be written into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # `open` takes the lowest free descriptor, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            null = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # until the end
            setattr(sys, name, null)


class LastingStream:
    """A text stream that drops what cannot be written and keeps the first error.

    Characters that the stream's encoding lacks are written as escapes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._error: OSError | None = None

    def write(self, text: str) -> int:
        """Write text and return its length."""
        try:
            self._attempt(self._stream.write, text)
        except UnicodeEncodeError as error:
            shown = text.encode(error.encoding, "backslashreplace").decode(error.encoding)
            self._attempt(self._stream.write, shown)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        self._attempt(self._stream.flush)

    def exit_code(self, code: int) -> int:
        """Return a command's exit code, or that of the stream's error if the command succeeded."""
        self.flush()
        if self._error is None or code:
            return code
        if isinstance(self._error, BrokenPipeError):
            return _PIPE_BROKEN
        print(f"error: standard output: {self._error}", file=sys.stderr)
        return 1

    def _attempt(self, method: Callable[..., object], *args: str) -> None:
        try:
            method(*args)
        except OSError as error:
            self._error = self._error or error
            # From here on everything, also what is buffered, goes to the null device.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
