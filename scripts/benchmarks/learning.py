"""Agent steps and wall-clock from scratch to winning, seed by seed."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path

from benchmarks.tables import write_table
from pong_agent.cli.output import table
from pong_agent.learning.progress import RECENT
from pong_agent.plots.figure import (
    Line,
    draw_line,
    legend_below,
    light_figure,
    mark_height,
    save_figure,
)
from pong_agent.recording.palette import SERIES, hex_code
from pong_agent.training.config import TrainConfig
from pong_agent.training.run_folder import RunFolder
from pong_agent.training.start import start_run


@dataclass(frozen=True)
class Point:
    """One update on a learning curve.

    Attributes:
        steps: agent steps so far.
        seconds: seconds of training so far, without evaluations.
        mean_return: mean of the last 30 training episodes, NaN before the first.
        episodes: training episodes so far.
        greedy: mean return of the evaluation after this update, None without one.
    """

    steps: int
    seconds: float
    mean_return: float
    episodes: int
    greedy: float | None


@dataclass(frozen=True)
class Learned:
    """Learning curve and milestones of one seed.

    Attributes:
        seed: the seed.
        curve: a point for each update.
        positive: first point with a mean over the last 30 training episodes above 0, or None.
        winning: first point with a greedy evaluation that reached the goal, or None.
    """

    seed: int
    curve: tuple[Point, ...]
    positive: Point | None
    winning: Point | None


def learned(seed: int, curve: Iterable[Point], goal: float) -> Learned:
    """Find the two milestones on a learning curve.

    Example:
        >>> curve = [Point(100, 1.0, -3.0, 40, None), Point(200, 2.0, 0.5, 50, 18.5)]
        >>> result = learned(0, curve, goal=18.0)
        >>> result.positive.steps, result.winning.seconds
        (200, 2.0)
    """
    curve = tuple(curve)
    positive = (p for p in curve if p.episodes >= RECENT and p.mean_return > 0)
    winning = (p for p in curve if p.greedy is not None and p.greedy >= goal)
    return Learned(seed, curve, next(positive, None), next(winning, None))


def measure_learning(
    config: TrainConfig,
    seeds: Sequence[int],
    folder: Path,
    *,
    goal: float,
    on_update: Callable[[int, Mapping[str, float]], None],
) -> list[Learned]:
    """Train an agent from scratch with each seed, until the goal or a limit of the run.

    Args:
        config: the runs, with their evaluations; `seed` and `stop_at_eval` are set here.
        seeds: one run each.
        folder: where each seed gets a run folder.
        goal: mean return of a greedy evaluation that counts as winning and ends a run.
        on_update: called after each update with the seed and the row of `metrics.csv`.
    """
    results = []
    for seed in seeds:
        run_folder = folder / f"seed{seed}"
        with start_run(replace(config, seed=seed, stop_at_eval=goal), run_folder) as trainer:
            stopped_by = trainer.train(partial(on_update, seed))
        results.append(learned(seed, read_curve(run_folder), goal))
        if stopped_by is not None:
            raise KeyboardInterrupt
    return results


def read_curve(run_folder: Path) -> list[Point]:
    """Read a run's learning curve from its `metrics.csv`."""
    return [
        Point(
            steps=int(row["time/total_timesteps"]),
            seconds=float(row["time/time_elapsed"]),
            mean_return=float(row["rollout/ep_rew_mean"]),
            episodes=int(row["rollout/episodes"]),
            greedy=float(row["eval/mean_reward"]) if row["eval/mean_reward"] else None,
        )
        for row in RunFolder.open(run_folder).read_metrics()
    ]


def summary(results: Sequence[Learned], goal: float) -> str:
    """Return a row for each seed, then median and range over the seeds."""
    heads = ("<seed", "above 0: steps", "seconds", f"greedy {goal:g}: steps", "seconds")
    rows: list[tuple[str, ...]] = [
        (str(one.seed), *_cells(one.positive), *_cells(one.winning)) for one in results
    ]
    reached = ([one.positive for one in results], [one.winning for one in results])
    for label, pick in (("median", statistics.median), ("min", min), ("max", max)):
        rows.append((label, *(cell for points in reached for cell in _picked(points, pick))))
    return table(heads, rows)


def _cells(point: Point | None) -> tuple[str, str]:
    return ("not reached", "-") if point is None else (f"{point.steps:,}", f"{point.seconds:.0f}")


def _picked(
    points: Sequence[Point | None], pick: Callable[[list[float]], float]
) -> tuple[str, str]:
    """Return a statistic of steps and of seconds; a milestone that was missed is infinitely far."""
    steps = pick([inf if point is None else point.steps for point in points])
    seconds = pick([inf if point is None else point.seconds for point in points])
    return _cells(None) if steps == inf else (f"{steps:,.0f}", f"{seconds:.0f}")


def write_curves(results: Sequence[Learned], path: Path) -> None:
    """Write all curves as one CSV file."""
    rows = [
        (
            result.seed,
            p.steps,
            round(p.seconds, 2),
            round(p.mean_return, 3),
            "" if p.greedy is None else p.greedy,
        )
        for result in results
        for p in result.curve
    ]
    write_table(path, ("seed", "steps", "seconds", "return", "greedy"), rows)


def plot_curves(results: Sequence[Learned], path: Path, *, title: str, goal: float) -> None:
    """Draw return against seconds: a line for each seed, a dot for each greedy evaluation.

    Raises:
        MissingPackageError: Matplotlib, of the extra `plot`, is not installed.
        ConfigError: the file cannot be written.
    """
    figure, axes = light_figure()
    for number, result in enumerate(results):
        evaluated = [(p.seconds, p.greedy) for p in result.curve if p.greedy is not None]
        line = Line(
            label=f"seed {result.seed}",
            x=[p.seconds for p in result.curve],
            y=[p.mean_return for p in result.curve],
            dots=([s for s, _ in evaluated], [g for _, g in evaluated]),
        )
        draw_line(axes, line, hex_code(SERIES[number % len(SERIES)]))
    mark_height(axes, 0)
    mark_height(axes, goal, f"goal of the greedy evaluation: {goal:g}")
    axes.set(
        title=title,
        xlabel="seconds of training (evaluations not counted)",
        ylabel="mean score of the last 30 training games",
        ylim=(-21.5, 21.5),
    )
    greedy = any(point.greedy is not None for result in results for point in result.curve)
    legend_below(axes, dots="greedy evaluation" if greedy else "")
    save_figure(figure, path)
