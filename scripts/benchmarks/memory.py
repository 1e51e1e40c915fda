"""Peak memory of processes, read from Linux's `/proc`."""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.throughput import Window
from faults.workers import worker_processes
from pong_agent.training.config import TrainConfig
from pong_agent.training.start import start_run

_PROC = Path("/proc")
_RESET_PEAK = "5"  # command that `clear_refs` understands


@dataclass(frozen=True)
class Memory:
    """Peak resident memory of a training run, MB, with the mapped part of Ray's shared memory.

    Attributes:
        seconds: duration of training.
        steps: agent steps in it.
        peaks: "driver", "worker 0", ... -> peak; the driver's since training began.
    """

    seconds: float
    steps: int
    peaks: dict[str, float]


def measure_memory(config: TrainConfig, seconds: float) -> Memory:
    """Train in a temporary folder and return the peaks.

    Args:
        config: the run, with one worker or more.
        seconds: least duration of training.

    Raises:
        OSError: there is no `/proc`.
    """
    with TemporaryDirectory() as folder:
        _PROC.joinpath("self", "clear_refs").write_text(_RESET_PEAK)
        with start_run(config, Path(folder, "run")) as trainer:
            window = Window(seconds, warm_up=1).measure(trainer)
            workers = [peak_megabytes(pid) for pid in sorted(worker_processes())]
    peaks = {"driver": peak_megabytes("self")}
    peaks |= {f"worker {number}": peak for number, peak in enumerate(workers)}
    return Memory(window.ended - window.started, window.steps, peaks)


def peak_megabytes(pid: int | str) -> float:
    """Return a process's peak resident memory, its VmHWM.

    Example:
        >>> peak_megabytes("self") > 1
        True
    """
    status = _PROC.joinpath(str(pid), "status").read_text()
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024
