"""The command line of the fault experiments."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import numpy as np
import tyro

from faults import disk, driver, files, listeners, memory, nodes, workers
from faults.report import Report
from pong_agent.cli.program import exit_code, parse

Fault = Literal[
    "workers", "hang", "nodes", "driver", "signals", "recording", "disk", "files", "listeners",
    "memory",
]  # fmt: skip


@dataclass(frozen=True)
class Faults:
    """Inject faults into real training and recording, and count what survives.

    Kills workers, nodes and the training process, stops workers, fills disks, damages files and
    makes hostile ones. Prints a line for each kind of fault and one for each fault that did not end
    as required; the exit code is then 1.
    """

    names: tyro.conf.Positional[tuple[Fault, ...]] = ()
    """Kinds of faults; default all but memory, which takes --minutes."""

    quick: bool = False
    """A tenth of the faults."""

    seed: int = 0
    """Seed of the targets and moments."""

    minutes: float = 60.0
    """Minutes of training for memory."""

    def run(self) -> int:
        """Run the experiments in sequence and return the exit code."""
        known = self._experiments()
        failed = False
        for name in self.names or tuple(known)[:-1]:
            began = time.monotonic()
            with TemporaryDirectory() as folder:
                report = known[name](Path(folder))
            print(f"{report}\n  took {time.monotonic() - began:.0f} s", flush=True)
            failed |= bool(report.failures)
        return int(failed)

    def _experiments(self) -> dict[Fault, Callable[[Path], Report]]:
        """Return the experiments in the order of `Fault`."""
        few, seed = self.quick, self.seed
        n_workers = 0 if few else 2
        experiments: tuple[Callable[[Path], Report], ...] = (
            lambda folder: workers.kill_workers(
                folder, updates=50, kills=4 if few else 20, n_workers=4, seed=seed
            ),
            lambda folder: workers.hang_worker(folder, deadline=4.0, n_workers=4),
            lambda folder: nodes.lose_node(folder, updates=20 if few else 60),
            lambda folder: driver.kill_driver(
                folder,
                updates=20 if few else 60,
                kills=2 if few else 20,
                n_workers=n_workers,
                seed=seed,
            ),
            lambda folder: driver.stop_driver(
                folder,
                updates=40 if few else 200,
                stops=2 if few else 10,
                n_workers=n_workers,
                seed=seed,
            ),
            lambda folder: driver.stop_recording(folder, stops=4 if few else 20, seed=seed),
            lambda folder: Report.together(
                disk.fill_while_saving(folder / "saving", tries=20 if few else 200),
                disk.fill_while_training(folder / "training", tries=3 if few else 12),
            ),
            lambda folder: Report.together(
                files.hostile_files(folder, 640 if few else 10_000, seed),
                files.truncate(folder, lambda n: iter(range(0, n, 97 if few else 1))),
                files.flip_bits(folder, self._bits),
            ),
            listeners.look_for_listeners,
            lambda folder: memory.watch_memory(folder, minutes=self.minutes, n_workers=2),
        )
        return dict(zip(get_args(Fault), experiments, strict=True))

    def _bits(self, number: int) -> Iterator[int]:
        if not self.quick:
            return iter(range(number))
        generator = np.random.default_rng(self.seed)
        return iter(generator.choice(number, size=2000, replace=False).tolist())


def main(args: Sequence[str] | None = None) -> int:
    """Run the experiments and return the exit code.

    Args:
        args: the command line without the program's name; default `sys.argv[1:]`.
    """
    return exit_code(lambda: parse(Faults, args, prog="python scripts/faults").run())
