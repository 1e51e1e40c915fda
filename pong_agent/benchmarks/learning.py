"""From scratch to winning: agent steps and wall-clock, seed by seed."""

import csv
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from pong_agent.learning.progress import RECENT
from pong_agent.plots.figure import Line, draw_line, light_figure, mark_height, save_figure
from pong_agent.training.config import TrainConfig
from pong_agent.training.run_folder import RunFolder
from pong_agent.training.trainer import start_run
from pong_agent.whole_file import replacing

CURVE = ("seed", "steps", "seconds", "return", "greedy")


@dataclass(frozen=True)
class Point:
    """One update on a learning curve.

    Attributes:
        steps: agent steps so far.
        seconds: of training so far, evaluations not counted.
        mean_return: of the last 30 training episodes, NaN before the first.
        episodes: training episodes so far.
        greedy: mean return of the evaluation after this update, None where there was none.
    """

    steps: int
    seconds: float
    mean_return: float
    episodes: int
    greedy: float | None


@dataclass(frozen=True)
class Learned:
    """What one seed's run reached.

    Attributes:
        seed: the seed.
        curve: a point for each update.
        positive: first point whose mean over the last 30 training episodes is above 0, or None.
        winning: first point whose greedy evaluation reached the goal, or None.
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
    folder: str | Path,
    *,
    goal: float,
    on_update: Callable[[int, Mapping[str, float]], None] | None = None,
) -> list[Learned]:
    """Train one agent from scratch for each seed, until the goal or the end of its minutes.

    Args:
        config: what each run is asked to do, its evaluations among it; `seed` and `stop_at_eval`
            are set here.
        seeds: the seeds, one run each.
        folder: gets a run folder for each seed.
        goal: mean return of a greedy evaluation that counts as winning and ends a run.
        on_update: called after each update with the seed and the row of `metrics.csv`.

    Raises:
        ConfigError, NotPongError, RunError, CollectorError: as `training.trainer.start_run`.
    """
    results = []
    for seed in seeds:
        run_folder = Path(folder) / f"seed{seed}"
        one = replace(config, seed=seed, stop_at_eval=goal)
        with start_run(one, run_folder) as trainer:

            def show(metrics: Mapping[str, float], seed: int = seed) -> None:
                if on_update is not None:
                    on_update(seed, metrics)

            stopped_by = trainer.train(show)
        results.append(learned(seed, read_curve(run_folder), goal))
        if stopped_by is not None:
            raise KeyboardInterrupt
    return results


def read_curve(run_folder: str | Path) -> list[Point]:
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
    """Return a table: a line for each seed, then median and range over the seeds."""
    heads = ("above 0", f"greedy {goal:g}")
    lines = [f"{'seed':>6}" + "".join(f"  {head + ': steps':>18}  seconds" for head in heads)]
    for result in results:
        lines.append(f"{result.seed:>6}{_cells(result.positive)}{_cells(result.winning)}")
    reached = ([r.positive for r in results], [r.winning for r in results])
    for label, pick in (("median", statistics.median), ("min", min), ("max", max)):
        lines.append(f"{label:>6}" + "".join(_picked(points, pick) for points in reached))
    return "\n".join(lines)


def _cells(point: Point | None) -> str:
    if point is None:
        return f"  {'not reached':>18}  {'-':>7}"
    return f"  {point.steps:>18,}  {point.seconds:>7.0f}"


def _picked(points: Sequence[Point | None], pick: Callable[[list[float]], float]) -> str:
    """Return a statistic of steps and of seconds; a run that did not get there is beyond all."""
    steps = pick([inf if point is None else point.steps for point in points])
    seconds = pick([inf if point is None else point.seconds for point in points])
    if steps == inf:
        return _cells(None)
    return f"  {steps:>18,.0f}  {seconds:>7.0f}"


def write_curves(results: Sequence[Learned], path: Path) -> None:
    """Write all curves as one CSV file with the columns of `CURVE`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CURVE)
        for result in results:
            for p in result.curve:
                greedy = "" if p.greedy is None else p.greedy
                seconds, mean_return = round(p.seconds, 2), round(p.mean_return, 3)
                writer.writerow([result.seed, p.steps, seconds, mean_return, greedy])


def plot_curves(results: Sequence[Learned], path: Path, *, title: str, goal: float) -> None:
    """Draw return against seconds: a line for each seed, a dot for each greedy evaluation.

    Raises:
        ConfigError: Matplotlib, of the extra `plot`, is not installed, or nothing can be written.
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
        draw_line(axes, line, f"C{number % 10}")
    mark_height(axes, 0)
    mark_height(axes, goal, dashed=True)
    axes.set(
        title=title,
        xlabel="seconds of training (evaluations not counted)",
        ylabel="return: last 30 games (line), greedy (dots)",
        ylim=(-21.5, 21.5),
    )
    axes.legend(loc="lower right")
    save_figure(figure, path)
