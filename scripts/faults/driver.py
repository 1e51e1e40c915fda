"""The process that trains is killed, or told to stop, and the run is gone on with."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.report import Report
from faults.workers import SMALL, calm_run, difference
from pong_agent.agent import PongAgent
from pong_agent.checkpoint import CheckpointError
from pong_agent.training.run_folder import RunError, RunFolder

_START = (sys.executable, "-m", "pong_agent")


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start the command line in a process, and a session, of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell's background jobs ignore SIGINT, and what they start does too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(  # noqa: S603  # our own program
        [*_START, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )


def train_arguments(folder: Path, updates: int, workers: int) -> list[str]:
    """Return the arguments that begin a run, or go on with the one that is there."""
    if (folder / "config.json").exists():
        return ["train", "--resume", str(folder)]
    given = ["--updates", str(updates), "--workers", str(workers), "--checkpoint-every", "2"]
    return ["train", "--run-folder", str(folder), *given, "--hyperparams", *SMALL]


def kill_driver(folder: Path, *, updates: int, kills: int, workers: int, seed: int) -> Report:
    """Kill the process that trains, by SIGKILL at random moments, and go on until the run ends.

    Each time there must be a checkpoint that can be loaded, at most one interval behind.

    Args:
        folder: for the run folders.
        updates: of the run; a checkpoint is written every second one.
        kills: how many.
        workers: Ray workers; 0 for none.
        seed: of the generator that chooses.
    """
    report = Report(f"the process that trains killed {kills} times, {workers} workers")
    calm = calm_run(updates, folder / "calm")
    generator = np.random.default_rng(seed)
    run = folder / "hit"
    for number in range(kills):
        process = start(train_arguments(run, updates, workers))
        # Some kills come while it starts, some once so many more updates have been made.
        wanted = _updates(run) + int(generator.integers(0, max(2, 2 * updates // kills)))
        while process.poll() is None and _updates(run) < min(wanted, updates - 1):
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.3))
        done = _updates(run)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        report.count(_behind(run, done, number))
    began = time.monotonic()
    _finish(report, run, updates, workers, calm)
    report.recoveries.append(time.monotonic() - began)
    return report


def _finish(report: Report, run: Path, updates: int, workers: int, calm: PongAgent) -> None:
    """Go on with a run to its end; unless it ends as the calm one, nothing was as required."""
    process = start(train_arguments(run, updates, workers))
    output, _ = process.communicate(timeout=600)
    wrong = None if process.returncode == 0 else f"resuming failed: {output[-500:]}"
    wrong = wrong or difference(RunFolder.open(run).load_latest(), calm)
    if wrong is not None:
        report.failures.append(wrong)
        report.as_required = 0


def _updates(run: Path) -> int:
    try:
        rows = RunFolder(run).read_metrics()
    except RunError:
        return 0
    return int(rows[-1]["time/iterations"]) if rows else 0


def _behind(run: Path, done: int, number: int) -> str | None:
    """Return what is wrong with what a killed process has left."""
    if not (run / "config.json").exists():
        return None  # it had not begun
    try:
        agent, skipped = RunFolder.open(run).load_newest_whole(lambda *_: None)
    except (CheckpointError, RunError) as error:
        return f"kill {number}: {error}"
    if skipped:
        return f"kill {number}: a damaged file under a final name: {skipped}"
    if agent.progress.updates < done - 2:
        return f"kill {number}: {done} updates were made, {agent.progress.updates} are saved"
    return None


def stop_driver(folder: Path, *, updates: int, stops: int, workers: int, seed: int) -> Report:
    """Send SIGINT or SIGTERM at random moments, and go on until the run ends.

    Each time the last completed update must be saved within 2 s, and the exit code be 128 + N.

    Args:
        folder: for the run folders.
        updates: of the run.
        stops: how many signals.
        workers: Ray workers; 0 for none.
        seed: of the generator that chooses.
    """
    report = Report(f"{stops} times SIGINT or SIGTERM, {workers} workers")
    calm = calm_run(updates, folder / "calm")
    generator = np.random.default_rng(seed)
    run = folder / "hit"
    for number in range(stops):
        before = _updates(run)
        process = start(train_arguments(run, updates, workers))
        wanted = before + 1 + int(generator.integers(0, max(1, updates // (2 * stops))))
        while process.poll() is None and _updates(run) < min(wanted, updates - 1):
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.2))
        sent = [signal.SIGINT, signal.SIGTERM][number % 2]
        began = time.time()
        process.send_signal(sent)
        output, _ = process.communicate(timeout=60)
        saved = RunFolder.open(run).checkpoints()[-1]
        agent = PongAgent.load(saved)
        seconds = saved.stat().st_mtime - began
        if process.returncode == 0 and agent.progress.updates == updates:
            report.remarks.append(f"signal {number} came after the run's end and is not counted")
            continue
        wrong = None
        if process.returncode != 128 + sent:
            wrong = f"exit code {process.returncode}: {output[-300:]}"
        elif agent.progress.updates != _updates(run):
            wrong = f"{_updates(run)} updates were made, {agent.progress.updates} are saved"
        elif seconds > 2:
            wrong = f"saved after {seconds:.2f} s"
        report.recoveries.append(max(seconds, 0.0))
        report.count(None if wrong is None else f"signal {number}: {wrong}")
    _finish(report, run, updates, workers, calm)
    return report


def stop_recording(folder: Path, *, stops: int, seed: int) -> Report:
    """Kill or stop the recorder at random moments of a game: no broken film may get a final name.

    Args:
        folder: where the films go.
        stops: how many signals: SIGINT, SIGTERM and SIGKILL to the recorder, and SIGKILL to its
            ffmpeg alone, in turn.
        seed: of the generator that chooses.
    """
    report = Report(f"the recorder, or its ffmpeg alone, stopped {stops} times")
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(stops):
        process = start(["record", "--video-folder", str(folder), "--seed", str(number)])
        while process.poll() is None and not any(folder.iterdir()):
            time.sleep(0.005)  # until ffmpeg has begun to write
        time.sleep(generator.uniform(0, 2.0))
        encoder = number % 4 == 3
        sent = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL][number % 4]
        for hit in _children(process.pid) if encoder else [process.pid]:
            os.kill(hit, sent)
        output, _ = process.communicate(timeout=60)
        found = [path.name for path in folder.iterdir() if ".part" not in path.name]
        wrong = None
        if found:
            wrong = f"left {found}"
        elif encoder and (process.returncode != 1 or "error: " not in output):
            wrong = f"without ffmpeg: exit code {process.returncode}: {output[-300:]}"
        elif not encoder and process.returncode not in (128 + sent, -sent):
            wrong = f"exit code {process.returncode}: {output[-300:]}"
        report.count(None if wrong is None else f"signal {number}: {wrong}")
        for rest in folder.iterdir():
            rest.unlink()
    return report


def _children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    threads = Path("/proc", str(process), "task").iterdir()
    return [int(child) for one in threads for child in (one / "children").read_text().split()]
