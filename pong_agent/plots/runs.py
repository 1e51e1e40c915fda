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
        f"{name.replace('_', ' ')} {value}"
        for name, value in values.items()
        if any(others.get(name) != value for others in all_values)
    ]
    if len(differing) > _NAMED_DIFFERENCES:
        differing = [*differing[:_NAMED_DIFFERENCES], "..."]
    return ", ".join([preset, *differing])


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
    """Average runs up to the end of the longest, with a band; the label describes both.

    Each run is smoothed by `running_mean` and interpolated on one grid, which begins where the last
    run begins. After a run has ended, the others are averaged. The band is the range of two runs or
    more or, with five runs, the 95 % percentile bootstrap interval of the mean of five or more.
    """
    if len(curves) == 1:
        [(x, y)] = curves
        smoothed, window = running_mean(y)
        if window == 1:
            return Line("", x, y)
        return Line(f"mean over {window} updates", x, smoothed, raw=curves)
    smooth = [(x, running_mean(y)[0]) for x, y in curves]
    first, ends = max(x[0] for x, _ in curves), np.array([x[-1] for x, _ in curves])
    grid = np.union1d(np.linspace(first, ends.max(), _GRID), ends[ends >= first])
    there = ends[:, np.newaxis] >= grid  # [run, point]
    counts = there.sum(axis=0)
    if counts[0] < 2:
        return Line(f"{len(curves)} runs", (), (), raw=smooth)
    values = np.stack([np.interp(grid, x, y) for x, y in smooth])
    mean, band = np.mean(values, axis=0, where=there), np.full((2, len(grid)), np.nan)
    resampled = len(curves) >= _BOOTSTRAP_FROM
    for count in np.unique(counts[counts >= (_BOOTSTRAP_FROM if resampled else 2)]):
        columns = counts == count  # and the same runs, as none begins on the grid
        part = values[there[:, columns][:, 0]][:, columns]
        band[:, columns] = (
            bootstrap_band(part, _RESAMPLES) if resampled else (part.min(axis=0), part.max(axis=0))
        )
    label = f"mean of {counts[0]} runs"
    if counts[-1] < counts[0]:
        label += f", dashed where fewer are left ({counts[-1]} at the end)"
    n_solid = int((counts == counts[0]).sum())
    if not np.isfinite(band).any():
        return Line(label, grid, mean, raw=smooth, n_solid=n_solid)
    label += f"; band: {'95 % bootstrap interval' if resampled else 'lowest to highest'}"
    if resampled and counts[-1] < _BOOTSTRAP_FROM:
        label += f" of {_BOOTSTRAP_FROM} runs or more"
    return Line(label, grid, mean, (band[0], band[1]), smooth, n_solid=n_solid)
