"""What each update is made from: whole episodes, or fragments of games that are played on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pong_agent.agent import PongAgent
from pong_agent.batch import Batch, Trajectory
from pong_agent.checkpoint import CheckpointError, load_arrays, save_arrays
from pong_agent.network import Floats
from pong_agent.presets import PPOConfig, ReinforceConfig
from pong_agent.rollout import episode_seed
from pong_agent.training.collector import (
    Collector,
    CollectorError,
    SerialCollector,
    Unit,
)
from pong_agent.training.games import (
    Game,
    games_from_arrays,
    games_to_arrays,
    trajectory_from_arrays,
    trajectory_to_arrays,
)


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

    The games travel with the units of work, so that any worker can play any fragment. A worker that
    has played its fragments goes straight on with the first steps of the next ones, `early_share`
    of them, while the batch is learned from: no core waits for the learner. They come from the
    weights before that update. Their number is fixed beforehand, and so the batches are the same
    however long the learner takes.

    Args:
        collector: plays them.
        config: the preset's values.
    """

    def __init__(self, collector: Collector, config: PPOConfig) -> None:
        self._collector = collector
        self._config = config
        self._ahead: _Ahead | None = None  # where the next batch goes on from
        self._following: _Ahead | None = None  # the same after the collected batch

    def collect(self, agent: PongAgent, root_seed: int) -> Batch:
        """Play as many agent steps of each game as the schedule says."""
        if self._ahead is None:
            seeds = self._seeds(root_seed, 0)
            self._ahead = _Ahead([[([], self._collector.call("start_game", {}, seeds))]])
        parameters = agent.parameters
        self._collector.share(parameters)
        early, games = self._ahead.played()
        config, progress = self._config, agent.progress
        n_steps = config.annealed(progress.agent_steps, progress.mean_return).fragment_steps
        n_early = int(config.early_share * n_steps)
        n_rest = max(1, n_steps - len(early[0]) if early else n_steps)
        seeds = self._seeds(root_seed, progress.updates + 1)  # 0 began the games
        units = self._units(games, seeds, n_rest, n_early)
        parts = self._collector.stream("play_fragments", parameters, units)
        trajectories = [trajectory for played in next(parts) for trajectory in played]
        self._following = _Ahead(parts, lambda: self._again(parameters, units))
        if early:
            pairs = zip(early, trajectories, strict=True)
            trajectories = [first.followed_by(rest) for first, rest in pairs]
        return Batch(trajectories)

    def advance(self) -> None:
        """Let the next batch begin where the collected one ended."""
        self._ahead = self._following

    def _seeds(self, root_seed: int, update: int) -> list[int]:
        return [episode_seed(root_seed, update, index) for index in range(self._config.n_envs)]

    def _units(self, games: list[Game], seeds: list[int], n_steps: int, n_early: int) -> list[Unit]:
        """Deal the games out to the workers; one call of the network serves all of a unit."""
        size = -(-len(games) // self._collector.n_workers)
        starts = range(0, len(games), size)
        varied = self._config.varied_games
        return [
            Unit(
                games=games[start : start + size],
                seeds=seeds[start : start + size],
                n_steps=n_steps,
                n_early=n_early,
                n_varied=min(max(varied - start, 0), len(games[start : start + size])),
            )
            for start in starts
        ]

    def save(self, path: Path) -> None:
        """Write the games, and what has been played of the next fragments.

        Raises:
            CheckpointError: the file cannot be written.
        """
        if self._ahead is None:
            return
        early, games = self._ahead.played(for_sure=True)
        arrays = games_to_arrays(games)
        for index, trajectory in enumerate(early):
            arrays |= trajectory_to_arrays(trajectory, f"early/{index}/")
        save_arrays(path, arrays, {})

    def _again(self, parameters: Mapping[str, Floats], units: Sequence[Unit]) -> list[Any]:
        """Play units once more in this process, and return what comes after the fragments."""
        collector = SerialCollector(self._config)
        try:
            *_, last = collector.stream("play_fragments", parameters, units)
        finally:
            collector.close()
        return last

    def load(self, path: Path) -> None:
        """Read what `save` wrote.

        Raises:
            CheckpointError: the file cannot be read, or holds another number of games.
        """
        arrays, _ = load_arrays(path)
        n_envs = self._config.n_envs
        try:
            games = games_from_arrays(arrays)
            early = [
                trajectory_from_arrays(arrays, f"early/{index}/", self._config.observation)
                for index in range(n_envs)
                if f"early/{index}/actions" in arrays
            ]
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"{path}: not the games of a run: {error}") from error
        if len(games) != n_envs or len(early) not in (0, n_envs):
            raise CheckpointError(
                f"{path}: expected {n_envs} games, found {len(games)}, {len(early)} played ahead"
            )
        self._ahead = _Ahead([[(early, games)]])


class _Ahead:
    """What is played of the next fragments while a batch is learned from; asked for when needed.

    Args:
        parts: its next item is, for each unit, the trajectories and the games that they lead to.
        again: gives the same once more, should `parts` fail.
    """

    def __init__(
        self, parts: Iterable[list[Any]], again: Callable[[], list[Any]] | None = None
    ) -> None:
        self._parts = iter(parts)
        self._again = again
        self._played: tuple[list[Trajectory], list[Game]] | None = None

    def played(self, *, for_sure: bool = False) -> tuple[list[Trajectory], list[Game]]:
        """Return trajectories, none where nothing is played ahead, and games to go on with.

        Args:
            for_sure: do it once more in this process where the workers that did it are lost.

        Raises:
            CollectorError: a worker failed.
        """
        if self._played is None:
            try:
                units = next(self._parts)
            except CollectorError:
                if not for_sure or self._again is None:
                    raise
                units = self._again()
            self._played = (
                [trajectory for trajectories, _ in units for trajectory in trajectories],
                [game for _, games in units for game in games],
            )
            self._again = None
        return self._played


def make_source(collector: Collector, agent: PongAgent) -> BatchSource:
    """Return the source of batches that the agent's algorithm learns from."""
    config = agent.config
    if isinstance(config, PPOConfig):
        return GameBatches(collector, config)
    return EpisodeBatches(collector, config)
