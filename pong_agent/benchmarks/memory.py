"""Peak memory of a training run: of the driver and of each worker, read from Linux's `/proc`."""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pong_agent.benchmarks.instruments import read_work, timed_worker
from pong_agent.benchmarks.throughput import Window
from pong_agent.training.config import TrainConfig
from pong_agent.training.trainer import start_run

_PROC = Path("/proc")
_RESET_PEAK = "5"  # what `clear_refs` understands as: forget the peak


@dataclass(frozen=True)
class Memory:
    """Peaks of the resident memory, MB, with what Ray's shared memory has mapped in.

    Attributes:
        seconds: of training.
        steps: agent steps in it.
        driver: peak of this process since training began.
        workers: peak of each worker.
    """

    seconds: float
    steps: int
    driver: float
    workers: tuple[float, ...]


def measure_memory(config: TrainConfig, seconds: float) -> Memory:
    """Train for some seconds, in a folder of its own; return the peaks.

    Args:
        config: the run, with one worker or more.
        seconds: how long to train at least.

    Raises:
        OSError: there is no `/proc` to read them from.
    """
    with TemporaryDirectory() as folder:
        notes = Path(folder, "notes")
        notes.mkdir()
        _PROC.joinpath("self", "clear_refs").write_text(_RESET_PEAK)
        worker_class = timed_worker(notes)
        with start_run(config, Path(folder, "run"), worker_class=worker_class) as trainer:
            window = Window(seconds, warm_up=1).measure(trainer)
            peaks = tuple(peak_megabytes(pid) for pid in read_work(notes))
        return Memory(window.ended - window.started, window.steps, peak_megabytes("self"), peaks)


def peak_megabytes(pid: int | str) -> float:
    """Return the peak of a process's resident memory, its VmHWM.

    Example:
        >>> peak_megabytes("self") > 1
        True
    """
    status = _PROC.joinpath(str(pid), "status").read_text()
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024


def memory_rows(memory: Memory) -> list[tuple[str, float]]:
    """Return (what, MB) for each process."""
    each = [(f"worker {number}", peak) for number, peak in enumerate(memory.workers)]
    return [("driver", memory.driver), *each]
