"""Where a training second goes, in the driver and in each worker.

In a worker's calls clocks run around the environment's steps, the reading and reducing of screens
and the network. What the interaction loop does besides, sampling actions and keeping trajectories,
is "loop"; the taking up and putting down of games and weights is transport. Between calls the
worker's CPU time is Ray's and counts as transport; the rest is waiting. In the driver clocks run
around learning and around collecting, whose CPU time, of submitting, receiving and unpacking, is
transport, the rest waiting. What no clock has seen is "other". The parts of each process add up to
the wall-clock.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pong_agent.benchmarks.instruments import Work, read_work, replaced, timed_worker
from pong_agent.benchmarks.tables import table, write_table
from pong_agent.benchmarks.throughput import Window
from pong_agent.training import batches
from pong_agent.training.config import TrainConfig
from pong_agent.training.trainer import start_run

PARTS = ("emulator", "pixels", "inference", "loop", "transport", "learner", "waiting", "other")


@dataclass(frozen=True)
class Breakdown:
    """The parts of a stretch of training.

    Attributes:
        seconds: its wall-clock.
        steps: agent steps in it.
        processes: "driver", "worker 0", ... -> part -> seconds; each process's add up to `seconds`.
    """

    seconds: float
    steps: int
    processes: dict[str, dict[str, float]]


class _Driver:
    """Records when the driver learned, and when and at what cost it collected."""

    def __init__(self) -> None:
        # (part, started, ended, CPU seconds in between)
        self.calls: list[tuple[str, float, float, float]] = []

    def around(self, part: str, call: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started, cpu = time.perf_counter(), time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                cpu = time.process_time() - cpu
                self.calls.append((part, started, time.perf_counter(), cpu))

        return timed

    def parts(self, started: float, ended: float) -> dict[str, float]:
        """Return the parts of a stretch of time."""
        parts: dict[str, float] = defaultdict(float)
        for part, begin, end, cpu in self.calls:
            share = _share(begin, end, started, ended)
            spent = share * (end - begin)
            if part == "learner":
                parts[part] += spent
            else:
                busy = min(share * cpu, spent)
                parts["transport"] += busy
                parts["waiting"] += spent - busy
        return _complete(parts, ended - started)


def measure_breakdown(config: TrainConfig, seconds: float) -> Breakdown:
    """Train with clocks in the driver and in its Ray workers.

    Args:
        config: the run, with one worker or more.
        seconds: how long to measure at least, after some updates.
    """
    driver = _Driver()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        notes = Path(folder, "notes")
        notes.mkdir()
        timed = driver.around("collect", batches.GameBatches.collect)
        stack.enter_context(replaced(batches.GameBatches, "collect", timed))
        run = start_run(config, Path(folder, "run"), worker_class=timed_worker(notes))
        trainer = stack.enter_context(run)
        agent: Any = trainer.agent
        agent.learn_from_batch = driver.around("learner", agent.learn_from_batch)
        window = Window(seconds).measure(trainer)
        work = read_work(notes)
    processes = {"driver": driver.parts(window.started, window.ended)}
    for number, calls in enumerate(work.values()):
        processes[f"worker {number}"] = worker_parts(calls, window.started, window.ended)
    return Breakdown(window.ended - window.started, window.steps, processes)


def worker_parts(calls: Sequence[Work], started: float, ended: float) -> dict[str, float]:
    """Return the parts of a stretch of time in one worker.

    A call or a pause that reaches out of it counts with its share.
    """
    parts: dict[str, float] = defaultdict(float)
    for work in calls:
        share = _share(work.started, work.ended, started, ended)
        for part, spent in work.parts.items():
            parts[part] += share * spent
        parts["other"] += share * (work.ended - work.started - sum(work.parts.values()))
    pauses = [
        (one.ended, other.started, other.cpu_started - one.cpu_ended)
        for one, other in pairwise(calls)
    ]
    for begin, end, cpu in pauses:
        share = _share(begin, end, started, ended)
        busy = share * min(cpu, end - begin)
        parts["transport"] += busy
        parts["waiting"] += share * (end - begin) - busy
    # Before the first call and after the last one.
    seen = sum(parts.values())
    parts["waiting"] += ended - started - seen
    return _complete(parts, ended - started)


def _share(begin: float, end: float, started: float, ended: float) -> float:
    """Return which share of a call lies between `started` and `ended`."""
    if end <= begin:
        return 0.0
    return max(min(end, ended) - max(begin, started), 0.0) / (end - begin)


def _complete(parts: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Return all parts in their order, with what is missing of the seconds as "other"."""
    missing = seconds - sum(parts.values())
    return {part: parts.get(part, 0.0) + (missing if part == "other" else 0.0) for part in PARTS}


def breakdown_table(result: Breakdown) -> str:
    """Return a line for each part: share of all processes' time, of the driver's, of the workers'.

    The last but one column is the part's time per agent step, in all processes together.
    """
    names = list(result.processes)
    everything = result.seconds * len(names)
    heads = ("part", "share", "us/step", *names)
    rows = []
    for part in (*PARTS, "sum"):
        each = [
            sum(parts.values()) if part == "sum" else parts[part]
            for parts in result.processes.values()
        ]
        rows.append(
            (
                part,
                f"{sum(each) / everything:.1%}",
                f"{1e6 * sum(each) / result.steps:.1f}",
                *(f"{seconds / result.seconds:.1%}" for seconds in each),
            )
        )
    return table(heads, rows)


def write_breakdown(result: Breakdown, path: Path) -> None:
    """Write a row for each process and part as CSV."""
    rows = [
        (process, part, seconds, seconds / result.seconds, 1e6 * seconds / result.steps)
        for process, parts in result.processes.items()
        for part, seconds in parts.items()
    ]
    write_table(path, ("process", "part", "seconds", "share", "us_per_step"), rows)
