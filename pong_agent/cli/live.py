"""Live display of a training run on a terminal: main metrics, a curve and a progress bar."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf, isfinite, nan
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pong_agent.training.trainer import Trainer

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 96  # columns; wider lines are hard to read
_TWO_COLUMNS = 76  # columns from which two metrics share a line
_SHORTEST_BAR = 24  # columns; the text of a shorter bar goes below it
_RETURN_LIMITS = {"stop_at_return": "return {}", "stop_at_eval": "evaluation {}"}
_REFRESHES = 4  # per second; each takes about 2 ms


@dataclass(frozen=True)
class State:
    """The values to show.

    Attributes:
        metrics: the last update's row, empty before the first.
        returns: mean return after each update so far.
        best_evaluation: highest mean return of a greedy evaluation, -inf before the first.
        evaluation: that of the newest one, NaN before the first.
        done: progress to the nearest limit, 0 to 1.
        limit: the limit, e.g. "10 minutes".
        elapsed: seconds since the command began.
        remaining: estimated seconds left, NaN if unknown.
    """

    metrics: Mapping[str, float]
    returns: Sequence[float] = ()
    best_evaluation: float = -inf
    evaluation: float = nan
    done: float = 0.0
    limit: str = ""
    elapsed: float = 0.0
    remaining: float = nan


class LiveDisplay:
    """Shows a trainer's updates in place on a terminal; the last state stays there.

    Args:
        trainer: the trainer of the run.
        console: where to draw; by default standard output.

    Example:
        with LiveDisplay(trainer) as display:
            trainer.train(display.show)
    """

    def __init__(self, trainer: Trainer, console: Console | None = None) -> None:
        self._trainer = trainer
        rows = trainer.run_folder.read_metrics()  # of a resumed run
        self._returns = [_number(row["rollout/ep_rew_mean"]) for row in rows]
        evaluations = [_number(row["eval/mean_reward"]) for row in rows]
        evaluations = [value for value in evaluations if isfinite(value)]
        self._began, (self._done_before, limit) = time.monotonic(), trainer.nearest_limit()
        self._state = State(
            {},
            returns=tuple(self._returns),
            best_evaluation=max(evaluations, default=-inf),
            evaluation=evaluations[-1] if evaluations else nan,
            done=self._done_before,
            limit=self._limit(limit),
        )
        self._console = console or Console()
        self._live = Live(console=self._console, get_renderable=self._render, auto_refresh=False)
        # Rich does not wait for its own thread. One that outlives the main thread keeps the
        # trainer's emulators alive, which then print warnings.
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._redraw, daemon=True)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._live.stop()

    def _redraw(self) -> None:
        while not self._ended.wait(1 / _REFRESHES):
            self._live.refresh()

    def show(self, metrics: Mapping[str, float]) -> None:
        """Take an update's row, which another thread draws within a quarter of a second."""
        self._returns.append(metrics["rollout/ep_rew_mean"])
        done, limit = self._trainer.nearest_limit()
        evaluation = metrics.get("eval/mean_reward", self._state.evaluation)
        seen = [value for value in (self._state.best_evaluation, evaluation) if value == value]
        seconds = time.monotonic() - self._began
        gained = done - self._done_before
        self._state = State(  # replaced, not changed, because the other thread reads it
            metrics,
            returns=tuple(self._returns),
            best_evaluation=max(seen),
            evaluation=evaluation,
            done=done,
            limit=self._limit(limit),
            remaining=seconds / gained * (1 - done) if gained > 0 else nan,
        )

    def _limit(self, name: str) -> str:
        value = f"{getattr(self._trainer.config, name):,}".removesuffix(".0")
        return _RETURN_LIMITS[name].format(value) if name in _RETURN_LIMITS else f"{value} {name}"

    def _render(self) -> RenderableType:
        state = replace(self._state, elapsed=time.monotonic() - self._began)
        width = min(self._console.width, _WIDEST)
        return view(state, width, ascii_only=self._console.options.ascii_only)


def view(state: State, width: int, *, ascii_only: bool = False) -> RenderableType:
    """Return the display.

    Args:
        state: the values to show.
        width: columns to use.
        ascii_only: whether the terminal shows only ASCII characters.
    """
    parts: list[RenderableType] = [_table(state, two_columns=width >= _TWO_COLUMNS)]
    finite = [value for value in state.returns if isfinite(value)]
    if finite and not ascii_only:
        low, high = f"{min(finite):+.1f} ", f" {max(finite):+.1f}"
        line = sparkline(finite, max(width - len("return ") - len(low) - len(high), 0))
        parts.append(
            Text.assemble(("return ", "dim"), low, (line, "cyan"), high, no_wrap=True, end="")
        )
    parts += _bar(state, width)
    grid = Table.grid()
    grid.add_column(width=width)
    for part in parts:
        grid.add_row(part)
    return grid


def _table(state: State, *, two_columns: bool) -> Table:
    cells = _cells(state)
    grid = Table.grid(padding=(0, 1, 0, 0))
    per_row = 2 if two_columns else 1
    for _ in range(per_row):
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(justify="right", min_width=10, no_wrap=True)
        grid.add_column(style="dim", min_width=12 if two_columns else None, no_wrap=True)
    for first in range(0, len(cells), per_row):
        grid.add_row(*(text for cell in cells[first : first + per_row] for text in cell))
    return grid


def _cells(state: State) -> list[tuple[str, str, str]]:
    """Return label, value and remark of each metric with a value."""
    best = max((value for value in state.returns if isfinite(value)), default=nan)
    metrics = dict(state.metrics)
    if "train/entropy_loss" in metrics:
        metrics["entropy"] = -metrics["train/entropy_loss"]
    metrics["evaluation"] = state.evaluation
    speed = f"{metrics['time/fps']:,.0f}/s" if "time/fps" in metrics else ""
    shown = (
        ("return", "rollout/ep_rew_mean", "+.2f", _best(best)),
        ("evaluation", "evaluation", "+.2f", _best(state.best_evaluation)),
        ("steps", "time/total_timesteps", ",.0f", speed),
        ("episodes", "rollout/episodes", ",.0f", ""),
        ("episode length", "rollout/ep_len_mean", ",.0f", "steps"),
        ("entropy", "entropy", ".3f", "nats"),
        ("step size", "train/learning_rate", ".1e", ""),
        ("approx_kl", "train/approx_kl", ".4f", "nats"),
        ("explained var.", "train/explained_variance", ".2f", ""),
        ("clip fraction", "train/clip_fraction", ".2f", ""),
    )
    always = ("return", "steps")
    return [
        (label, format(value, form) if isfinite(value) else "-", remark)
        for label, name, form, remark in shown
        if isfinite(value := metrics.get(name, nan)) or label in always
    ]


def _best(value: float) -> str:
    return f"best {value:+.2f}" if isfinite(value) else ""


def _bar(state: State, width: int) -> list[RenderableType]:
    """Return the bar and its times, on a line of their own if the terminal is narrow."""
    times = f"{_clock(state.elapsed)} elapsed"
    if isfinite(state.remaining) and state.done < 1:
        times += f", {_clock(state.remaining)} left"
    text = Text(f"{state.done:.0%} of {state.limit}, {times}")
    beside = width - text.cell_len - 1
    below = beside < _SHORTEST_BAR
    bar = ProgressBar(
        total=1.0,
        completed=state.done,
        width=width if below else beside,
        complete_style="cyan",
        finished_style="cyan",
    )
    if below:
        return [bar, text]
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(bar, text)
    return [grid]


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def sparkline(values: Sequence[float], width: int) -> str:
    """Draw numbers as blocks of eight heights; each column is the mean of its share of them.

    Args:
        values: finite returns, oldest first. The full height is at least one point, so that
            noise stays flat.
        width: most columns.

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


def _number(text: str) -> float:
    return float(text.strip() or "nan")
