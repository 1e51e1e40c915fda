"""Figures with their spread, as lines of text and as CSV."""

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pong_agent.whole_file import replacing


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of several measurements.

    Example:
        >>> Spread.of([3.5, 1.0, 2.0]).text(".1f")
        '2.0 (1.0 - 3.5)'
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
        """Return "median (low - high)", each number in this format."""
        return f"{self.median:{form}} ({self.low:{form}} - {self.high:{form}})"


def ratios(values: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    """Divide the measurements of each round.

    Example:
        >>> ratios([1.0, 3.0], [2.0, 3.0])
        (0.5, 1.0)
    """
    return tuple(value / other for value, other in zip(values, others, strict=True))


def write_table(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV, floats with six significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        for row in rows:
            writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row])


def write_figures(path: Path, figures: Mapping[tuple[str, str], Sequence[float]]) -> None:
    """Write (what, unit) -> figures of the rounds as CSV, a row for each figure."""
    rows = [
        (what, unit, number, figure)
        for (what, unit), series in figures.items()
        for number, figure in enumerate(series)
    ]
    write_table(path, ("what", "unit", "round", "figure"), rows)
