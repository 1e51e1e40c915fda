"""The collector whose workers are Ray actors."""

from collections.abc import Mapping, Sequence

from pong_agent.config import AgentConfig
from pong_agent.learning.trajectory import Trajectory
from pong_agent.network import Floats
from pong_agent.training.collector import RolloutWorker, WorkItem, WorkResult
from pong_agent.training.games import GameSnapshot
from pong_agent.training.worker_pool import MAX_TRIES, WORK_TIMEOUT, WorkerPool


class RayCollector:
    """Plays on Ray actors, as many work items at a time as there are workers.

    Args:
        config: the agent's hyperparameters, which name the environment.
        n_workers: number of actors, see `WorkerPool`.
        address: address of a Ray cluster, see `WorkerPool`.
        worker_class: class of the actors.
        work_timeout: seconds after which a work item is taken from its worker.
        max_tries: tries of a work item before its failure is raised.

    Attributes:
        pool: the actors.

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
        worker_class: type[RolloutWorker] = RolloutWorker,
        work_timeout: float = WORK_TIMEOUT,
        max_tries: int = MAX_TRIES,
    ) -> None:
        self.pool = WorkerPool(
            worker_class,
            config,
            n_workers,
            address,
            work_timeout=work_timeout,
            max_tries=max_tries,
        )

    @property
    def n_workers(self) -> int:
        """Number of actors."""
        return self.pool.n_workers

    def start_games(self, seeds: Sequence[int]) -> list[GameSnapshot]:
        """Start a game with each seed."""
        return self.pool.map(RolloutWorker.start_game, seeds)

    def play(self, parameters: Mapping[str, Floats], items: Sequence[WorkItem]) -> list[WorkResult]:
        """Continue the games of each work item."""
        return self.pool.map(RolloutWorker.play, items, parameters)

    def evaluate(self, parameters: Mapping[str, Floats], seeds: Sequence[int]) -> list[Trajectory]:
        """Play one greedy episode with each seed."""
        return self.pool.map(RolloutWorker.evaluate, seeds, parameters)

    def close(self) -> None:
        """Stop the workers, and Ray where this collector started it."""
        self.pool.close()
