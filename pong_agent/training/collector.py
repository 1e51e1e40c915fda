"""Where training episodes come from: what plays one, and the collector without Ray."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pong_agent.agent import PongAgent
from pong_agent.batch import Trajectory
from pong_agent.environment import make_env
from pong_agent.network import Floats
from pong_agent.presets import ReinforceConfig
from pong_agent.rollout import rollout


class CollectorError(RuntimeError):
    """Episodes could not be collected; the message says what failed."""


class Collector(Protocol):
    """Plays episodes with given weights, each determined by its seed alone."""

    def collect(
        self,
        parameters: Mapping[str, Floats],
        seeds: Sequence[int],
        *,
        deterministic: bool = False,
    ) -> list[Trajectory]:
        """Play one whole episode for each seed; trajectories come in the order of the seeds.

        Raises:
            CollectorError: an episode could not be played.
        """
        ...

    def close(self) -> None:
        """Give back environments and processes."""
        ...


class RolloutWorker:
    """An environment and an agent that plays in it, in whatever process this is.

    Args:
        config: the preset's values, which name the environment.

    Raises:
        NotPongError: the environment is not Pong.
    """

    def __init__(self, config: ReinforceConfig) -> None:
        self._env = make_env(config.env_id)
        self._agent = PongAgent(config, env=self._env)

    def play(
        self, parameters: Mapping[str, Floats], seed: int, deterministic: bool = False
    ) -> Trajectory:
        """Play one whole episode with these weights and this seed."""
        self._agent.set_parameters(parameters)
        [trajectory] = rollout(self._agent, [self._env], [seed], deterministic=deterministic)
        return trajectory

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


class SerialCollector:
    """Plays the episodes one after another in this process: the door for debugging.

    Args:
        config: the preset's values, which name the environment.

    Raises:
        NotPongError: the environment is not Pong.
    """

    def __init__(self, config: ReinforceConfig) -> None:
        self._worker = RolloutWorker(config)

    def collect(
        self,
        parameters: Mapping[str, Floats],
        seeds: Sequence[int],
        *,
        deterministic: bool = False,
    ) -> list[Trajectory]:
        """Play one whole episode for each seed, in order."""
        return [self._worker.play(parameters, seed, deterministic) for seed in seeds]

    def close(self) -> None:
        """Close the environment."""
        self._worker.close()
