"""A disk that is full after any number of bytes."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from faults.report import Report
from faults.workers import difference, small_run, undisturbed_run
from pong_agent.agent import PongAgent
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import resume_run, start_run
from pong_agent.weights_file.archive import CheckpointError


@contextmanager
def files_up_to(n_bytes: int) -> Iterator[None]:
    """Limit every file of this process to a number of bytes.

    Beyond it the system call that writes fails as on a full disk, with another error number.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_while_saving(folder: Path, *, tries: int) -> Report:
    """Overwrite a checkpoint on a disk that is full after more and more bytes.

    The older checkpoint must stay as it was, with nothing beside it, and the error must be clear.

    Args:
        folder: where to write.
        tries: number of places, from the first byte to the last.
    """
    report = Report("checkpoints written to a full disk")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "w.npz"
    old, new = PongAgent("reinforce", seed=0), PongAgent("reinforce", seed=1)
    new.save(path)
    size = path.stat().st_size
    old.save(path)
    content = path.read_bytes()
    for limit in np.linspace(0, size - 1, tries, dtype=int).tolist():
        wrong = _saving_fails(lambda: new.save(path), limit, "w.npz: cannot be written")
        if wrong is None and path.read_bytes() != content:
            wrong = "the older file has changed"
        if wrong is None and [entry.name for entry in folder.iterdir()] != ["w.npz"]:
            wrong = f"left {sorted(entry.name for entry in folder.iterdir())}"
        report.count(None if wrong is None else f"full after {limit} bytes: {wrong}")
    return report


def _saving_fails(save: Callable[[], object], limit: int, message: str) -> str | None:
    try:
        with files_up_to(limit):
            save()
    except (CheckpointError, RunError) as error:
        return None if message in str(error) else f"an unclear error: {error}"
    except BaseException as error:  # noqa: BLE001  # any other kind is a failure
        return f"{type(error).__name__}: {error}"
    return "no error"


def fill_while_training(folder: Path, *, tries: int) -> Report:
    """Let the disk become full during a run, then resume the run with free space.

    Args:
        folder: for the run folders.
        tries: number of file sizes, from the size of a row of metrics to a checkpoint's.
    """
    updates = 6
    report = Report("runs on a disk that became full")
    undisturbed = undisturbed_run(updates, folder / "undisturbed")
    checkpoints = (folder / "undisturbed" / "checkpoints").iterdir()
    size = max(path.stat().st_size for path in checkpoints)
    config = small_run(updates, workers=0, checkpoint_every=1)
    for number, limit in enumerate(np.geomspace(200, size - 1, tries).astype(int).tolist()):
        run = folder / f"hit-{number}"
        with start_run(small_run(2, workers=0, checkpoint_every=1), run) as trainer:
            trainer.train()
        with resume_run(run, config) as trainer:
            wrong = _saving_fails(trainer.train, limit, "cannot be written")
        if wrong is None:
            with resume_run(run, config) as trainer:
                wrong = str(trainer.skipped) if trainer.skipped else None
                trainer.train()
            wrong = wrong or difference(RunFolder.open(run).load_latest(), undisturbed)
        report.count(None if wrong is None else f"full after {limit} bytes: {wrong}")
    return report
