"""Curves drawn with Matplotlib, without its global state."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pong_agent.errors import ConfigError, require
from pong_agent.recording.palette import REFERENCE, hex_code
from pong_agent.whole_file import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_FEW = 3  # points


@dataclass(frozen=True)
class Line:
    """A curve with its band and dots.

    Attributes:
        label: its name in the legend.
        x: [N] x coordinates.
        y: [N] values.
        band: [N] lower and [N] upper ends of a band, None for none.
        raw: [M] x and [M] y of each curve that this one averages, drawn faintly, with a dot per
            point if there are few.
        dots: [K] x and [K] y of single measurements.
        dots_label: their name in the legend, none by default.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    band: tuple[ArrayLike, ArrayLike] | None = None
    raw: Sequence[tuple[ArrayLike, ArrayLike]] = ()
    dots: tuple[ArrayLike, ArrayLike] = ((), ())
    dots_label: str = ""


def draw_line(axes: "Axes", line: Line, color: str, *, dots_color: str | None = None) -> None:
    """Draw a curve; one of a single point is a small dot.

    Args:
        axes: axes to draw on.
        line: the curve.
        color: its colour.
        dots_color: colour of its dots, if different.
    """
    for x, y in line.raw:
        marker = "." if np.size(x) <= _FEW else ""
        axes.plot(x, y, color=color, alpha=0.3, linewidth=0.8, marker=marker)
    if line.band is not None:
        axes.fill_between(line.x, *line.band, color=color, alpha=0.18, linewidth=0)
    [curve] = axes.plot(line.x, line.y, color=color, label=line.label)
    if np.size(line.x) == 1:
        curve.set(marker="o", markersize=4)
    label = line.dots_label or None
    axes.plot(*line.dots, "o", color=dots_color or color, markersize=4, label=label)


def mark_height(axes: "Axes", y: float, *, dashed: bool = False) -> None:
    """Draw a thin horizontal line, e.g. where neither side wins."""
    axes.axhline(
        y, color=hex_code(REFERENCE), linewidth=0.8, linestyle="--" if dashed else "-", zorder=1
    )


def light_figure() -> tuple["Figure", "Axes"]:
    """Make an empty image of 960 x 540 pixels with a faint grid.

    Raises:
        MissingPackageError: Matplotlib is not installed.
    """
    figures = require("matplotlib.figure", "plot")
    figure: Figure = figures.Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.25)
    return figure, axes


def check_suffix(path: Path) -> None:
    """Raise ConfigError unless a name ends in .png, .svg or .pdf."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"output: expected NAME{', NAME'.join(SUFFIXES)}, found {path}")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write an image in the format of its suffix, whole or not at all.

    Raises:
        ConfigError: the suffix is unknown, or the file cannot be written.
    """
    check_suffix(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix.lower()[1:])
    except OSError as error:
        raise ConfigError(f"output: {path} cannot be written: {error}") from error
