"""Ray workers that are killed, or that hang, while training goes on."""

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
from pong_agent.training.trainer import Trainer, start_run

# Training as always, but with little of everything, so that faults come thick and fast.
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


def calm_run(updates: int, folder: Path) -> PongAgent:
    """Train in this process, undisturbed; return the agent."""
    with start_run(small_run(updates, workers=0), folder) as trainer:
        trainer.train()
        return trainer.agent


def difference(agent: PongAgent, calm: PongAgent) -> str | None:
    """Return in what an agent is not, bit for bit, the calm one; None where it is."""
    if agent.progress != calm.progress:
        return f"progress: {agent.progress} instead of {calm.progress}"
    for name, array in calm.parameters.items():
        if not np.array_equal(agent.parameters[name], array):
            return f"{name} has other weights"
    return None


def worker_processes() -> list[int]:
    """Return the process ids of the Ray workers that this process has started, and no others."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            is_worker = (folder / "cmdline").read_text().startswith(_PROCESS_NAME)
            if is_worker and os.getpid() in _ancestors(int(folder.name)):
                found.append(int(folder.name))
        except (OSError, ValueError):  # no process, or one that has just ended
            continue
    return found


def _ancestors(process: int) -> list[int]:
    """Return a process's parent, the parent's parent and so on."""
    found: list[int] = []
    while process > 1:
        # pid (name) state parent: the name may hold anything, blanks and parentheses too.
        stat = Path("/proc", str(process), "stat").read_text()
        process = int(stat.rpartition(")")[2].split()[1])
        found.append(process)
    return found


def kill_workers(folder: Path, *, updates: int, kills: int, n_workers: int, seed: int) -> Report:
    """Kill random workers at random moments of a run, by SIGKILL.

    Args:
        folder: for the run folders.
        updates: of the run.
        kills: how many.
        n_workers: Ray workers.
        seed: of the generator that chooses.
    """
    report = Report(f"{kills} workers killed in {updates} updates of {n_workers} workers")
    calm = calm_run(updates, folder / "calm")
    generator = np.random.default_rng(seed)
    # Each kill comes at a random moment after the beginning of a random update.
    due = sorted(generator.uniform(1, updates - 1, size=kills).tolist())
    killed: list[float] = []
    with start_run(small_run(updates, workers=n_workers), folder / "hit") as trainer:
        losses = _losses(trainer)
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
        wrong = difference(trainer.agent, calm)
        lost = losses()
    for _ in killed:
        report.count(wrong)
    if len(killed) < kills:
        report.failures.append(f"only {len(killed)} could be killed")
    report.remarks.append(f"{lost} work items were lost on the way and played again")
    return report


def _note(ends: list[float], last: int, due: list[float]) -> None:
    """Note the end of an update; wait before the last one until all faults have been put in."""
    ends.append(time.monotonic())
    while len(ends) == last - 1 and due:
        time.sleep(0.01)


def _losses(trainer: Trainer) -> Callable[[], int]:
    collector: Any = trainer._collector
    return lambda: int(collector.pool.losses)


def hang_worker(folder: Path, *, deadline: float, n_workers: int) -> Report:
    """Stop one worker's process in the middle of a run, as if it hung, by SIGSTOP.

    Args:
        folder: for the run folders.
        deadline: seconds after which a unit is taken from its worker.
        n_workers: Ray workers.
    """
    updates = 8
    report = Report(f"one of {n_workers} workers hangs, deadline {deadline:g} s")
    calm = calm_run(updates, folder / "calm")
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
        wrong = difference(trainer.agent, calm)
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
