"""Clocks that are put around the product's own calls, from outside and for a measurement only."""

import functools
import importlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pong_agent.config import AgentConfig
from pong_agent.training.collector import RolloutWorker

# Functions that a worker's call goes through: the module that looks them up, their name there, and
# what the time in them is for that no clock within them counts.
_CALLS = (
    ("pong_agent.training.collector", "continue_games", "transport"),  # what games need to travel
    ("pong_agent.training.games", "rollout", "loop"),
    ("pong_agent.training.games", "rollout_fragment", "loop"),
    ("pong_agent.rollout", "all_lit_pixels", "pixels"),
)


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Give an object, a class or a module another attribute, and at the end the old one back.

    Example:
        >>> with replaced(os, "sep", "|"):
        ...     os.sep
        '|'
        >>> os.sep == "|"
        False
    """
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class Clock:
    """Adds up the seconds spent in calls, by what they are for.

    A call within a call counts for its own part only, not for the outer one's.

    Attributes:
        seconds: what calls are for -> wall-clock seconds in them.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within = 0.0  # seconds of the calls within the running one so far

    def around(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does as `call` does, its time added to that of a part."""

        @functools.wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outer, self._within = self._within, 0.0
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                spent = time.perf_counter() - started
                self.seconds[part] += spent - self._within
                self._within = outer + spent

        return timed

    def put_around(self, part: str, owner: Any, name: str) -> None:
        """Time calls of an attribute that is there, until the process ends."""
        if hasattr(owner, name):
            setattr(owner, name, self.around(part, getattr(owner, name)))


@dataclass(frozen=True)
class Work:
    """One call of a worker's method.

    Attributes:
        pid: process that worked.
        started: `time.perf_counter()` when it began; one clock for all processes on Linux.
        ended: the same when it ended.
        cpu_started: CPU seconds of the process when it began, all threads.
        cpu_ended: the same when it ended.
        parts: what for -> seconds within the call.
    """

    pid: int
    started: float
    ended: float
    cpu_started: float
    cpu_ended: float
    parts: dict[str, float]


def timed_worker(folder: Path) -> type[RolloutWorker]:
    """Return a kind of `RolloutWorker` that appends each call's times to a file in the folder.

    It replaces functions of the modules in its own process, which must be a worker's.
    """

    class TimedWorker(RolloutWorker):
        """Plays as `RolloutWorker` does, with clocks around what it calls."""

        def __init__(self, config: AgentConfig) -> None:
            self._clock = Clock()
            self._timed: set[int] = set()
            for module, name, part in _CALLS:
                self._clock.put_around(part, importlib.import_module(module), name)
            super().__init__(config)
            self._clock.put_around("inference", self._agent, "examine")
            self._clock.put_around("transport", self._agent, "set_parameters")
            self._file = (folder / f"{os.getpid()}.jsonl").open("a", buffering=1)

        def _borrow(self, *args: Any, **kwargs: Any) -> list[Any]:
            environments = super()._borrow(*args, **kwargs)
            for env in environments:
                if id(env) not in self._timed:
                    self._timed.add(id(env))
                    self._clock.put_around("emulator", env, "step")
                    self._clock.put_around("emulator", env, "reset")
                    self._clock.put_around("pixels", env.unwrapped, "_get_obs")
            return environments

        def play(self, *args: Any, **kwargs: Any) -> Any:
            return self._work(super().play, *args, **kwargs)

        def _work(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            self._clock.seconds.clear()
            started, cpu_started = time.perf_counter(), time.process_time()
            result = call(*args, **kwargs)
            work = Work(
                os.getpid(),
                started,
                time.perf_counter(),
                cpu_started,
                time.process_time(),
                dict(self._clock.seconds),
            )
            self._file.write(json.dumps(asdict(work)) + "\n")
            return result

    return TimedWorker


def read_work(folder: Path) -> dict[int, list[Work]]:
    """Return what timed workers wrote: each process's calls, in order."""
    return {
        int(path.stem): [Work(**json.loads(line)) for line in path.read_text().splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    }
