"""Exit codes and help texts of a command-line program; `scripts/` use them too."""

import contextlib
import os
import re
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import getdoc
from typing import Annotated, Any, TextIO, Union, cast

import tyro

from pong_agent.cli.arguments import checked
from pong_agent.cli.streams import LastingStream, open_streams
from pong_agent.errors import PongError
from pong_agent.learning.trajectory import BatchError
from pong_agent.vision.pixels import ObservationError

_NARROWEST = 40  # columns; in a few, tyro's boxes take forever and all memory


def exit_code(run: Callable[[], int], *, debug: bool = False) -> int:
    """Run a program and return its exit code, 1 after an error message, or 128 + N after signal N.

    With `debug` every error shows a traceback. A warning is one line on standard error. A program
    whose output cannot be written goes on, and its exit code says so at the end.
    """
    open_streams()
    output, errors = LastingStream(sys.stdout), LastingStream(sys.stderr)
    streams = contextlib.ExitStack()
    streams.enter_context(contextlib.redirect_stdout(cast(TextIO, output)))
    streams.enter_context(contextlib.redirect_stderr(cast(TextIO, errors)))
    with streams:
        try:
            return output.exit_code(_guarded(run, debug=debug))
        except SystemExit as end:  # after help, or a command line that cannot be parsed
            raise SystemExit(output.exit_code(cast(int, end.code))) from None
        finally:
            errors.flush()


def _guarded(run: Callable[[], int], *, debug: bool) -> int:
    try:
        with _plain_warnings():
            return run()
    except (BatchError, ObservationError):
        raise  # no command line can cause these: a bug
    except (PongError, OSError) as error:
        if debug:
            raise
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if debug:
            raise
        print("interrupted", file=sys.stderr)
        return 130


def printable(text: str) -> str:
    r"""Return text whose control characters, perhaps from a file, cannot command the terminal.

    Example:
        >>> print(printable("\x1b[2Junknown field"))
        \x1b[2Junknown field
    """
    shown = (c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
    return "".join(shown)


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Format warnings without the source line that raised them."""
    original = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"warning: {printable(str(message))}\n"
    try:
        yield
    finally:
        warnings.formatwarning = original


def union_of(commands: Mapping[str, type], args: Sequence[str]) -> Any:
    """Return the union of all commands for tyro.

    Their descriptions are their docstrings, or the first lines unless `args` name a command.
    """
    whole = bool(set(args) & set(commands))
    members = []
    for name, command in commands.items():
        text = getdoc(command) or ""
        text = text if whole else text.partition("\n")[0]
        members.append(Annotated[command, tyro.conf.subcommand(name, description=text)])
    return Union[tuple(members)]  # noqa: UP007  # of a list


def parse(kind: Any, args: Sequence[str] | None, **settings: Any) -> Any:
    """Parse a command line and check its options; `kind` and `settings` are those of `tyro.cli`."""
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.CascadeSubcommandArgs, tyro.conf.DisallowNone)
    if shutil.get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)
    with contextlib.redirect_stdout(cast(TextIO, _WrappedHelp(sys.stdout))):
        options = tyro.cli(kind, args=args, config=config, **settings)
    return checked(options)


class _WrappedHelp:
    """Standard output with wrapped lines where tyro does not wrap: the usage, the description."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        return self._output.write("\n".join(map(self._wrapped, text.split("\n"))))

    @staticmethod
    def _wrapped(line: str) -> str:
        width = shutil.get_terminal_size().columns
        if len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= width:
            return line
        if "usage:" in line:
            words = textwrap.TextWrapper(width, subsequent_indent="    ", break_on_hyphens=False)
            return words.fill(line.replace(",", ", "))
        return textwrap.fill(line, width)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)
