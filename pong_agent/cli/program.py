"""Exit codes and help texts of a command-line program; `scripts/` use them too."""

import atexit
import contextlib
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from inspect import getdoc
from typing import Annotated, Any, TextIO, Union, cast

import tyro

from pong_agent.cli.arguments import checked
from pong_agent.cli.help import error_text, help_text
from pong_agent.cli.streams import LastingStream, open_streams
from pong_agent.errors import PongError, did_you_mean
from pong_agent.learning.trajectory import BatchError
from pong_agent.vision.pixels import ObservationError


def exit_code(run: Callable[[], int], *, debug: bool = False) -> int:
    """Run a program and return its exit code, 1 after an error message, or 128 + N after signal N.

    With `debug` every error shows a traceback. A warning is one line on standard error. A program
    whose output cannot be written goes on, and its exit code says so at the end.
    """
    open_streams()
    output, errors = LastingStream(sys.stdout), LastingStream(sys.stderr)
    streams = contextlib.ExitStack()
    streams.enter_context(redirect_stdout(cast(TextIO, output)))
    streams.enter_context(redirect_stderr(cast(TextIO, errors)))
    with streams:
        try:
            return output.exit_code(_guarded(run, debug=debug))
        except SystemExit as end:  # after help, or a command line that cannot be parsed
            raise SystemExit(output.exit_code(cast(int, end.code))) from None
        finally:
            errors.flush()
            atexit.unregister(_ignore_interrupts)
            atexit.register(_ignore_interrupts)  # before what libraries registered, such as Ray


def _ignore_interrupts() -> None:
    """Let a second Ctrl-C neither cut the end of the process short nor print a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    """Return the union of all commands for tyro, or report an unknown command and exit with 2.

    Their descriptions are their docstrings, or the first lines unless `args` name a command.
    """
    if args and not args[0].startswith("-") and args[0] not in commands:
        expected = f"{did_you_mean(args[0], commands)}expected one of {', '.join(commands)}"
        print(f"error: unknown command '{printable(args[0])}'; {expected}", file=sys.stderr)
        raise SystemExit(2)
    whole = bool(set(args) & set(commands))
    members = []
    for name, command in commands.items():
        text = getdoc(command) or ""
        text = text if whole else text.partition("\n")[0]
        members.append(Annotated[command, tyro.conf.subcommand(name, description=text)])
    return Union[tuple(members)]  # noqa: UP007  # of a list


def parse(kind: Any, args: Sequence[str] | None, **settings: Any) -> Any:
    """Parse a command line and check its options; `kind` and `settings` are those of `tyro.cli`."""
    args = sys.argv[1:] if args is None else args
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.CascadeSubcommandArgs, tyro.conf.DisallowNone)
    shown, errors = io.StringIO(), io.StringIO()
    try:
        with _long_lines(), redirect_stdout(shown), redirect_stderr(errors):
            options = tyro.cli(kind, args=args, config=config, **settings)
    except SystemExit as end:
        if end.code == 0:
            print(help_text(shown.getvalue()), end="")
        else:
            words = [settings.get("prog", sys.argv[0]), *args[:1]]
            command = " ".join(word for word in words if not word.startswith("-"))
            print(error_text(printable(errors.getvalue()), command), file=sys.stderr)
        raise
    print(errors.getvalue(), end="", file=sys.stderr)  # warnings
    return checked(options)


@contextlib.contextmanager
def _long_lines() -> Iterator[None]:
    """Let tyro print each option on one line, which `help_text` wraps."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "10000"
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
