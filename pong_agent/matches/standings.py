"""Plot a tournament: ratings over the training, and the table of mean differences."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pong_agent.matches.tournament import Standings
from pong_agent.plots.figure import light_figure, mark_height, save_figure
from pong_agent.recording.palette import NEGATIVE, POSITIVE, SERIES, hex_code

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
    figure.suptitle("Tournament: each agent against each other")
    save_figure(figure, path)


def _draw_ratings(axes: "Axes", standings: Standings) -> None:
    ratings = standings.ratings
    places, elo = np.arange(len(ratings)), np.array([one.elo for one in ratings])
    along = [i for i, one in enumerate(ratings) if one.agent_steps is not None]
    repeated = any(len(games) > 1 for games in standings.games.values())
    errors = [[one.elo - one.low for one in ratings], [one.high - one.elo for one in ratings]]
    colour = hex_code(SERIES[0])
    axes.plot(places[along], elo[along], color=colour, linewidth=1, alpha=0.5)
    axes.errorbar(places, elo, errors if repeated else None, fmt="o", color=colour, capsize=3)
    mark_height(axes, 0)
    axes.set_xticks(places, [one.name for one in ratings], rotation=40, ha="right")
    axes.set(title=f"Strength{', with 95 % intervals' if repeated else ''}")
    axes.set(ylabel="Elo rating (mean of all: 0)")
    axes.grid(alpha=0.25)


def _draw_differences(axes: "Axes", standings: Standings) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    table, names = standings.differences(), [one.name for one in standings.ratings]
    ends = hex_code(NEGATIVE), "white", hex_code(POSITIVE)
    colours = LinearSegmentedColormap.from_list("points", ends)
    axes.imshow(table, cmap=colours, vmin=-_MOST_POINTS, vmax=_MOST_POINTS, aspect="auto")
    for i, j in np.ndindex(table.shape):
        if i != j:
            points = f"{table[i, j]:+z.0f}".replace("-", "\N{MINUS SIGN}")
            axes.text(j, i, points, ha="center", va="center", fontsize=9)
    places = range(len(names))
    axes.set_xticks(places, names, rotation=40, ha="right")
    axes.set_yticks(places, names)
    axes.set(title="Points ahead per game: row (pink) or column (olive)")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
