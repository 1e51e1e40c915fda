"""Runs grouped by configuration, and the mean of a group with its band."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pong_agent.errors import ConfigError, PongError
from pong_agent.evaluation.result import bootstrap_band
from pong_agent.plots.figure import Line
from pong_agent.training.run_folder import RunError, RunFolder

Axis = Literal["steps", "minutes"]
Floats = NDArray[np.float64]

# Metrics of greedy evaluations that measure the same.
EVALUATION_OF = {
    "rollout/ep_rew_mean": "eval/mean_reward",
    "rollout/ep_len_mean": "eval/mean_ep_length",
}
_BOOTSTRAP_FROM = 5  # runs; of fewer the range is shown, since resampling says little
_RESAMPLES = 2_000
_GRID = 400  # points of a mean
_SHARE_OF_UPDATES = 0.02  # in a running mean
_NAMED_DIFFERENCES = 4  # hyperparameters in a label


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seeds and limits."""

    label: str  # the preset and the hyperparameters that differ from the other groups
    runs: tuple[RunFolder, ...]


def open_runs(paths: Sequence[str | Path]) -> tuple[list[RunFolder], list[str]]:
    """Return the runs among paths, each once, and why each other path is left out.

    Raises ConfigError if there is no run.
    """
    runs, left_out = dict[str, RunFolder](), list[str]()
    for path in paths:
        try:
            run = RunFolder.open(path)
            _preset_and_values(run)
            run.read_metrics()
        except (OSError, PongError) as error:
            left_out.append(str(error))
        else:
            runs.setdefault(os.path.realpath(path), run)
    if not runs:
        more = f"; {len(left_out) - 1} other path(s) hold none" if left_out[1:] else ""
        reason = left_out[0] if left_out else "expected the folder of a run or several, found none"
        raise ConfigError(f"runs: {reason}{more}")
    return list(runs.values()), left_out


def _preset_and_values(run: RunFolder) -> tuple[str, str]:
    """Return a run's preset, and its hyperparameters as JSON; raise RunError if there are none."""
    config = run.config()
    options, values = config.get("train", {}), config.get("hyperparameters", {})
    if not isinstance(options, dict) or not isinstance(values, dict):
        raise RunError(f"{run.path}: its config.json is not that of a run")
    return str(options.get("preset", "run")), json.dumps(values, sort_keys=True)


def group_runs(runs: Sequence[RunFolder]) -> list[Group]:
    """Group runs of the same preset and hyperparameters, which include the environment."""
    groups: dict[tuple[str, str], list[RunFolder]] = {}
    for run in runs:
        groups.setdefault(_preset_and_values(run), []).append(run)
    named = [
        (preset, json.loads(values), tuple(members)) for (preset, values), members in groups.items()
    ]
    return [
        Group(
            _label(preset, values, [others for other, others, _ in named if other == preset]),
            members,
        )
        for preset, values, members in named
    ]


def _label(preset: str, values: Mapping[str, Any], all_values: Sequence[Mapping[str, Any]]) -> str:
    """Name a group by the hyperparameters that differ between the groups of its preset."""
    differing = [
        f"{name}:{value}"
        for name, value in values.items()
        if any(others.get(name) != value for others in all_values)
    ]
    if len(differing) > _NAMED_DIFFERENCES:
        differing = [*differing[:_NAMED_DIFFERENCES], "..."]
    return " ".join([preset, *differing])


def points(
    rows: Sequence[Mapping[str, str]], metric: str, axis: Axis = "steps"
) -> tuple[Floats, Floats]:
    """Return [N] agent steps or minutes, and a metric's [N] finite values there.

    Example:
        >>> row = {"time/total_timesteps": "2048", "rollout/ep_rew_mean": "-20.5"}
        >>> points([row, {**row, "rollout/ep_rew_mean": "nan"}], "rollout/ep_rew_mean")
        (array([2048.]), array([-20.5]))
    """
    column, unit = ("time/total_timesteps", 1) if axis == "steps" else ("time/time_elapsed", 60)
    x, y = (
        np.array([float(row[name].strip() or "nan") for row in rows]) for name in (column, metric)
    )
    finite = np.isfinite(x) & np.isfinite(y)
    return x[finite] / unit, y[finite]


def running_mean(y: Floats) -> tuple[Floats, int]:
    """Smooth by a running mean over 2 % of the values, fewer at the ends; return the window too.

    Example:
        >>> running_mean(np.arange(3.0))
        (array([0., 1., 2.]), 1)
    """
    half = int(len(y) * _SHARE_OF_UPDATES / 2)
    sums = np.concatenate([[0.0], np.cumsum(y)])
    index = np.arange(len(y))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(y))
    return (sums[last] - sums[first]) / (last - first), 2 * half + 1


def mean_of(curves: Sequence[tuple[Floats, Floats]]) -> Line:
    """Average runs over the x that all of them cover, with a band; the label describes both.

    Each run is smoothed by `running_mean` and interpolated on one grid. The band is the range of
    the runs or, from five runs on, the 95 % percentile bootstrap interval of the mean.
    """
    if len(curves) == 1:
        [(x, y)] = curves
        smoothed, window = running_mean(y)
        if window == 1:
            return Line("", x, y)
        return Line(f"mean over {window} updates", x, smoothed, raw=curves)
    smooth = [(x, running_mean(y)[0]) for x, y in curves]
    first, last = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    grid = np.unique(np.linspace(first, last, _GRID)) if last >= first else np.zeros(0)
    values = np.stack([np.interp(grid, x, y) for x, y in smooth])
    mean, count = values.mean(axis=0), f"mean of {len(curves)} runs"
    if len(curves) < _BOOTSTRAP_FROM or not len(grid):
        extremes = values.min(axis=0), values.max(axis=0)
        return Line(f"{count}, lowest to highest", grid, mean, extremes, smooth)
    band = bootstrap_band(values, _RESAMPLES)
    return Line(f"{count}, 95 % bootstrap interval", grid, mean, band, smooth)
