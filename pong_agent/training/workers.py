"""Ray's room: long-lived workers that play episodes in processes of their own."""

import itertools
import logging
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pong_agent.network import Floats
from pong_agent.presets import AgentConfig, ConfigError
from pong_agent.training.collector import CollectorError, RolloutWorker

# Weights are 10 MB and trajectories 0.1 MB; Ray's default is 30 % of the machine's memory.
_OBJECT_STORE_BYTES = 256 * 2**20


class RayCollector:
    """Plays on Ray actors, as many units of work at a time as there are workers.

    Weights are put into the object store once, and a worker that has finished a unit takes the next
    one. A Ray that already runs in this process is used and left running.

    Args:
        config: the preset's values, which name the environment.
        n_workers: number of actors, 1 or more, one CPU each.
        address: a Ray cluster's address, or "auto"; None starts Ray on this machine.

    Attributes:
        n_workers: number of actors.

    Raises:
        ConfigError: the number of workers is below 1.
        CollectorError: Ray does not start, the cluster cannot be reached, or its workers cannot
            make the environment.
    """

    def __init__(self, config: AgentConfig, n_workers: int, address: str | None = None) -> None:
        if n_workers < 1:
            raise ConfigError(f"n_workers: expected 1 or more, found {n_workers}")
        self._ray = _import_ray(local=address is None)
        self._started_ray = _start_ray(self._ray, n_workers, address)
        actor_class = self._ray.remote(num_cpus=1, scheduling_strategy="SPREAD")(RolloutWorker)
        self._actors = [actor_class.remote(config) for _ in range(n_workers)]
        self.n_workers = n_workers
        self._shared: dict[str, Floats] = {}  # the last weights, never changed in place
        self._weights: Any = None  # where they are in the object store

    def call(
        self, method: str, parameters: Mapping[str, Floats], units: Sequence[Any]
    ) -> list[Any]:
        """Call `RolloutWorker`'s method with weights and each unit; results in their order.

        Raises:
            CollectorError: a worker failed.
        """
        weights = self.share(parameters)
        waiting = deque(enumerate(units))
        idle = deque(self._actors)
        running: dict[Any, tuple[int, Any]] = {}  # result -> (number of the unit, actor)
        finished: dict[int, Any] = {}
        while waiting or running:
            while waiting and idle:
                actor = idle.popleft()
                index, unit = waiting.popleft()
                running[getattr(actor, method).remote(weights, unit)] = (index, actor)
            [result], _ = self._ray.wait(list(running), num_returns=1)
            index, actor = running.pop(result)
            finished[index] = self._result(result, index, len(units))
            idle.append(actor)
        return [finished[index] for index in range(len(units))]

    def stream(
        self, method: str, parameters: Mapping[str, Floats], units: Sequence[Any]
    ) -> Iterator[list[Any]]:
        """Give each unit to a worker at once, and return what waits for the results."""
        weights = self.share(parameters)
        generators = [
            getattr(actor, method).options(num_returns="streaming").remote(weights, unit)
            for actor, unit in zip(itertools.cycle(self._actors), units, strict=False)
        ]
        return self._items(generators)

    def _items(self, generators: Sequence[Any]) -> Iterator[list[Any]]:
        for results in zip(*generators, strict=True):
            yield [
                self._result(result, index, len(generators)) for index, result in enumerate(results)
            ]

    def share(self, parameters: Mapping[str, Floats]) -> Any:
        """Put weights into the object store, unless they are those that were put there last.

        Returns:
            A reference to them.
        """
        same = parameters.keys() == self._shared.keys() and all(
            parameters[name] is array for name, array in self._shared.items()
        )
        if self._weights is None or not same:
            self._shared = dict(parameters)
            self._weights = self._ray.put(self._shared)
        return self._weights

    def _result(self, result: Any, index: int, total: int) -> Any:
        try:
            return self._ray.get(result)
        except self._ray.exceptions.RayError as error:
            raise CollectorError(
                f"the worker that was given unit {index} of {total} failed: {error}"
            ) from error

    def close(self) -> None:
        """Stop the workers, and Ray where this collector started it."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []
        self._weights = None
        if self._started_ray:
            self._ray.shutdown()


def _import_ray(*, local: bool) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to the outside
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning
    if local:
        # Read at Ray's import: keeps every listener on the loopback interface.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray  # 1 s that serial training and acting need not pay

    return ray


def _start_ray(ray: Any, n_workers: int, address: str | None) -> bool:
    """Start or join Ray unless it runs; return whether this call did."""
    if ray.is_initialized():
        return False
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        # "local", because without an address Ray joins whatever RAY_ADDRESS names.
        options |= {
            "address": "local",
            "num_cpus": max(n_workers, os.cpu_count() or 1),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
    else:
        options["address"] = address
    try:
        ray.init(**options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = "on this machine" if address is None else f"at {address!r}"
        raise CollectorError(f"Ray cannot be started or reached {where}: {error}") from error
    return True
