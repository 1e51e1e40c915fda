"""Figures with their spread, as lines of text and as CSV."""

import csv
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pong_agent.whole_file import replacing


@dataclass(frozen=True)
class Spread:
    """Several measurements of one figure.

    Attributes:
        median: the middle one.
        low: the smallest.
        high: the largest.

    Example:
        >>> Spread.of([3.0, 1.0, 2.0])
        Spread(median=2.0, low=1.0, high=3.0)
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Summarize one measurement or more."""
        values = list(values)
        return cls(statistics.median(values), min(values), max(values))

    def text(self, form: str) -> str:
        """Return "median (low - high)", each number in this form.

        Example:
            >>> Spread(2.0, 1.0, 3.5).text(".1f")
            '2.0 (1.0 - 3.5)'
        """
        return f"{self.median:{form}} ({self.low:{form}} - {self.high:{form}})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Align cells in columns, the first one on the left and the others on the right.

    Example:
        >>> print(table(("what", "figure"), [("one", "1"), ("many", "1,000")]))
        what  figure
        one        1
        many   1,000
    """
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in lines
    )


def write_table(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV, numbers with six significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        for row in rows:
            writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row])
