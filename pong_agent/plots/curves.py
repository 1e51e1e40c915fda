"""Learning curves: one curve with a band per configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pong_agent.errors import ConfigError
from pong_agent.plots.figure import draw_line, legend_below, light_figure, mark_height
from pong_agent.plots.runs import EVALUATION_OF, Axis, group_runs, mean_of, open_runs, points
from pong_agent.recording.palette import SERIES, hex_code
from pong_agent.training.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RETURNS = ("rollout/ep_rew_mean", "rollout/running_return", "eval/mean_reward")
_Y_LABELS = {
    "rollout/ep_rew_mean": "mean score of the last 30 training games",
    "rollout/ep_len_mean": "mean agent steps of the last 30 training games",
    "eval/mean_reward": "mean score of a greedy evaluation",
}


def draw_runs(
    paths: Sequence[str | Path],
    *,
    metric: str = "rollout/ep_rew_mean",
    axis: Axis = "steps",
    labels: Sequence[str] = (),
) -> tuple["Figure", list[str]]:
    """Draw learning curves; runs that differ only in their seeds are averaged by `runs.mean_of`.

    Returns the figure, and for each path left out a line that says why: it is no run, cannot be
    read, or has no value of the metric yet.

    Raises:
        ConfigError: there is no such metric, nothing to draw, or a wrong number of labels.
        MissingPackageError: Matplotlib is not installed.
    """
    figure, axes = light_figure()
    runs, left_out = open_runs(paths)
    rows = {run.path: run.read_metrics() for run in runs}
    _check_metric(metric, list(rows.values()))
    curves = {path: points(of_run, metric, axis) for path, of_run in rows.items()}
    empty = [path for path, (x, _) in curves.items() if not len(x)]
    if len(empty) == len(runs):
        raise ConfigError(f"x: expected a run with {axis}, found none")
    groups = group_runs([run for run in runs if run.path not in empty])
    if labels and len(labels) != len(groups):
        raise ConfigError(
            f"labels: expected {len(groups)}, one for each of "
            f"{'; '.join(group.label for group in groups)}, found {len(labels)}"
        )

    largest = max(x[-1] for x, _ in curves.values() if len(x))
    unit = 1e6 if axis == "steps" and largest >= 1e6 else 1.0
    greedy = EVALUATION_OF.get(metric)
    evaluated, thin = False, ""
    for number, group in enumerate(groups):
        mean = mean_of([(x / unit, y) for x, y in (curves[run.path] for run in group.runs)])
        dots = [points(rows[run.path], greedy, axis) for run in group.runs if greedy]
        dots_x, dots_y = np.hstack([np.zeros((2, 0)), *map(np.stack, dots)])
        evaluated |= len(dots_x) > 0
        if mean.raw:
            thin = "single runs" if len(group.runs) > 1 else thin or "not smoothed"
        name = _plain(labels[number]) if labels else group.label
        label = f"{name}: {mean.label}" if mean.label else name
        line = replace(mean, label=label, dots=(dots_x / unit, dots_y))
        draw_line(axes, line, hex_code(SERIES[number % len(SERIES)]))
    x_label = "minutes of training" if axis == "minutes" else "agent steps"
    axes.set(
        title="How the agent learned" if len(groups) == 1 else "How the agents learned",
        xlabel=f"million {x_label}" if unit > 1 else x_label,
        ylabel=_Y_LABELS.get(metric, metric),
    )
    axes.set_xlim(left=0)
    if axis == "steps" and unit == 1:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    if metric in _RETURNS:
        mark_height(axes, 0)
        wins = any(y.max() > 0 for _, y in curves.values() if len(y))
        axes.set_ylim(-21.5, 21.5 if wins else 1.5)
    legend_below(axes, dots="greedy evaluation" if evaluated else "", thin=thin)
    return figure, left_out + [f"{path}: no value of {metric} yet" for path in empty]


def _plain(label: str) -> str:
    """Return a label without the dollars of formulas, and with the bytes that are no text shown."""
    text = label.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.replace("$", r"\$")


def _check_metric(metric: str, runs: Sequence[Sequence[Mapping[str, str]]]) -> None:
    there = [name for name in METRICS if any(len(points(rows, name)[0]) for rows in runs)]
    if metric in there:
        return
    with_values = f"with values: {', '.join(there)}" if there else "no run has made an update"
    if metric in METRICS:
        raise ConfigError(f"metric: no run has a value of {metric} yet; {with_values}")
    raise ConfigError(f"metric: expected a column of metrics.csv, found {metric!r}; {with_values}")
