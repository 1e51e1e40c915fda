"""Where training data come from: what plays it, and the collector without Ray."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pong_agent.agent import PongAgent
from pong_agent.config import AgentConfig, environment_kwargs
from pong_agent.envs.make import make_env
from pong_agent.errors import PongError
from pong_agent.learning.batch import Trajectory
from pong_agent.network import Floats
from pong_agent.rollout import rollout
from pong_agent.training.games import Game, play_games, start_game


class CollectorError(PongError, RuntimeError):
    """Episodes could not be collected; the message says what failed."""


class Unit(NamedTuple):
    """A unit of work of `RolloutWorker.play_games`.

    Attributes:
        games: which games are played on.
        seeds: of the generators that sample their actions and frame skips.
        n_steps: agent steps of each game; None for an episode of each.
        n_varied: how many of the games, the first ones, have a varied frame skip.
    """

    games: Sequence[Game]
    seeds: Sequence[int]
    n_steps: int | None
    n_varied: int = 0


class Collector(Protocol):
    """Plays with given weights; what is played is determined by seeds and games alone."""

    @property
    def n_workers(self) -> int:
        """How many units of work it plays at a time."""
        ...

    def call(
        self, method: str, parameters: Mapping[str, Floats], units: Sequence[Any]
    ) -> list[Any]:
        """Call `RolloutWorker`'s method with weights and each unit; results in their order.

        Raises:
            CollectorError: a call failed.
        """
        ...

    def close(self) -> None:
        """Give back environments and processes."""
        ...


class RolloutWorker:
    """Environments and an agent that plays in them, in whatever process this is.

    Args:
        config: the preset's values, which name the environment.

    Raises:
        NotPongError: the environment is not Pong.
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
                kwargs = environment_kwargs(self._config, varied=varied)
                env = make_env(self._config.env_id, palette=True, **kwargs)
                env.reset()
                self._environments[varied].append(env)
        return self._environments[True][:n_varied] + self._environments[False][:n_fixed]

    def play_episode(
        self, parameters: Mapping[str, Floats], seed: int, deterministic: bool = False
    ) -> Trajectory:
        """Play one whole episode with these weights and this seed."""
        self._agent.set_parameters(parameters)
        [trajectory] = rollout(
            self._agent, [self._environment], [seed], deterministic=deterministic
        )
        return trajectory

    def play_greedy_episode(self, parameters: Mapping[str, Floats], seed: int) -> Trajectory:
        """Play one whole episode, always taking the most probable action."""
        return self.play_episode(parameters, seed, deterministic=True)

    def play_games(
        self, parameters: Mapping[str, Floats], unit: Unit
    ) -> tuple[list[Trajectory], list[Game]]:
        """Play some games on; returns what `games.play_games` returns."""
        self._agent.set_parameters(parameters)
        environments = self._borrow(len(unit.games) - unit.n_varied, unit.n_varied)
        return play_games(self._agent, environments, unit.games, unit.seeds, unit.n_steps)

    def start_game(self, parameters: Mapping[str, Floats], seed: int) -> Game:  # noqa: ARG002
        """Begin a game; the weights, which every unit is given, play no part."""
        return start_game(self._environment, seed)

    def close(self) -> None:
        """Close the environments."""
        for env in self._environments[False] + self._environments[True]:
            env.close()


class SerialCollector:
    """Plays everything in this process, one unit after another: the door for debugging.

    Args:
        config: the preset's values, which name the environment.

    Raises:
        NotPongError: the environment is not Pong.
    """

    n_workers = 1

    def __init__(self, config: AgentConfig) -> None:
        self._worker = RolloutWorker(config)

    def call(
        self, method: str, parameters: Mapping[str, Floats], units: Sequence[Any]
    ) -> list[Any]:
        """Call the worker's method with weights and each unit, in order."""
        return [getattr(self._worker, method)(parameters, unit) for unit in units]

    def close(self) -> None:
        """Close the environments."""
        self._worker.close()
