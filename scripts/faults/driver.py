"""The training process or the recorder is killed or stopped by a signal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.report import Report
from faults.workers import SMALL, difference, undisturbed_run
from pong_agent.agent import PongAgent
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import load_run
from pong_agent.weights_file.archive import CheckpointError

_START = (sys.executable, "-m", "pong_agent")


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start the command line in a process and a session of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Background jobs of a shell ignore SIGINT, and so do their children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(  # noqa: S603  # our own program
        [*_START, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )


def train_arguments(folder: Path, updates: int, n_workers: int) -> list[str]:
    """Return the arguments that start a run, or resume the one in the folder."""
    if (folder / "config.json").exists():
        return ["train", "--resume", str(folder)]
    given = ["--updates", str(updates), "--workers", str(n_workers), "--checkpoint-every", "2"]
    return ["train", "--run-folder", str(folder), *given, "--hyperparams", *SMALL]


def kill_driver(folder: Path, *, updates: int, kills: int, n_workers: int, seed: int) -> Report:
    """Kill the training process by SIGKILL at random moments, resume it each time to its end.

    After each kill a checkpoint must load that is at most one interval old.

    Args:
        folder: for the run folders.
        updates: updates of the run; every second one writes a checkpoint.
        kills: number of kills.
        n_workers: Ray workers; 0 for none.
        seed: seed of the moments.
    """
    report = Report(f"training process killed {kills} times, {n_workers} workers")
    undisturbed = undisturbed_run(updates, folder / "undisturbed")
    generator = np.random.default_rng(seed)
    run = folder / "hit"
    for number in range(kills):
        process = start(train_arguments(run, updates, n_workers))
        # Some kills come during the start, others after some more updates.
        wanted = _updates(run) + int(generator.integers(0, max(2, 2 * updates // kills)))
        while process.poll() is None and _updates(run) < min(wanted, updates - 1):
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.3))
        done = _updates(run)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        report.count(_behind(run, done, number))
    began = time.monotonic()
    _finish(report, run, updates, n_workers, undisturbed)
    report.recoveries.append(time.monotonic() - began)
    return report


def _finish(
    report: Report, run: Path, updates: int, n_workers: int, undisturbed: PongAgent
) -> None:
    """Resume a run to its end; unless it equals the undisturbed run, all faults have failed."""
    process = start(train_arguments(run, updates, n_workers))
    output, _ = process.communicate(timeout=600)
    wrong = None if process.returncode == 0 else f"resuming failed: {output[-500:]}"
    wrong = wrong or difference(RunFolder.open(run).load_latest(), undisturbed)
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
    """Return what is wrong with the checkpoints of a killed process, None if nothing."""
    if not (run / "config.json").exists():
        return None  # killed before the run began
    try:
        found = load_run(run)
    except (CheckpointError, RunError) as error:
        return f"kill {number}: {error}"
    if found.skipped:
        return f"kill {number}: a damaged file under a final name: {found.skipped}"
    saved = found.agent.progress.updates
    if saved < done - 2:
        return f"kill {number}: of {done} updates {saved} are saved"
    return None


def stop_driver(folder: Path, *, updates: int, stops: int, n_workers: int, seed: int) -> Report:
    """Send SIGINT or SIGTERM at random moments and resume the run each time.

    The last completed update must be saved within 2 s, and the exit code must be 128 + N.

    Args:
        folder: for the run folders.
        updates: updates of the run.
        stops: number of signals.
        n_workers: Ray workers; 0 for none.
        seed: seed of the moments.
    """
    report = Report(f"{stops} times SIGINT or SIGTERM, {n_workers} workers")
    undisturbed = undisturbed_run(updates, folder / "undisturbed")
    generator = np.random.default_rng(seed)
    run = folder / "hit"
    for number in range(stops):
        before = _updates(run)
        process = start(train_arguments(run, updates, n_workers))
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
            report.remarks.append(
                f"signal {number} came after the end of the run and does not count"
            )
            continue
        wrong = None
        if process.returncode != 128 + sent:
            wrong = f"exit code {process.returncode}: {output[-300:]}"
        elif agent.progress.updates != _updates(run):
            wrong = f"of {_updates(run)} updates {agent.progress.updates} are saved"
        elif seconds > 2:
            wrong = f"saved after {seconds:.2f} s"
        report.recoveries.append(max(seconds, 0.0))
        report.count(None if wrong is None else f"signal {number}: {wrong}")
    _finish(report, run, updates, n_workers, undisturbed)
    return report


def stop_recording(folder: Path, *, stops: int, seed: int) -> Report:
    """Stop the recorder at random moments of a game; no partial video may get a final name.

    Args:
        folder: for the videos.
        stops: number of signals: SIGINT, SIGTERM and SIGKILL to the recorder, then SIGKILL to its
            ffmpeg alone, in turn.
        seed: seed of the moments.
    """
    report = Report(f"the recorder, or its ffmpeg alone, stopped {stops} times")
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(stops):
        process = start(["record", "--video-folder", str(folder), "--seed", str(number)])
        while process.poll() is None and not _children(process.pid):
            time.sleep(0.005)  # until ffmpeg runs; its file has no name yet
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
    """Return the child processes of a process."""
    threads = Path("/proc", str(process), "task").iterdir()
    return [int(child) for one in threads for child in (one / "children").read_text().split()]
