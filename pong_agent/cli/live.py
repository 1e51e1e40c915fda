"""Live display of a training run on a terminal: main metrics, a curve and a progress bar."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import isfinite, nan
from typing import Self

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pong_agent.cli.output import counted
from pong_agent.plots.runs import points
from pong_agent.training.config import TrainConfig
from pong_agent.training.trainer import Trainer

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 96  # columns; wider lines are hard to read
_TWO_COLUMNS = 76  # columns from which two metrics share a line
_SHORTEST_BAR = 24  # columns; the text of a shorter bar goes below it
_RETURNS = {"stop_at_return": "return", "stop_at_eval": "evaluation"}
_REFRESHES = 4  # per second; each takes about 2 ms


@dataclass(frozen=True)
class State:
    """The values to show."""

    metrics: Mapping[str, float]  # the last update's row, empty before the first
    returns: Sequence[float] = ()  # mean return after each update, as soon as an episode has ended
    evaluations: Sequence[float] = ()  # mean return of each greedy evaluation
    done: float = 0.0  # progress to the nearest limit, 0 to 1
    limit: str = ""  # the limit, e.g. "10 minutes"
    elapsed: float = 0.0  # seconds of training since the start of the run, as in metrics.csv
    remaining: float = nan  # estimated seconds left, NaN if unknown


class LiveDisplay:
    """Shows a trainer's updates in place on a terminal; the last state stays there.

    Example:
        with LiveDisplay(trainer) as display:
            trainer.train(display.show)
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._done_before, limit = trainer.nearest_limit()
        rows = trainer.run_folder.read_metrics()  # of a resumed run
        self._began = time.monotonic()
        self._seconds_before = float(rows[-1]["time/time_elapsed"]) if rows else 0.0
        self._state = State(
            {},
            returns=points(rows, "rollout/ep_rew_mean")[1].tolist(),
            evaluations=points(rows, "eval/mean_reward")[1].tolist(),
            done=self._done_before,
            limit=limit_text(trainer.config, limit),
            elapsed=self._seconds_before,
        )
        self._console = Console()
        self._live = Live(console=self._console, get_renderable=self._render, auto_refresh=False)
        # Rich does not wait for its own thread. One that outlives the main thread keeps the
        # trainer's emulators alive, which then print warnings.
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._redraw, daemon=True)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._live.stop()

    def _redraw(self) -> None:
        while not self._ended.wait(1 / _REFRESHES):
            self._live.refresh()

    def show(self, metrics: Mapping[str, float]) -> None:
        """Take an update's row, which another thread draws within a quarter of a second."""
        done, limit = self._trainer.nearest_limit()
        elapsed, gained = metrics["time/time_elapsed"], done - self._done_before
        rate = (elapsed - self._seconds_before) / gained if gained > 0 else nan
        self._state = State(  # replaced, not changed, because the other thread reads it
            metrics,
            returns=_extended(self._state.returns, metrics["rollout/ep_rew_mean"]),
            evaluations=_extended(self._state.evaluations, metrics.get("eval/mean_reward", nan)),
            done=done,
            limit=limit_text(self._trainer.config, limit),
            elapsed=elapsed,
            remaining=rate * (1 - done),
        )

    def _render(self) -> RenderableType:
        state, waited = self._state, time.monotonic() - self._began
        if not state.metrics:  # the first update waits for the workers to start
            state = replace(state, elapsed=self._seconds_before + waited)
        width = min(self._console.width, _WIDEST)
        return view(state, width, ascii_only=self._console.options.ascii_only)


def limit_text(config: TrainConfig, name: str) -> str:
    """Return a limit of a run in words.

    Example:
        >>> limit_text(TrainConfig(minutes=1), "minutes")
        '1 minute'
    """
    value = getattr(config, name)
    return f"{_RETURNS[name]} {value:g}" if name in _RETURNS else counted(value, name)


def _extended(values: Sequence[float], value: float) -> Sequence[float]:
    return [*values, value] if isfinite(value) else values


def view(state: State, width: int, *, ascii_only: bool = False) -> RenderableType:
    """Return the display for `width` columns of a terminal, which may show only ASCII."""
    parts: list[RenderableType] = [_table(state, per_row=2 if width >= _TWO_COLUMNS else 1)]
    if state.returns and not ascii_only:
        low, high = f"{min(state.returns):+.1f} ", f" {max(state.returns):+.1f}"
        line = sparkline(state.returns, max(width - len("return ") - len(low) - len(high), 0))
        parts.append(Text.assemble(("return ", "dim"), low, (line, "cyan"), high, no_wrap=True))
    return Group(*parts, _bar(state, width))


def _table(state: State, *, per_row: int) -> Table:
    cells = _cells(state)
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in range(per_row):
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(justify="right", min_width=10, no_wrap=True)
        grid.add_column(style="dim", min_width=12 if per_row > 1 else None, no_wrap=True)
    for first in range(0, len(cells), per_row):
        grid.add_row(*(text for cell in cells[first : first + per_row] for text in cell))
    return grid


def _cells(state: State) -> list[tuple[str, str, str]]:
    """Return label, value and remark of each metric with a value."""
    metrics = dict(state.metrics)
    if "train/entropy_loss" in metrics:
        metrics["entropy"] = -metrics["train/entropy_loss"]
    if state.evaluations:
        metrics["eval/mean_reward"] = state.evaluations[-1]
    speed = f"{metrics['time/fps']:,.0f}/s" if "time/fps" in metrics else ""
    shown = (
        ("return", "rollout/ep_rew_mean", "+.2f", _best(state.returns)),
        ("evaluation", "eval/mean_reward", "+.2f", _best(state.evaluations)),
        ("steps", "time/total_timesteps", ",.0f", speed),
        ("episodes", "rollout/episodes", ",.0f", ""),
        ("episode length", "rollout/ep_len_mean", ",.0f", "steps"),
        ("entropy", "entropy", ".3f", "nats"),
        ("step size", "train/learning_rate", ".1e", ""),
        ("approx_kl", "train/approx_kl", ".4f", "nats"),
        ("explained var.", "train/explained_variance", ".2f", ""),
        ("clip fraction", "train/clip_fraction", ".2f", ""),
    )
    return [
        (label, format(value, form) if isfinite(value) else "-", remark)
        for label, name, form, remark in shown
        if isfinite(value := metrics.get(name, nan)) or label in ("return", "steps")
    ]


def _best(values: Sequence[float]) -> str:
    return f"best {max(values):+.2f}" if values else ""


def _bar(state: State, width: int) -> Table:
    """Return the bar and its times, on a line of their own if the terminal is narrow."""
    times = f"{timedelta(seconds=round(state.elapsed))} elapsed"
    if isfinite(state.remaining) and state.done < 1:
        times += f", {timedelta(seconds=round(state.remaining))} left"
    text = Text(f"{state.done:.0%} of {state.limit}, {times}")
    beside = width - text.cell_len - 1
    bar_width = beside if beside >= _SHORTEST_BAR else width
    bar = ProgressBar(1.0, state.done, bar_width, complete_style="cyan", finished_style="cyan")
    grid = Table.grid(padding=(0, 1, 0, 0))
    if bar_width == beside:
        grid.add_row(bar, text)
    else:
        grid.add_row(bar)
        grid.add_row(text)
    return grid


def sparkline(values: Sequence[float], width: int) -> str:
    """Draw returns in at most `width` columns of eight heights, each the mean of its share of them.

    The full height is at least one point, so that noise stays flat.

    Example:
        >>> sparkline([-21, -21, -14, -7, 0, 0], 3)
        '▁▅█'
    """
    if not values or width < 1:
        return ""
    means = [part.mean() for part in np.array_split(np.asarray(values), min(width, len(values)))]
    low = min(means)
    span = max(max(means) - low, 1.0)
    return "".join(_BLOCKS[round((len(_BLOCKS) - 1) * float((m - low) / span))] for m in means)
