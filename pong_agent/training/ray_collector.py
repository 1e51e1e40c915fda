"""Long-lived Ray actors that share out work and survive the loss of any of them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pong_agent.config import AgentConfig
from pong_agent.errors import ConfigError
from pong_agent.network import Floats
from pong_agent.processes import ALL_CPUS
from pong_agent.training.collector import Collector, CollectorError, Result, RolloutWorker
from pong_agent.training.ray_start import import_ray, start_ray

MAX_TRIES = 5  # of one work item, before training gives up
_START_TIMEOUT = 120.0  # seconds without an answer from any worker
_SECONDS_BETWEEN_STARTS = 0.05
_SECONDS_BETWEEN_COUNTS = 5.0  # of a cluster's CPUs


@dataclass
class WorkerHandle:
    """One worker, in whichever process it is after restarts."""

    actor: Any  # Ray's handle; it outlives the process
    pending: Any = None  # reference to the awaited result or readiness; None while it is idle
    item: int | None = None  # index of the work item; None while it starts or is idle
    since: float = 0.0  # `time.monotonic()` when the wait began

    def wait_for(self, pending: Any, item: int | None = None) -> None:
        """Record what the worker was asked for."""
        self.pending, self.item, self.since = pending, item, time.monotonic()

    def wait_until_ready(self) -> None:
        """Ask the worker for a message when it has started and is free."""
        self.wait_for(self.actor.__ray_ready__.remote())


class RayCollector(Collector):
    """Plays on Ray actors, which are given one work item at a time.

    A work item is lost if its worker or the worker's node dies, if it raises an error or if it
    takes too long. It is then given to the next free worker. An item contains everything that its
    result depends on, so a loss does not change the results. Ray restarts a lost worker, on
    another node if its own is gone; the worker gets work again as soon as it answers.

    Args:
        config: the agent's hyperparameters, which name the environment.
        n_workers: number of actors, 1 or more, one CPU each; -1 for as many as there are CPUs,
            counted again during training. Actors that a cluster has no CPU for wait for one.
        address: a Ray cluster's address, or "auto"; None starts Ray on this machine. A Ray that
            already runs in this process is used and left running.
        worker_class: class of the actors, made with `config`.
        work_timeout: seconds after which a work item is taken from its worker.

    Attributes:
        handles: the workers.
        losses: number of work items lost so far.

    Raises:
        ConfigError: the number of workers is 0 or below -1.
        CollectorError: Ray does not start, or the cluster cannot be reached.
    """

    def __init__(
        self,
        config: AgentConfig,
        n_workers: int,
        address: str | None = None,
        *,
        worker_class: type[Any] = RolloutWorker,
        work_timeout: float = 300.0,
    ) -> None:
        if n_workers < 1 and n_workers != ALL_CPUS:
            raise ConfigError(
                f"n_workers: expected 1 or more, or {ALL_CPUS} for all CPUs, found {n_workers}"
            )
        self._ray = import_ray(local=address is None)
        self._started_ray = start_ray(self._ray, n_workers, address)
        self._make_actor = self._ray.remote(
            num_cpus=1, scheduling_strategy="SPREAD", max_restarts=-1, max_task_retries=0
        )(worker_class).remote
        self._config = config
        self._elastic = n_workers == ALL_CPUS
        self._work_timeout = work_timeout
        self.handles: list[WorkerHandle] = []
        self._resize(self.n_cpus() if self._elastic else n_workers)
        self._counted = time.monotonic()  # when the CPUs were last counted
        self._answered = time.monotonic()  # when any worker last answered
        self._failed_starts = 0  # in a row
        self.losses = 0
        self._shared: dict[str, Floats] = {}  # the last weights, never changed in place
        self._weights: Any = None  # their reference in the object store

    @property
    def n_workers(self) -> int:
        """Number of actors."""
        return len(self.handles)

    def n_cpus(self) -> int:
        """Return the number of CPUs that Ray has now, 1 or more."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _resize(self, n_workers: int) -> None:
        """Start or stop workers until there are `n_workers`."""
        while self.n_workers < n_workers:
            self.handles.append(WorkerHandle(self._make_actor(self._config)))
            self.handles[-1].wait_until_ready()
        # Workers that wait for a CPU come last and are removed first.
        self.handles.sort(key=lambda handle: handle.pending is not None)
        for handle in self.handles[n_workers:]:
            self._ray.kill(handle.actor)
        self.handles = self.handles[:n_workers]

    def map(
        self,
        method: Callable[..., Result],
        items: Sequence[Any],
        parameters: Mapping[str, Floats] | None = None,
    ) -> list[Result]:
        """Call a worker's method of this name with the weights, if given, and each item.

        Returns:
            The results in the items' order; each item has one.

        Raises:
            CollectorError: an item was tried too often, or no worker can be started.
        """
        shared = () if parameters is None else (self._share(parameters),)
        waiting = list(range(len(items)))[::-1]
        tries = [0] * len(items)
        reasons: dict[int, Exception] = {}
        finished: dict[int, Result] = {}
        now = self._answered = time.monotonic()
        if self._elastic and now - self._counted >= _SECONDS_BETWEEN_COUNTS:
            self._counted = now
            self._resize(self.n_cpus())
        for handle in self.handles:
            if handle.pending is not None:  # left over from a call that was interrupted
                handle.wait_until_ready()
        while len(finished) < len(items):
            for handle in self.handles:
                if handle.pending is None and waiting:
                    index = waiting.pop()
                    tries[index] += 1
                    remote = getattr(handle.actor, method.__name__).remote
                    handle.wait_for(remote(*shared, items[index]), index)
            for handle in self._answering():
                lost = handle.item
                error = self._take(handle, finished)
                if error is None:
                    continue
                if lost is None:
                    self._note_failed_start(error)
                    continue
                self.losses += 1
                # An error of the item itself says more than that its worker was being restarted.
                if lost not in reasons or isinstance(error, self._ray.exceptions.RayTaskError):
                    reasons[lost] = error
                if tries[lost] >= MAX_TRIES:
                    raise CollectorError(
                        f"work item {lost} of {len(items)} failed {tries[lost]} times: "
                        f"{reasons[lost]}"
                    )
                waiting.append(lost)
            self._check_that_a_worker_answers()
        return [finished[index] for index in range(len(items))]

    def _answering(self) -> Iterable[WorkerHandle]:
        """Wait for the first answer; return the workers that answered or are overdue."""
        by_pending = {one.pending: one for one in self.handles if one.pending is not None}
        answers, _ = self._ray.wait(list(by_pending), num_returns=1, timeout=1.0, fetch_local=True)
        now = time.monotonic()
        late = [one for one in by_pending.values() if now - one.since > self._work_timeout]
        answered = [by_pending[answer] for answer in answers]
        return answered + [handle for handle in late if handle not in answered]

    def _take(self, handle: WorkerHandle, finished: dict[int, Any]) -> Exception | None:
        """Take a worker's result; if there is none, have it restarted and return the error."""
        exceptions = self._ray.exceptions
        try:
            # A result on a node that has died since might never arrive.
            result = self._ray.get(handle.pending, timeout=1.0)
        except exceptions.ActorDiedError as error:  # and Ray cannot restart it
            handle.actor = self._make_actor(self._config)
            lost: Exception = error
        except exceptions.ActorUnavailableError as error:  # Ray is restarting it
            lost = error
        except exceptions.RayError as error:
            self._ray.kill(handle.actor, no_restart=False)
            late = isinstance(error, exceptions.GetTimeoutError)
            seconds = time.monotonic() - handle.since
            lost = TimeoutError(f"no result within {seconds:.0f} s") if late else error
        else:
            self._answered, self._failed_starts = time.monotonic(), 0
            if handle.item is not None:
                finished[handle.item] = result
            handle.wait_for(None)
            return None
        handle.wait_until_ready()
        return lost

    def _note_failed_start(self, error: Exception) -> None:
        """Raise a CollectorError if workers die again and again while they start."""
        if not isinstance(error, self._ray.exceptions.ActorDiedError):
            time.sleep(_SECONDS_BETWEEN_STARTS)  # it restarts, or there is no CPU for it now
            return
        self._failed_starts += 1
        if self._failed_starts >= MAX_TRIES * self.n_workers:
            raise CollectorError(
                f"workers failed to start {self._failed_starts} times in a row; "
                f"the last error: {error}"
            )

    def _check_that_a_worker_answers(self) -> None:
        """Raise a CollectorError if no worker has started for `_START_TIMEOUT` seconds."""
        silent = time.monotonic() - self._answered
        if silent > _START_TIMEOUT and all(handle.item is None for handle in self.handles):
            raise CollectorError(
                f"none of {self.n_workers} workers could be started within {silent:.0f} s; "
                f"Ray has {self.n_cpus()} CPUs"
            )

    def _share(self, parameters: Mapping[str, Floats]) -> Any:
        """Return a reference to weights in the object store; the latest ones are put there once."""
        same = parameters.keys() == self._shared.keys() and all(
            parameters[name] is array for name, array in self._shared.items()
        )
        if self._weights is None or not same:
            self._shared = dict(parameters)
            self._weights = self._ray.put(self._shared)
        return self._weights

    def close(self) -> None:
        """Stop the workers, and Ray if this collector started it."""
        self._resize(0)
        self._weights = None
        if self._started_ray:
            self._ray.shutdown()
