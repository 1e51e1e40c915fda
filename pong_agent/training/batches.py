"""The batch of each update, from games that continue from update to update."""

from pong_agent.agent import PongAgent
from pong_agent.config import AgentConfig
from pong_agent.learning.algorithm import algorithm_of
from pong_agent.learning.batch import Batch
from pong_agent.seeding import Stream, derived_seed
from pong_agent.training.collector import Collector, WorkItem
from pong_agent.training.games import GameSnapshot


class GameBatches:
    """Collects the batch of each update; seed and update determine it.

    With preset `ppo` a batch is a fragment of each of `n_envs` games, which continues where the
    previous update left it; with `reinforce` it is the next episodes of `episodes_per_update`
    games. Work items contain the games, so any worker can continue any of them.

    Args:
        collector: plays.
        config: the agent's hyperparameters.
        games: the games that the next batch continues, also an attribute; None for new ones.
    """

    def __init__(
        self, collector: Collector, config: AgentConfig, games: list[GameSnapshot] | None = None
    ) -> None:
        self.games = games
        self._collector = collector
        self._algorithm = algorithm_of(config)
        self._following: list[GameSnapshot] | None = None  # the games after the collected batch

    def collect(self, agent: PongAgent, root_seed: int) -> Batch:
        """Collect the agent's next batch; the same one again until `advance` is called."""
        if self.games is None:
            self.games = self._collector.start_games(self._seeds(root_seed, 0))
        seeds = self._seeds(root_seed, agent.progress.updates + 1)  # 0 is for `start_games`
        varied = self._algorithm.varied_games
        # The games are divided among the workers; a network call serves all games of a work item.
        size = -(-len(seeds) // self._collector.n_workers)
        items = [
            WorkItem(
                snapshots=self.games[start : start + size],
                seeds=seeds[start : start + size],
                n_steps=agent.algorithm.fragment_steps,
                n_varied=min(max(varied - start, 0), len(seeds[start : start + size])),
            )
            for start in range(0, len(seeds), size)
        ]
        results = self._collector.play(agent.parameters, items)
        self._following = [game for result in results for game in result.snapshots]
        return Batch([trajectory for result in results for trajectory in result.trajectories])

    def advance(self) -> None:
        """Start the next batch where the collected one ended, after learning from it."""
        self.games = self._following

    def _seeds(self, root_seed: int, update: int) -> list[int]:
        return [
            derived_seed(root_seed, Stream.TRAINING_EPISODES, update, index)
            for index in range(self._algorithm.n_games)
        ]
