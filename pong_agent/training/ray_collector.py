"""Ray's room: long-lived workers that play in processes of their own, and may die there."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pong_agent.config import AgentConfig
from pong_agent.errors import ConfigError
from pong_agent.network import Floats
from pong_agent.training.collector import CollectorError, RolloutWorker
from pong_agent.training.ray_start import import_ray, start_ray

ALL_CPUS = -1  # as a number of workers
MAX_TRIES = 5  # of one unit of work, before training gives up
UNIT_TIMEOUT = 300.0  # seconds
_START_TIMEOUT = 120.0  # seconds without any worker that answers
_SECONDS_BETWEEN_STARTS = 0.05
_SECONDS_BETWEEN_COUNTS = 5.0  # of a cluster's CPUs


@dataclass
class _Seat:
    """One worker, whichever process it is in after restarts.

    Attributes:
        actor: Ray's handle; it outlives the process.
        pending: what is waited for: the result of a unit, or the word that the worker is up.
        unit: index of the unit; None while the worker starts or is idle.
        since: `time.monotonic()` when that began.
    """

    actor: Any
    pending: Any = None
    unit: int | None = None
    since: float = 0.0

    def wait_for(self, pending: Any, unit: int | None = None) -> None:
        """Take note of what the worker was asked for."""
        self.pending, self.unit, self.since = pending, unit, time.monotonic()


class RayCollector:
    """Plays on Ray actors, as many units of work at a time as there are workers.

    A unit of work that is lost, because its worker or the worker's node died, because it raised an
    error or because it took too long, is given to whichever worker is free next. As a unit holds
    all that its result depends on, results are the same as without the loss. Ray starts a lost
    worker anew, on another node where its own is gone; it is given work again once it answers.

    Args:
        config: the preset's values, which name the environment.
        n_workers: number of actors, 1 or more, one CPU each; -1 for as many as there are CPUs,
            counted again while training goes on. What does not fit in a cluster waits until it
            does.
        address: a Ray cluster's address, or "auto"; None starts Ray on this machine. A Ray that
            already runs in this process is used and left running.
        unit_timeout: seconds after which a unit is taken from its worker.
        max_tries: how often a unit is tried.

    Attributes:
        n_workers: number of actors.
        losses: how many units were lost so far.

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
        unit_timeout: float = UNIT_TIMEOUT,
        max_tries: int = MAX_TRIES,
    ) -> None:
        if n_workers < 1 and n_workers != ALL_CPUS:
            raise ConfigError(
                f"n_workers: expected 1 or more, or {ALL_CPUS} for all CPUs, found {n_workers}"
            )
        self._ray = import_ray(local=address is None)
        self._started_ray = start_ray(self._ray, n_workers, address)
        self._make_actor = self._ray.remote(
            num_cpus=1, scheduling_strategy="SPREAD", max_restarts=-1, max_task_retries=0
        )(RolloutWorker).remote
        self._config = config
        self._elastic = n_workers == ALL_CPUS
        self._unit_timeout = unit_timeout
        self._max_tries = max_tries
        self._seats = [self._seat() for _ in range(self._n_cpus() if self._elastic else n_workers)]
        self._counted = time.monotonic()
        self._answered = time.monotonic()  # when any worker last did what it was asked
        self._failed_starts = 0  # in a row
        self.losses = 0
        self._shared: dict[str, Floats] = {}  # the last weights, never changed in place
        self._weights: Any = None  # where they are in the object store

    @property
    def n_workers(self) -> int:
        """Number of actors."""
        return len(self._seats)

    def call(
        self, method: str, parameters: Mapping[str, Floats], units: Sequence[Any]
    ) -> list[Any]:
        """Call `RolloutWorker`'s method with weights and each unit; results in their order.

        Each unit's result is used once, whatever was lost on the way.

        Raises:
            CollectorError: a unit was tried too often, or no worker can be started.
        """
        weights = self._share(parameters)
        waiting = list(range(len(units)))[::-1]
        tries = [0] * len(units)
        reasons: dict[int, Exception] = {}
        finished: dict[int, Any] = {}
        self._adapt_to_cluster()
        self._answered = time.monotonic()
        for seat in self._seats:
            if seat.pending is not None:  # asked by a call that was interrupted
                seat.wait_for(seat.actor.__ray_ready__.remote())
        while len(finished) < len(units):
            for seat in self._seats:
                if seat.pending is None and waiting:
                    index = waiting.pop()
                    tries[index] += 1
                    seat.wait_for(getattr(seat.actor, method).remote(weights, units[index]), index)
            for seat in self._answering():
                lost = seat.unit
                error = self._take(seat, finished)
                if error is None:
                    continue
                if lost is None:
                    self._note_failed_start(error)
                    continue
                self.losses += 1
                # What the unit itself raised says more than that its worker was being restarted.
                if lost not in reasons or isinstance(error, self._ray.exceptions.RayTaskError):
                    reasons[lost] = error
                if tries[lost] >= self._max_tries:
                    raise CollectorError(
                        f"unit {lost} of {len(units)} failed {tries[lost]} times: {reasons[lost]}"
                    )
                waiting.append(lost)
            self._check_that_somebody_answers()
        return [finished[index] for index in range(len(units))]

    def _answering(self) -> Iterable[_Seat]:
        """Wait for the first answer; return the seats that have one or have waited too long."""
        by_pending = {seat.pending: seat for seat in self._seats if seat.pending is not None}
        answers, _ = self._ray.wait(list(by_pending), num_returns=1, timeout=1.0, fetch_local=True)
        now = time.monotonic()
        late = [
            seat
            for seat in self._seats
            if seat.pending is not None and now - seat.since > self._unit_timeout
        ]
        answered = [by_pending[answer] for answer in answers]
        return answered + [seat for seat in late if seat not in answered]

    def _take(self, seat: _Seat, finished: dict[int, Any]) -> Exception | None:
        """Take what a worker has answered; where that is no result, see to it that it starts anew.

        Returns:
            What went wrong, if anything did.
        """
        exceptions, index = self._ray.exceptions, seat.unit
        try:
            # What lies on a node that died since might never come.
            result = self._ray.get(seat.pending, timeout=1.0)
        except exceptions.ActorDiedError as error:  # and Ray cannot start it again
            seat.actor = self._make_actor(self._config)
            lost: Exception = error
        except exceptions.ActorUnavailableError as error:  # Ray is about to
            lost = error
        except exceptions.RayError as error:
            self._ray.kill(seat.actor, no_restart=False)
            late = isinstance(error, exceptions.GetTimeoutError)
            seconds = time.monotonic() - seat.since
            lost = TimeoutError(f"no result within {seconds:.0f} s") if late else error
        else:
            self._answered, self._failed_starts = time.monotonic(), 0
            seat.wait_for(None)
            if index is not None:
                finished[index] = result
            return None
        seat.wait_for(seat.actor.__ray_ready__.remote())
        return lost

    def _note_failed_start(self, error: Exception) -> None:
        """Give up where workers die while they start, again and again.

        Raises:
            CollectorError: with the last one's reason.
        """
        if not isinstance(error, self._ray.exceptions.ActorDiedError):
            time.sleep(_SECONDS_BETWEEN_STARTS)  # it restarts, or there is no place for it now
            return
        self._failed_starts += 1
        if self._failed_starts >= self._max_tries * self.n_workers:
            raise CollectorError(
                f"workers failed to start {self._failed_starts} times in a row, "
                f"the last time so: {error}"
            )

    def _check_that_somebody_answers(self) -> None:
        """Give up where no worker comes up.

        Raises:
            CollectorError: for `_START_TIMEOUT` seconds all of them have been starting.
        """
        silent = time.monotonic() - self._answered
        if silent > _START_TIMEOUT and all(seat.unit is None for seat in self._seats):
            raise CollectorError(
                f"none of {self.n_workers} workers could be started within {silent:.0f} s; "
                f"Ray has {self._n_cpus()} CPUs"
            )

    def _seat(self) -> _Seat:
        seat = _Seat(self._make_actor(self._config))
        seat.wait_for(seat.actor.__ray_ready__.remote())
        return seat

    def _n_cpus(self) -> int:
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _adapt_to_cluster(self) -> None:
        """Have as many workers as there are CPUs now, where that was asked for."""
        if not self._elastic or time.monotonic() - self._counted < _SECONDS_BETWEEN_COUNTS:
            return
        self._counted, wanted = time.monotonic(), self._n_cpus()
        self._seats += [self._seat() for _ in range(wanted - self.n_workers)]
        # Those that wait for a place go first.
        self._seats.sort(key=lambda seat: seat.pending is not None)
        for seat in self._seats[wanted:]:
            self._ray.kill(seat.actor)
        self._seats = self._seats[:wanted]

    def _share(self, parameters: Mapping[str, Floats]) -> Any:
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

    def close(self) -> None:
        """Stop the workers, and Ray where this collector started it."""
        for seat in self._seats:
            self._ray.kill(seat.actor)
        self._seats = []
        self._weights = None
        if self._started_ray:
            self._ray.shutdown()
