"""Curves drawn with Matplotlib, without its global state."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pong_agent.errors import ConfigError, require
from pong_agent.recording.palette import REFERENCE, hex_code
from pong_agent.whole_file import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SUFFIXES = (".png", ".svg", ".pdf")
_FEW = 3  # points
_LABEL_WIDTH = 118  # letters in a row of a legend below the curves
_ROW, _ROWS = 0.2, 4  # inches of a row, and rows that need no taller image


@dataclass(frozen=True)
class Line:
    """A curve with its band and dots."""

    label: str  # its name in the legend
    x: ArrayLike  # [N]
    y: ArrayLike  # [N]
    band: tuple[ArrayLike, ArrayLike] | None = None  # [N] lower and [N] upper ends
    raw: Sequence[tuple[ArrayLike, ArrayLike]] = ()  # x and y of the curves averaged, drawn faintly
    dots: tuple[ArrayLike, ArrayLike] = ((), ())  # [K] x and [K] y of single measurements
    n_solid: int | None = None  # points before the curve is dashed; None: all


def draw_line(axes: "Axes", line: Line, color: str) -> None:
    """Draw a curve; one of a single point is a small dot, and so is each point of a short raw."""
    for x, y in line.raw:
        marker = "." if np.size(x) <= _FEW else ""
        axes.plot(x, y, color=color, alpha=0.3, linewidth=0.8, marker=marker)
    if line.band is not None:
        axes.fill_between(line.x, *line.band, color=color, alpha=0.18, linewidth=0)
    x, y, end = np.asarray(line.x), np.asarray(line.y), line.n_solid
    [curve] = axes.plot(x[:end], y[:end], color=color, label=line.label)
    if len(x[:end]) == 1:
        curve.set(marker="o", markersize=4)
    if end is not None and end < len(x):
        axes.plot(x[end - 1 :], y[end - 1 :], color=color, linestyle="--")
    axes.plot(*line.dots, "o", color=color, markersize=4)


def mark_height(axes: "Axes", y: float, label: str | None = None) -> None:
    """Draw a thin horizontal line, e.g. where neither side wins; with a label it is dashed."""
    style = "-" if label is None else "--"
    axes.axhline(
        y, color=hex_code(REFERENCE), linewidth=0.8, linestyle=style, zorder=1, label=label
    )


def legend_below(axes: "Axes", *, dots: str = "", thin: str = "") -> None:
    """Place the legend below the curves, and say in grey what their dots and thin lines are."""
    grey = hex_code(REFERENCE)
    if dots:
        axes.plot([], [], "o", color=grey, markersize=4, label=dots)
    if thin:
        axes.plot([], [], color=grey, linewidth=0.8, label=thin)
    figure, (handles, labels) = axes.get_figure(root=True), axes.get_legend_handles_labels()
    assert figure is not None  # noqa: S101  # for mypy: the axes are drawn in one
    names = [fill(label, _LABEL_WIDTH) for label in labels]
    rows = sum(name.count("\n") + 1 for name in names)
    figure.set_figheight(figure.get_figheight() + _ROW * max(rows - _ROWS, 0))
    figure.legend(handles, names, loc="outside lower left", fontsize="small", frameon=False)


def light_figure() -> tuple["Figure", "Axes"]:
    """Make an empty image of 960 x 540 pixels with a faint grid."""
    figures = require("matplotlib.figure", "plot")
    figure: Figure = figures.Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.25)
    return figure, axes


def check_suffix(path: Path) -> None:
    """Raise ConfigError unless a name ends in .png, .svg or .pdf."""
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"output: expected NAME{', NAME'.join(_SUFFIXES)}, found {path}")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write an image in the format of its suffix, whole or not at all, or raise ConfigError."""
    check_suffix(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix.lower()[1:])
    except OSError as error:
        raise ConfigError(f"output: {path} cannot be written: {error}") from error
