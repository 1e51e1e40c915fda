"""Clocks around the calls of a worker, for measurements only.

`TimedWorker` profiles private parts of the package: in its own process it replaces the functions of
`_CALLS`, and the methods of its agent and environments, by functions that take their time.
"""

import functools
import importlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pong_agent.config import AgentConfig
from pong_agent.training.collector import RolloutWorker

# Module that looks a function up, the function's name there, and the part that its own time is.
_CALLS = (
    ("pong_agent.training.games", "rollout", "loop"),
    ("pong_agent.training.games", "rollout_fragment", "loop"),
    ("pong_agent.rollout", "all_lit_pixels", "pixels"),
)


class Clock:
    """Sums the seconds spent in calls, part by part.

    The time of a call inside another one counts for the inner call's part only.

    Attributes:
        seconds: part -> wall-clock seconds.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within = 0.0  # seconds of finished calls inside the running one

    def around(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with its own time added to a part."""

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
        """Time the calls of an attribute until the process ends."""
        setattr(owner, name, self.around(part, getattr(owner, name)))


@dataclass(frozen=True)
class Call:
    """One call of a worker's method.

    Attributes:
        started: `time.perf_counter()` at its start; on Linux one clock for all processes.
        ended: the same at its end.
        cpu_started: CPU seconds of the process at its start, all threads.
        cpu_ended: the same at its end.
        parts: part -> seconds; they add up to the call's duration.
    """

    started: float
    ended: float
    cpu_started: float
    cpu_ended: float
    parts: dict[str, float]


def timed_worker(folder: Path) -> type[RolloutWorker]:
    """Return a `RolloutWorker` class that appends the times of each call to PID.jsonl in a folder.

    The time of a call outside all clocks is "transport": it restores and saves emulators.
    """

    class TimedWorker(RolloutWorker):
        """Plays like `RolloutWorker`, with clocks."""

        def __init__(self, config: AgentConfig) -> None:
            self._clock = Clock()
            self._timed: set[int] = set()
            for module, name, part in _CALLS:
                self._clock.put_around(part, importlib.import_module(module), name)
            super().__init__(config)
            self._clock.put_around("network", self._agent, "decide")
            self._file = (folder / f"{os.getpid()}.jsonl").open("a", buffering=1)

        def _borrow(self, *args: Any, **kwargs: Any) -> list[Any]:
            environments = super()._borrow(*args, **kwargs)
            for env in environments:
                if id(env) not in self._timed:
                    self._timed.add(id(env))
                    self._clock.put_around("emulator", env, "step")
                    self._clock.put_around("emulator", env, "reset")
            return environments

        def play(self, *args: Any, **kwargs: Any) -> Any:
            self._clock.seconds.clear()
            started, cpu_started = time.perf_counter(), time.process_time()
            result = self._clock.around("transport", super().play)(*args, **kwargs)
            ended, cpu_ended = time.perf_counter(), time.process_time()
            call = Call(started, ended, cpu_started, cpu_ended, dict(self._clock.seconds))
            self._file.write(json.dumps(asdict(call)) + "\n")
            return result

    return TimedWorker


def read_calls(folder: Path) -> list[list[Call]]:
    """Return the calls of each timed worker, in order."""
    return [
        [Call(**json.loads(line)) for line in path.read_text().splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    ]
