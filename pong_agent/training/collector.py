"""Work items of the training, the worker that plays them, and the collector without Ray."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pong_agent.agent import PongAgent
from pong_agent.config import AgentConfig
from pong_agent.envs.make import make_env
from pong_agent.envs.spec import training_spec
from pong_agent.errors import PongError
from pong_agent.learning.trajectory import Trajectory
from pong_agent.network import Floats
from pong_agent.rollout import rollout
from pong_agent.training.games import GameSnapshot, begin_snapshot, continue_games

Result = TypeVar("Result")


class CollectorError(PongError, RuntimeError):
    """Rollouts could not be collected; the message says what failed."""


class WorkItem(NamedTuple):
    """N games for one worker to continue."""

    snapshots: Sequence[GameSnapshot]  # as the previous work items left them
    seeds: Sequence[int]  # of the generators that sample actions and frame skips
    n_steps: int | None  # agent steps to play in each game; None for one episode of each
    n_varied: int = 0  # number of games, the first ones, whose frame skip varies


class WorkResult(NamedTuple):
    """N fragments or episodes, and the N games after them."""

    trajectories: list[Trajectory]
    snapshots: list[GameSnapshot]


class Collector(ABC):
    """Plays with given weights; the results depend on weights, seeds and snapshots alone.

    Results come in the order of the seeds or work items. A method raises `CollectorError` if one
    of them cannot be finished.
    """

    @property
    @abstractmethod
    def n_workers(self) -> int:
        """Number of work items that are played at a time."""

    @abstractmethod
    def map(
        self,
        method: Callable[..., Result],
        items: Sequence[Any],
        parameters: Mapping[str, Floats] | None = None,
    ) -> list[Result]:
        """Call a worker's method of this name with the weights, if given, and each item."""

    @abstractmethod
    def close(self) -> None:
        """Close environments and processes."""

    def start_games(self, seeds: Sequence[int]) -> list[GameSnapshot]:
        """Start a game with each seed."""
        return self.map(RolloutWorker.start_game, seeds)

    def play(self, parameters: Mapping[str, Floats], items: Sequence[WorkItem]) -> list[WorkResult]:
        """Continue the games of each work item."""
        return self.map(RolloutWorker.play, items, parameters)

    def evaluate(self, parameters: Mapping[str, Floats], seeds: Sequence[int]) -> list[Trajectory]:
        """Play one greedy episode with each seed."""
        return self.map(RolloutWorker.evaluate, seeds, parameters)


class RolloutWorker:
    """Environments and an agent that plays in them, in whichever process this is.

    Raises:
        NotPongError: `config` names another environment.
    """

    def __init__(self, config: AgentConfig) -> None:
        import scipy.sparse  # noqa: F401  # the network then uses its product for few rows too

        self._config = config
        self._environments: dict[bool, list[Any]] = {False: [], True: []}  # varied or not
        [self._environment] = self._borrow(1)
        self._agent = PongAgent(config, env=self._environment)

    def _borrow(self, n_fixed: int, n_varied: int = 0) -> list[Any]:
        """Return environments, those with a varied frame skip first; made when first needed."""
        for varied, wanted in ((False, n_fixed), (True, n_varied)):
            while len(self._environments[varied]) < wanted:
                env = make_env(training_spec(self._config, varied=varied), palette=True)
                env.reset()
                self._environments[varied].append(env)
        return self._environments[True][:n_varied] + self._environments[False][:n_fixed]

    def start_game(self, seed: int) -> GameSnapshot:
        """Start a game."""
        return begin_snapshot(self._environment, seed)

    def play(self, parameters: Mapping[str, Floats], item: WorkItem) -> WorkResult:
        """Continue the games of a work item with these weights."""
        self._agent.set_parameters(parameters)
        environments = self._borrow(len(item.snapshots) - item.n_varied, item.n_varied)
        return WorkResult(
            *continue_games(self._agent, environments, item.snapshots, item.seeds, item.n_steps)
        )

    def evaluate(self, parameters: Mapping[str, Floats], seed: int) -> Trajectory:
        """Play one greedy episode with these weights."""
        self._agent.set_parameters(parameters)
        [trajectory] = rollout(self._agent, [self._environment], [seed], deterministic=True)
        return trajectory

    def close(self) -> None:
        """Close the environments."""
        for env in self._environments[False] + self._environments[True]:
            env.close()


class SerialCollector(Collector):
    """Plays in this process, one work item after another; useful for debugging.

    Raises:
        NotPongError: `config` names another environment.
    """

    n_workers = 1

    def __init__(
        self, config: AgentConfig, worker_class: type[RolloutWorker] = RolloutWorker
    ) -> None:
        self._worker = worker_class(config)

    def map(
        self,
        method: Callable[..., Result],
        items: Sequence[Any],
        parameters: Mapping[str, Floats] | None = None,
    ) -> list[Result]:
        """Call the worker's method of this name with the weights, if given, and each item."""
        call = getattr(self._worker, method.__name__)
        shared = () if parameters is None else (parameters,)
        return [call(*shared, item) for item in items]

    def close(self) -> None:
        """Close the environments."""
        self._worker.close()
