"""Where training data come from: what plays it, and the collector without Ray."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pong_agent.agent import PongAgent
from pong_agent.batch import Trajectory
from pong_agent.environment import make_env
from pong_agent.network import Floats
from pong_agent.presets import AgentConfig, environment_kwargs
from pong_agent.rollout import rollout
from pong_agent.training.games import Game, play_fragments, start_game

# Games that a worker plays in step, as one unit of work: one call of the network serves all.
GAMES_PER_UNIT = 4


class CollectorError(RuntimeError):
    """Episodes could not be collected; the message says what failed."""


class Collector(Protocol):
    """Plays with given weights; what is played is determined by seeds and games alone."""

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
        self._environments = [make_env(config.env_id, **environment_kwargs(config))]
        self._environments[0].reset()
        self._agent = PongAgent(config, env=self._environments[0])

    def play_episode(
        self, parameters: Mapping[str, Floats], seed: int, deterministic: bool = False
    ) -> Trajectory:
        """Play one whole episode with these weights and this seed."""
        self._agent.set_parameters(parameters)
        [trajectory] = rollout(
            self._agent, self._environments[:1], [seed], deterministic=deterministic
        )
        return trajectory

    def play_greedy_episode(self, parameters: Mapping[str, Floats], seed: int) -> Trajectory:
        """Play one whole episode, always taking the most probable action."""
        return self.play_episode(parameters, seed, deterministic=True)

    def play_fragments(
        self, parameters: Mapping[str, Floats], unit: tuple[Sequence[Game], Sequence[int], int]
    ) -> tuple[list[Trajectory], list[Game]]:
        """Play some games on: games, a seed for each one's actions, number of agent steps."""
        games, seeds, n_steps = unit
        self._agent.set_parameters(parameters)
        while len(self._environments) < len(games):
            env = make_env(self._config.env_id, **environment_kwargs(self._config))
            self._environments.append(env)
            self._environments[-1].reset()
        return play_fragments(self._agent, self._environments[: len(games)], games, seeds, n_steps)

    def start_game(self, parameters: Mapping[str, Floats], seed: int) -> Game:  # noqa: ARG002
        """Begin a game; the weights, which every unit is given, play no part."""
        return start_game(self._environments[0], seed)

    def close(self) -> None:
        """Close the environments."""
        for env in self._environments:
            env.close()


class SerialCollector:
    """Plays everything in this process, one unit after another: the door for debugging.

    Args:
        config: the preset's values, which name the environment.

    Raises:
        NotPongError: the environment is not Pong.
    """

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
