"""How far an agent has learned: counters that only learning moves."""

from dataclasses import dataclass

from pong_agent.batch import Batch


@dataclass(frozen=True)
class Progress:
    """Counters of what was learned from.

    Attributes:
        updates: calls of `learn_from_batch` that succeeded.
        episodes: episodes learned from.
        agent_steps: agent steps (decisions) learned from.
        running_return: running mean of the episodes' returns (`running_reward` of the notebook),
            None before the first.
    """

    updates: int = 0
    episodes: int = 0
    agent_steps: int = 0
    running_return: float | None = None

    def after(self, batch: Batch, decay: float) -> "Progress":
        """Count one update; the running mean starts at the first return, then moves with each.

            m <- decay * m + (1 - decay) * return

        Args:
            batch: what the update was made from.
            decay: weight of the old mean, per episode.
        """
        running = self.running_return
        for trajectory in batch.trajectories:
            episode_return = trajectory.episode_return
            if running is None:
                running = episode_return
            else:
                running = decay * running + (1 - decay) * episode_return
        return Progress(
            updates=self.updates + 1,
            episodes=self.episodes + len(batch.trajectories),
            agent_steps=self.agent_steps + batch.n_steps,
            running_return=running,
        )
