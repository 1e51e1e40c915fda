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

from pong_agent.errors import PongError
from pong_agent.learning.trajectory import BatchError
from pong_agent.vision.pixels import ObservationError


def exit_code(run: Callable[[], int], *, debug: bool = False) -> int:
    """Run a program and return its exit code, 1 after an error message, or 128 + N after signal N.

    With `debug` every error shows a traceback. A warning is one line on standard error.
    """
    try:
        with _plain_warnings():
            code = run()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of the output is gone; Python would report that again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except (BatchError, ObservationError):
        raise  # no command line can cause these: a bug
    except (PongError, OSError) as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if debug:
            raise
        print("interrupted", file=sys.stderr)
        return 130


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Format warnings without the source line that raised them."""
    original = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
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
    """Parse a command line; `kind` and `settings` are those of `tyro.cli`."""
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.CascadeSubcommandArgs, tyro.conf.DisallowNone)
    with contextlib.redirect_stdout(cast(TextIO, _WrappedHelp(sys.stdout))):
        return tyro.cli(kind, args=args, config=config, **settings)


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
