"""`pong-agent chaos`."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import numpy as np

from faults import disk, driver, files, listeners, memory, nodes, workers
from faults.report import Report
from pong_agent.errors import ConfigError

Fault = Literal[
    "workers", "hang", "nodes", "driver", "signals", "recording", "disk", "files", "listeners",
    "memory",
]  # fmt: skip


@dataclass(frozen=True)
class Chaos:
    """Put faults into real training and recording, and count whether nothing is lost.

    Workers, nodes and the training process are killed, or hang; disks are full, files are damaged
    or hostile. Prints a line for each kind of fault, and one for each that did not end as it must;
    the exit code is then 1.
    """

    only: tuple[Fault, ...] = ()
    """Kinds of faults; by default all but memory, which takes --minutes."""

    quick: bool = False
    """A tenth of the faults."""

    seed: int = 0
    """Seed of what is hit, and when."""

    minutes: float = 60.0
    """Minutes of training in which memory is watched."""

    def run(self) -> int:
        """Run the experiments one after the other, and return the exit code."""
        known = self._experiments()
        chosen: tuple[str, ...] = self.only or tuple(name for name in known if name != "memory")
        unknown = set(chosen) - set(known)
        if unknown:
            raise ConfigError(f"only: expected some of {list(known)}, found {sorted(unknown)}")
        failed = 0
        for name in chosen:
            began = time.monotonic()
            with TemporaryDirectory() as folder:
                report = known[name](Path(folder))
            print(f"{report}\n  took {time.monotonic() - began:.0f} s", flush=True)
            failed += bool(report.failures)
        return 1 if failed else 0

    def _experiments(self) -> dict[str, Callable[[Path], Report]]:
        few, seed = self.quick, self.seed
        experiments: dict[str, Callable[[Path], Report]] = {
            "workers": lambda folder: workers.kill_workers(
                folder, updates=50, kills=4 if few else 20, n_workers=4, seed=seed
            ),
            "hang": lambda folder: workers.hang_worker(folder, deadline=4.0, n_workers=4),
            "nodes": lambda folder: nodes.lose_node(folder, updates=20 if few else 60),
            "driver": lambda folder: driver.kill_driver(
                folder,
                updates=20 if few else 60,
                kills=2 if few else 20,
                workers=0 if few else 2,
                seed=seed,
            ),
            "signals": lambda folder: driver.stop_driver(
                folder,
                updates=40 if few else 200,
                stops=2 if few else 10,
                workers=0 if few else 2,
                seed=seed,
            ),
            "recording": lambda folder: driver.stop_recording(
                folder, stops=4 if few else 20, seed=seed
            ),
            "disk": lambda folder: _together(
                disk.fill_while_saving(folder / "saving", tries=20 if few else 200),
                disk.fill_while_training(folder / "training", tries=3 if few else 12),
            ),
            "files": lambda folder: _together(
                files.hostile_files(folder, 640 if few else 10_000, seed),
                files.truncate(folder, lambda n: iter(range(0, n, 97 if few else 1))),
                files.flip_bits(folder, self._bits),
            ),
            "listeners": listeners.look_for_listeners,
            "memory": lambda folder: memory.watch_memory(folder, minutes=self.minutes, n_workers=2),
        }
        assert set(experiments) == set(get_args(Fault))  # noqa: S101  # a slip of ours
        return experiments

    def _bits(self, number: int) -> Iterator[int]:
        if not self.quick:
            return iter(range(number))
        generator = np.random.default_rng(self.seed)
        return iter(generator.choice(number, size=2000, replace=False).tolist())


def _together(*reports: Report) -> Report:
    """Return several reports as one."""
    first, *others = reports
    for other in others:
        first.name += f", {other.name} ({other.as_required} of {other.faults})"
        first.faults += other.faults
        first.as_required += other.as_required
        first.failures += other.failures
        first.recoveries += other.recoveries
        first.remarks += other.remarks
    return first
