"""What each update is made from: games that are played on from update to update."""

import zlib
from pathlib import Path

from pong_agent.agent import PongAgent
from pong_agent.checkpoint import CheckpointError, load_arrays, save_arrays
from pong_agent.config import AgentConfig, PPOConfig
from pong_agent.learning.batch import Batch
from pong_agent.seeding import Stream, derived_seed
from pong_agent.training.collector import Collector, WorkItem
from pong_agent.training.games import GameSnapshot, snapshots_from_arrays, snapshots_to_arrays


class GameBatches:
    """Collects the batch of an update; the same seed and update give the same batch.

    Preset `ppo` learns from fragments of `n_envs` games, each played on from where the update
    before left it, `reinforce` from the next episodes of `episodes_per_update` games. The games
    travel with the units of work, so that any worker can play any of them on.

    Args:
        collector: plays them.
        config: the preset's values.
    """

    def __init__(self, collector: Collector, config: AgentConfig) -> None:
        self._collector = collector
        self._config = config
        self._games: list[GameSnapshot] | None = None  # where the next batch goes on from
        self._following: list[GameSnapshot] | None = None  # the same after the collected batch

    def collect(self, agent: PongAgent, root_seed: int) -> Batch:
        """Collect the agent's next batch; until `advance`, doing so again gives the same one.

        Raises:
            CollectorError: games could not be played.
        """
        if self._games is None:
            self._games = self._collector.start_games(self._seeds(root_seed, 0))
        seeds = self._seeds(root_seed, agent.progress.updates + 1)  # 0 began the games
        items = self._work_items(self._games, seeds, self._n_steps(agent))
        results = self._collector.play(agent.parameters, items)
        self._following = [game for result in results for game in result.snapshots]
        return Batch([trajectory for result in results for trajectory in result.trajectories])

    def advance(self) -> None:
        """Let the next batch begin where the collected one ended, now that it was learned from."""
        self._games = self._following

    def _n_steps(self, agent: PongAgent) -> int | None:
        """Return the agent steps of each game that the schedule asks for; None for an episode."""
        if not isinstance(self._config, PPOConfig):
            return None
        progress = agent.progress
        return self._config.annealed(progress.agent_steps, progress.mean_return).fragment_steps

    def _seeds(self, root_seed: int, update: int) -> list[int]:
        return [
            derived_seed(root_seed, Stream.TRAINING_EPISODES, update, index)
            for index in range(n_games(self._config))
        ]

    def _work_items(
        self, games: list[GameSnapshot], seeds: list[int], n_steps: int | None
    ) -> list[WorkItem]:
        """Divide the games among the workers; a network call serves all games of a work item."""
        size = -(-len(games) // self._collector.n_workers)
        varied = getattr(self._config, "varied_games", 0)
        return [
            WorkItem(
                snapshots=games[start : start + size],
                seeds=seeds[start : start + size],
                n_steps=n_steps,
                n_varied=min(max(varied - start, 0), len(games[start : start + size])),
            )
            for start in range(0, len(games), size)
        ]

    def save(self, path: Path) -> None:
        """Write the games, what the next batch depends on besides the agent.

        Raises:
            CheckpointError: the file cannot be written.
        """
        if self._games is not None:
            save_arrays(path, snapshots_to_arrays(self._games), {})

    def load(self, path: Path) -> None:
        """Read what `save` wrote.

        Raises:
            CheckpointError: the file cannot be read, or holds another number of games.
        """
        self._games = load_games(path, self._config)


def load_games(path: Path, config: AgentConfig) -> list[GameSnapshot]:
    """Read what `GameBatches.save` wrote.

    Raises:
        CheckpointError: the file cannot be read, or holds another number of games.
    """
    arrays, _ = load_arrays(path)
    try:
        games = snapshots_from_arrays(arrays)
    except (KeyError, TypeError, ValueError, IndexError, zlib.error) as error:
        raise CheckpointError(f"{path}: not the games of a run: {error}") from error
    expected = n_games(config)
    if len(games) != expected:
        raise CheckpointError(f"{path}: expected {expected} games, found {len(games)}")
    return games


def n_games(config: AgentConfig) -> int:
    """Return how many games an update is made from."""
    return config.n_envs if isinstance(config, PPOConfig) else config.episodes_per_update
