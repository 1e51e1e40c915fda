"""Plot a tournament: ratings over the training, and the table of mean differences."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pong_agent.matches.tournament import Standings
from pong_agent.plots.figure import light_figure, mark_height, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_POINTS = 21


def draw_tournament(standings: Standings, path: Path) -> None:
    """Plot ratings, and beside them the mean differences, into a .png, .svg or .pdf file.

    Raises:
        ConfigError: the file has another suffix, or cannot be written.
        MissingPackageError: Matplotlib is not installed.
    """
    figure, left = light_figure()
    n = len(standings.ratings)
    figure.set_size_inches(7.5 + 0.55 * n, 3.2 + 0.35 * n)
    left.remove()
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    _draw_ratings(left, standings)
    _draw_differences(right, standings)
    save_figure(figure, path)


def _draw_ratings(axes: "Axes", standings: Standings) -> None:
    ratings = standings.ratings
    places, elo = np.arange(len(ratings)), np.array([one.elo for one in ratings])
    along = [i for i, one in enumerate(ratings) if one.agent_steps is not None]
    errors = [[one.elo - one.low for one in ratings], [one.high - one.elo for one in ratings]]
    axes.plot(places[along], elo[along], color="C0", linewidth=1, alpha=0.5)
    axes.errorbar(places, elo, errors, fmt="o", color="C0", capsize=3)
    mark_height(axes, 0)
    axes.set_xticks(places, [one.name for one in ratings], rotation=40, ha="right")
    axes.set(title="Elo, with 95 % intervals", ylabel="Elo (mean of the field: 0)")
    axes.grid(alpha=0.25)


def _draw_differences(axes: "Axes", standings: Standings) -> None:
    table, names = standings.differences(), [one.name for one in standings.ratings]
    axes.imshow(table, cmap="RdYlGn", vmin=-_MOST_POINTS, vmax=_MOST_POINTS, aspect="auto")
    for i, j in np.ndindex(table.shape):
        if i != j:
            axes.text(j, i, f"{table[i, j]:+.0f}", ha="center", va="center", fontsize=9)
    places = range(len(names))
    axes.set_xticks(places, names, rotation=40, ha="right")
    axes.set_yticks(places, names)
    axes.set(title="mean difference in points per game, row minus column", xlabel="", ylabel="")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
