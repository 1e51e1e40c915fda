"""Curves drawn with Matplotlib, on light paper, without its global state."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pong_agent.errors import ConfigError
from pong_agent.recording.palette import REFERENCE, hex_code
from pong_agent.whole_file import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_FEW = 3  # points


@dataclass(frozen=True)
class Line:
    """A curve with what belongs to it.

    Attributes:
        label: what the legend says.
        x: [N] where the values stand.
        y: [N] the values.
        band: [N] lower and [N] upper ends of a band, None for none.
        raw: [M] x and [M] y of each of the curves that this one is made of, drawn faintly; those of
            few points with a dot for each.
        dots: [K] x and [K] y of single measurements.
        dots_label: what the legend says of them, nothing by default.
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
        axes: where.
        line: what.
        color: of all of it.
        dots_color: of its single measurements, where it is another one.
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
    """Draw a thin line across, e.g. where neither side wins."""
    axes.axhline(
        y, color=hex_code(REFERENCE), linewidth=0.8, linestyle="--" if dashed else "-", zorder=1
    )


def light_figure() -> tuple["Figure", "Axes"]:
    """Make an empty picture of 960 x 540 pixels with a faint grid.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "plot: expected the library matplotlib, which comes with "
            f"pip install 'pong-agent[plot]': {error}"
        ) from error
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.25)
    return figure, axes


def check_suffix(path: Path) -> None:
    """Refuse a name that says no kind of picture.

    Raises:
        ConfigError: it ends otherwise than on .png, .svg or .pdf.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"output: expected NAME{', NAME'.join(SUFFIXES)}, found {path}")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a picture, of the kind that its name says, complete or not at all.

    Raises:
        ConfigError: the name says none, or nothing can be written there.
    """
    check_suffix(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix.lower()[1:])
    except OSError as error:
        raise ConfigError(f"output: {path} cannot be written: {error}") from error
