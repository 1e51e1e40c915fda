"""Tables, progress bars and JSON files of the commands."""

import io
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pong_agent.training.run_folder import reported
from pong_agent.whole_file import write_text

_UNBOUNDED = 10_000  # columns: each row is one line, which a narrow terminal wraps


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an aligned table, one line per row at any width, so that paths stay whole.

    Columns whose heading begins with "<" are aligned to the left.

    Example:
        >>> print(table(("seed", "return", "<video"), [("7", "+21", "pong.mp4")]))
        seed  return  video
           7     +21  pong.mp4
    """
    grid = Table(box=None, pad_edge=False, padding=(0, 1))
    for header in headers:
        justify: JustifyMethod = "left" if header.startswith("<") else "right"
        grid.add_column(header.removeprefix("<"), justify=justify, no_wrap=True)
    for row in rows:
        grid.add_row(*map(Text, row))
    console = Console(width=_UNBOUNDED, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def sentence(text: str) -> str:
    """Return text that a terminal shows without breaking words, elsewhere as one line."""
    if not sys.stdout.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)


def counted(number: float, units: str) -> str:
    """Return a number with its unit, given as a plural.

    Example:
        >>> counted(1.0, "minutes"), counted(2000, "games")
        ('1 minute', '2,000 games')
    """
    shown = f"{number:,}".removesuffix(".0")
    return f"{shown} {units.removesuffix('s') if number == 1 else units}"


def with_interval(text: str, interval: tuple[float, float] | None) -> str:
    """Append a 95 % interval to a line of results; a single result has none."""
    if interval is None:
        return text
    low, high = interval
    return f"{text}, 95 % interval {low:+.2f} to {high:+.2f}"


@contextmanager
def progress_bar(total: int, unit: str) -> Iterator[Callable[..., None]]:
    """Show a progress bar on standard error, or nothing where that is not a terminal.

    Yields a function to call after each unit, such as "games"; its arguments are ignored.
    """
    console = Console(stderr=True)
    units = TextColumn(counted(total, unit).partition(" ")[2])
    columns = (BarColumn(20), MofNCompleteColumn(), units, TimeRemainingColumn())
    progress = Progress(
        *columns,
        console=console,
        auto_refresh=False,  # rich does not wait for its thread, which may outlive an emulator
        transient=True,
        redirect_stdout=False,  # standard output may be a file
        disable=not console.is_interactive,
    )
    with progress:
        task = progress.add_task("", total=total)

        def advance(*_: object) -> None:
            progress.update(task, advance=1, refresh=True)

        yield advance


@contextmanager
def printing_apart(output: Path | None) -> Iterator[None]:
    """Print on standard error if `output` is standard output, which then holds that file alone."""
    to_stdout = str(output) in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
    with redirect_stdout(sys.stderr) if to_stdout else nullcontext():
        yield


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file, making missing folders, and print its path; raise RunError on failure."""
    with reported(f"{path}: cannot be written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(content, indent=2) + "\n")
    print(f"wrote {path}")
