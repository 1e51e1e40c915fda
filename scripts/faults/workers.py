"""Ray workers that are killed or hang during training."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from faults.report import Report
from pong_agent.agent import PongAgent
from pong_agent.training.config import TrainConfig
from pong_agent.training.start import start_run

# Tiny updates, so that many faults fit into a short time.
SMALL = (
    "n_envs:8",
    "fragment_steps:24",
    "final_fragment_steps:24",
    "epochs:1",
    "minibatches:1",
    "hidden_units:20",
)
_PROCESS_NAME = "ray::RolloutWorker"


def small_run(updates: int, **options: Any) -> TrainConfig:
    """Return a short run of preset `ppo`."""
    return TrainConfig(hyperparams=SMALL, updates=updates, minutes=1e6, **options)


def undisturbed_run(updates: int, folder: Path) -> PongAgent:
    """Train in this process without faults; return the agent."""
    with start_run(small_run(updates, workers=0), folder) as trainer:
        trainer.train()
        return trainer.agent


def difference(agent: PongAgent, undisturbed: PongAgent) -> str | None:
    """Return the first difference from the undisturbed agent, None if they are equal."""
    if agent.progress != undisturbed.progress:
        return f"progress: {agent.progress} instead of {undisturbed.progress}"
    for name, array in undisturbed.parameters.items():
        if not np.array_equal(agent.parameters[name], array):
            return f"{name} has other weights"
    return None


def worker_processes() -> list[int]:
    """Return the process ids of the Ray workers that this process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            is_worker = (folder / "cmdline").read_text().startswith(_PROCESS_NAME)
            if is_worker and os.getpid() in _ancestors(int(folder.name)):
                found.append(int(folder.name))
        except (OSError, ValueError):  # not a process, or one that has just ended
            continue
    return found


def _ancestors(process: int) -> list[int]:
    """Return the parent of a process, its parent and so on."""
    found: list[int] = []
    while process > 1:
        # pid (name) state parent ...; the name may contain blanks and parentheses.
        stat = Path("/proc", str(process), "stat").read_text()
        process = int(stat.rpartition(")")[2].split()[1])
        found.append(process)
    return found


def kill_workers(folder: Path, *, updates: int, kills: int, n_workers: int, seed: int) -> Report:
    """Kill random workers at random moments of a run, by SIGKILL.

    Args:
        folder: for the run folders.
        updates: updates of the run.
        kills: number of kills.
        n_workers: Ray workers.
        seed: seed of the targets and moments.
    """
    report = Report(f"{kills} workers killed in {updates} updates of {n_workers} workers")
    undisturbed = undisturbed_run(updates, folder / "undisturbed")
    generator = np.random.default_rng(seed)
    # Each kill comes at a random moment after the start of a random update.
    due = sorted(generator.uniform(1, updates - 1, size=kills).tolist())
    killed: list[float] = []
    with start_run(small_run(updates, workers=n_workers), folder / "hit") as trainer:
        collector: Any = trainer._collector
        finished = threading.Event()

        def kill() -> None:
            while due and not finished.wait(generator.uniform(0.0, 0.1)):
                processes = worker_processes()
                if due[0] <= trainer.agent.progress.updates + 1 and processes:
                    os.kill(int(generator.choice(processes)), signal.SIGKILL)
                    killed.append(time.monotonic())
                    due.pop(0)

        killer = threading.Thread(target=kill)
        killer.start()
        ends: list[float] = []
        trainer.train(lambda _: _note(ends, last=updates, due=due))
        finished.set()
        killer.join()
        for moment in killed:
            report.recoveries.append(min(end for end in [*ends, np.inf] if end >= moment) - moment)
        wrong = difference(trainer.agent, undisturbed)
        lost = collector.losses
    for _ in killed:
        report.count(wrong)
    if len(killed) < kills:
        report.failures.append(f"only {len(killed)} workers could be killed")
    report.remarks.append(f"{lost} work items were lost and played again")
    return report


def _note(ends: list[float], last: int, due: list[float]) -> None:
    """Record the end of an update; before the last one wait until all faults were injected."""
    ends.append(time.monotonic())
    while len(ends) == last - 1 and due:
        time.sleep(0.01)


def hang_worker(folder: Path, *, deadline: float, n_workers: int) -> Report:
    """Stop one worker's process by SIGSTOP, as if it hung.

    Args:
        folder: for the run folders.
        deadline: seconds after which a work item is taken from its worker.
        n_workers: Ray workers.
    """
    updates = 8
    report = Report(f"one of {n_workers} workers hangs, deadline {deadline:g} s")
    undisturbed = undisturbed_run(updates, folder / "undisturbed")
    config = small_run(updates, workers=n_workers, work_timeout=deadline)
    with start_run(config, folder / "hit") as trainer:
        longest = 0.0
        stopped: list[int] = []

        def stop_one(metrics: Mapping[str, float]) -> None:
            nonlocal longest
            longest = max(longest, metrics["time/update_seconds"] if stopped else 0.0)
            if metrics["time/iterations"] == 4:
                stopped.append(worker_processes()[0])
                os.kill(stopped[0], signal.SIGSTOP)

        trainer.train(stop_one)
        wrong = difference(trainer.agent, undisturbed)
        if wrong is None and longest > deadline + 5:
            wrong = f"the update took {longest:.1f} s"
        gone = _wait_until(lambda: stopped[0] not in worker_processes(), seconds=10)
        if wrong is None and not gone:
            wrong = "the worker is still there"
        report.recoveries.append(longest)
    report.count(wrong)
    return report


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
