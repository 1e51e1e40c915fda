"""Where a training second goes, in the driver and in each worker.

The parts of each process add up to the wall-clock:

- emulator: steps and resets of environments, their screens included
- pixels: screens reduced to lit pixels
- network: probabilities and choice of actions
- loop: the rest of the interaction loop
- transport: restoring and saving emulators in a worker's call, its process's CPU time between
  calls, and the driver's CPU time while it collects
- learner: learning from a batch
- waiting: the rest
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.instruments import Call, read_calls, timed_worker
from benchmarks.tables import write_table
from benchmarks.throughput import WARM_UP
from pong_agent.agent import PongAgent
from pong_agent.cli.output import table
from pong_agent.config import AgentConfig
from pong_agent.training.batches import GameBatches
from pong_agent.training.ray_collector import RayCollector

PARTS = ("emulator", "pixels", "network", "loop", "transport", "learner", "waiting")


@dataclass(frozen=True)
class Breakdown:
    """The parts of a stretch of training.

    Attributes:
        seconds: its wall-clock duration.
        steps: agent steps in it.
        processes: "driver", "worker 0", ... -> part -> seconds; each process's add up to `seconds`.
    """

    seconds: float
    steps: int
    processes: dict[str, dict[str, float]]


def measure_breakdown(config: AgentConfig, n_workers: int, seconds: float) -> Breakdown:
    """Collect and learn as the trainer does, timing the driver's calls and those in its workers.

    Args:
        config: the preset's values.
        n_workers: Ray workers.
        seconds: least duration of the measurement, which starts after some updates.
    """
    driver: dict[str, float] = defaultdict(float)
    steps, updates, started = 0, 0, time.perf_counter()
    with TemporaryDirectory() as folder:
        collector = RayCollector(config, n_workers, worker_class=timed_worker(Path(folder)))
        try:
            agent, source = PongAgent(config), GameBatches(collector, config)
            while updates <= WARM_UP or time.perf_counter() - started < seconds:
                if updates == WARM_UP:
                    driver.clear()
                    steps, started = 0, time.perf_counter()
                began, cpu = time.perf_counter(), time.process_time()
                batch = source.collect(agent, 0)
                collected = time.perf_counter()
                busy = min(time.process_time() - cpu, collected - began)
                agent.learn_from_batch(batch)
                source.advance()
                driver["transport"] += busy
                driver["waiting"] += collected - began - busy
                driver["learner"] += time.perf_counter() - collected
                steps += batch.n_steps
                updates += 1
            ended = time.perf_counter()
        finally:
            collector.close()
        calls = read_calls(Path(folder))
    driver["waiting"] += ended - started - sum(driver.values())
    processes = {"driver": _complete(driver)}
    for number, each in enumerate(calls):
        processes[f"worker {number}"] = worker_parts(each, started, ended)
    return Breakdown(ended - started, steps, processes)


def worker_parts(calls: Sequence[Call], started: float, ended: float) -> dict[str, float]:
    """Return the parts of a stretch of time in one worker.

    A call or a pause that lies partly outside counts with its share.
    """
    parts: dict[str, float] = defaultdict(float)
    for call in calls:
        share = _share(call.started, call.ended, started, ended)
        for part, spent in call.parts.items():
            parts[part] += share * spent
    for one, following in pairwise(calls):
        begin, end = one.ended, following.started
        busy = min(following.cpu_started - one.cpu_ended, end - begin)
        parts["transport"] += _share(begin, end, started, ended) * busy
    parts["waiting"] = ended - started - sum(parts.values())
    return _complete(parts)


def _share(begin: float, end: float, started: float, ended: float) -> float:
    """Return the share of the time from `begin` to `end` that lies between `started` and `ended`.

    Example:
        >>> _share(0.0, 4.0, started=3.0, ended=9.0)
        0.25
    """
    if end <= begin:
        return 0.0
    return max(min(end, ended) - max(begin, started), 0.0) / (end - begin)


def _complete(parts: Mapping[str, float]) -> dict[str, float]:
    return {part: parts.get(part, 0.0) for part in PARTS}


def breakdown_table(result: Breakdown) -> str:
    """Return a row for each part: share and time per agent step over all processes, then each's."""
    everything = result.seconds * len(result.processes)
    rows = []
    for part in (*PARTS, "sum"):
        names = PARTS if part == "sum" else (part,)
        each = [sum(parts[name] for name in names) for parts in result.processes.values()]
        shares = [f"{seconds / result.seconds:.1%}" for seconds in each]
        per_step = f"{1e6 * sum(each) / result.steps:.1f}"
        rows.append((part, f"{sum(each) / everything:.1%}", per_step, *shares))
    return table(("<part", "share", "us/step", *result.processes), rows)


def write_breakdown(result: Breakdown, path: Path) -> None:
    """Write a row for each process and part as CSV."""
    rows = [
        (process, part, seconds, seconds / result.seconds, 1e6 * seconds / result.steps)
        for process, parts in result.processes.items()
        for part, seconds in parts.items()
    ]
    write_table(path, ("process", "part", "seconds", "share", "us_per_step"), rows)
