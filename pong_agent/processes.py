"""Processors that this process may use, and work shared out to worker processes."""

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import types
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from pong_agent.errors import PongError

ALL_CPUS = -1  # as a number of workers

Item = TypeVar("Item")
Result = TypeVar("Result")


class ProcessError(PongError, RuntimeError):
    """Worker processes cannot be started or have died; the message says what to do."""


def usable_cpus(root: Path = Path("/")) -> int:
    """Return how many processors this process may use, 1 or more.

    The machine's processors, less those that its affinity (`taskset`, SLURM, cpusets) or the
    quotas of its control groups (containers, systemd) deny. A part of a processor counts as one.

    Args:
        root: where `proc` and `sys` are mounted.

    Example:
        >>> 1 <= usable_cpus() <= (os.cpu_count() or 1)
        True
    """
    if hasattr(os, "process_cpu_count"):  # since Python 3.13
        count = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    return max(1, min(count or 1, *map(ceil, _quotas(root)), sys.maxsize))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the processors that each control group of this process may use, of version 1 or 2."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = [root / "sys/fs/cgroup" / name for name in {controllers, "cpu", ""}]
        group = Path(path.lstrip("/"))
        for mount in mounts:
            # In a container the path may be the host's: then the mount itself is the group.
            for folder in (mount / group, *(mount / one for one in group.parents)):
                quota, _, period = _text(folder / "cpu.max").partition(" ")
                if not period:
                    quota = _text(folder / "cpu.cfs_quota_us")
                    period = _text(folder / "cpu.cfs_period_us")
                if quota.strip().isdecimal() and period.strip().isdecimal() and int(period):
                    yield int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def map_in_processes(
    call: Callable[[Item], Result], items: Sequence[Item], n_workers: int
) -> Generator[Result]:
    """Yield the result of each item, in order, from up to `n_workers` processes.

    Processes are spawned, because a fork would not copy the threads of the emulator and of Ray.
    They do not import the user's script unless `call` contains something that is defined there,
    so it works without a main guard, from standard input and in a notebook.

    Args:
        call: called with each item; picklable.
        items: one or more.
        n_workers: processes at most.

    Raises:
        ProcessError: processes cannot be started, or one died.
    """
    remedy = "use one process (n_workers=1), or define it in a module of its own"
    if multiprocessing.current_process().daemon:
        raise ProcessError(
            "expected a process that may start others, found a daemonic one; use n_workers=1"
        )
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(1)  # a script without a main guard, imported by a worker: its parent reports it
    try:
        payload = pickle.dumps(call)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ProcessError(
            f"workers cannot be given the agent or game: {error}; {remedy}"
        ) from error
    needs_script = b"__main__" in payload
    if needs_script and not _script_can_be_imported():
        raise ProcessError(
            "expected an agent and a game that workers can import, found one that is defined in a "
            f"notebook or on standard input; {remedy}"
        )
    advice = "use fewer processes if memory ran out"
    if needs_script:
        advice = f"call this below `if __name__ == '__main__':` in a script, or {advice}"
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        try:
            # In a file: a process that dies before it has read a large argument from its pipe
            # would leave this one waiting.
            file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="pong-agent-"))
            file.write(payload)
            file.flush()
            n_workers = min(n_workers, len(items))
            pool = ProcessPoolExecutor(n_workers, context, _begin, (file.name,))
            stack.enter_context(pool)
            with _script_hidden(not needs_script):
                results = pool.map(_call, items)  # starts the processes
        except (OSError, ImportError, NotImplementedError) as error:
            raise ProcessError(f"processes cannot be started: {error}; {advice}") from error
        try:
            yield from results
        except BrokenProcessPool:
            raise ProcessError(f"a worker process did not start, or died; {advice}") from None


def _script_can_be_imported() -> bool:
    main: Any = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    return main.__spec__ is not None or (file is not None and Path(file).is_file())


@contextmanager
def _script_hidden(hidden: bool) -> Iterator[None]:
    """Have processes that start meanwhile not import the user's script, if `hidden`."""
    main = sys.modules["__main__"]
    if hidden:
        sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


_file = ""
_function: Any = None


def _begin(file: str) -> None:
    """Prepare a worker: Ctrl-C ends it in silence."""
    global _file
    _file = file
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _call(item: Any) -> Any:
    global _function
    if _function is None:  # not in `_begin`, whose errors would not reach the caller
        _function = pickle.loads(Path(_file).read_bytes())  # noqa: S301  # our parent's
    return _function(item)
