"""What each update is made from: whole episodes, or fragments of games that are played on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pong_agent.agent import PongAgent
from pong_agent.batch import Batch
from pong_agent.checkpoint import CheckpointError, load_arrays, save_arrays
from pong_agent.presets import PPOConfig, ReinforceConfig
from pong_agent.rollout import episode_seed
from pong_agent.training.collector import GAMES_PER_UNIT, Collector
from pong_agent.training.games import Game, games_from_arrays, games_to_arrays


class BatchSource(Protocol):
    """Collects the batch of an update; the same seed and update give the same batch."""

    def collect(self, agent: PongAgent, root_seed: int) -> Batch:
        """Collect the agent's next batch; until `advance`, doing so again gives the same one."""
        ...

    def advance(self) -> None:
        """Go on from the end of the collected batch, now that it was learned from."""
        ...

    def save(self, path: Path) -> None:
        """Write what the next batch depends on besides the agent."""
        ...

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        ...


class EpisodeBatches:
    """Whole episodes from a fresh environment each, as in the notebook.

    Args:
        collector: plays them.
        config: the preset's values.
    """

    def __init__(self, collector: Collector, config: ReinforceConfig) -> None:
        self._collector = collector
        self._config = config

    def collect(self, agent: PongAgent, root_seed: int) -> Batch:
        """Play `episodes_per_update` episodes."""
        update = agent.progress.updates
        seeds = [
            episode_seed(root_seed, update, index)
            for index in range(self._config.episodes_per_update)
        ]
        return Batch(self._collector.call("play_episode", agent.parameters, seeds))

    def advance(self) -> None:
        """Do nothing: the agent's number of updates says which episodes are next."""

    def save(self, path: Path) -> None:
        """Write nothing: each episode begins anew."""

    def load(self, path: Path) -> None:
        """Read nothing."""


class GameBatches:
    """Fragments of `n_envs` games, each played on from where the update before left it.

    The games travel with the units of work, so that any worker can play any fragment.

    Args:
        collector: plays them.
        config: the preset's values.
    """

    def __init__(self, collector: Collector, config: PPOConfig) -> None:
        self._collector = collector
        self._config = config
        self._games: list[Game] = []
        self._following: list[Game] = []  # after the collected batch

    def collect(self, agent: PongAgent, root_seed: int) -> Batch:
        """Play as many agent steps of each game as the schedule says."""
        numbers = range(self._config.n_envs)
        games = self._games
        if not games:
            seeds = [episode_seed(root_seed, 0, index) for index in numbers]
            games = self._collector.call("start_game", {}, seeds)
        update = agent.progress.updates + 1  # 0 began the games
        annealed = self._config.annealed(agent.progress.agent_steps, agent.progress.mean_return)
        seeds = [episode_seed(root_seed, update, index) for index in numbers]
        units = [
            (
                games[first:last],
                seeds[first:last],
                annealed.fragment_steps,
                min(max(self._config.varied_games - first, 0), last - first),
            )
            for first, last in _pieces(len(games), GAMES_PER_UNIT)
        ]
        played = self._collector.call("play_fragments", agent.parameters, units)
        self._following = [game for _, following in played for game in following]
        return Batch(trajectory for trajectories, _ in played for trajectory in trajectories)

    def advance(self) -> None:
        """Let the next batch begin where the collected one ended."""
        self._games = self._following

    def save(self, path: Path) -> None:
        """Write the games.

        Raises:
            CheckpointError: the file cannot be written.
        """
        if self._games:
            save_arrays(path, games_to_arrays(self._games), {})

    def load(self, path: Path) -> None:
        """Read the games.

        Raises:
            CheckpointError: the file cannot be read, or holds another number of games.
        """
        arrays, _ = load_arrays(path)
        try:
            games = games_from_arrays(arrays)
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"{path}: not the games of a run: {error}") from error
        if len(games) != self._config.n_envs:
            raise CheckpointError(
                f"{path}: expected {self._config.n_envs} games, found {len(games)}"
            )
        self._games = games


def make_source(collector: Collector, agent: PongAgent) -> BatchSource:
    """Return the source of batches that the agent's algorithm learns from."""
    config = agent.config
    if isinstance(config, PPOConfig):
        return GameBatches(collector, config)
    return EpisodeBatches(collector, config)


def _pieces(total: int, size: int) -> Sequence[tuple[int, int]]:
    return [(first, min(first + size, total)) for first in range(0, total, size)]
