"""Growth of memory during training."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from faults.report import Report
from faults.workers import worker_processes
from pong_agent.training.config import TrainConfig
from pong_agent.training.start import start_run

_MEGABYTE = 2**20
_SECONDS_BETWEEN = 5.0
_STEEPEST = 1.0  # MB per minute


def watch_memory(folder: Path, *, minutes: float, n_workers: int) -> Report:
    """Train and record the memory of driver, workers and object store.

    The first third is warm-up. A straight line is fitted to each process's resident memory in the
    rest; it must grow by less than 1 MB a minute.

    Args:
        folder: for the run folder.
        minutes: duration of training.
        n_workers: Ray workers.
    """
    report = Report(f"{minutes:g} minutes of training")
    seconds: list[float] = []
    megabytes: dict[str, list[float]] = {}
    config = TrainConfig(minutes=minutes, workers=n_workers)
    with start_run(config, folder / "run") as trainer:
        began = time.monotonic()

        def note(metrics: Mapping[str, float]) -> None:
            del metrics
            now = time.monotonic() - began
            if seconds and now < seconds[-1] + _SECONDS_BETWEEN:
                return
            seconds.append(now)
            sizes = {"driver": _resident(os.getpid())}
            for number, process in enumerate(sorted(worker_processes())):
                sizes[f"worker {number}"] = _resident(process)
            for name, size in sizes.items():
                megabytes.setdefault(name, []).append(size)

        trainer.train(note)
        spilled = _spilled()
    first = len(seconds) // 3
    for name, sizes in megabytes.items():
        times = np.array(seconds[-len(sizes) :])[first:] / 60
        slope = float(np.polyfit(times, sizes[first:], 1)[0])
        report.count(None if slope < _STEEPEST else f"{name} grows by {slope:.2f} MB/min")
        report.remarks.append(
            f"{name}: {sizes[first]:.0f} MB after {seconds[first] / 60:.1f} min, {sizes[-1]:.0f} "
            f"at the end, {slope:+.2f} MB/min"
        )
    report.count(None if not spilled else f"the object store spilled: {spilled}")
    report.remarks.append(f"{trainer.agent.progress.updates} updates, nothing spilled")
    return report


def _resident(process: int) -> float:
    """Return the resident memory of a process in MB, without shared memory."""
    pages = (Path("/proc") / str(process) / "statm").read_text().split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def _spilled() -> list[str]:
    """Return the files that the object store has spilled to disk."""
    from ray._private import worker

    node: Any = worker.global_worker.node
    session = Path(node.get_session_dir_path())
    return [str(path) for path in session.glob("ray_spilled_objects*/**/*") if path.is_file()]
