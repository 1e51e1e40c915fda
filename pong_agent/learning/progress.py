"""Counters of what an agent has learned from."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from pong_agent.learning.batch import Batch

RECENT = 30  # episodes that the mean training return is taken over


@dataclass(frozen=True)
class Progress:
    """Counters of learning.

    Attributes:
        updates: number of successful calls of `learn_from_batch`.
        episodes: episodes learned from.
        agent_steps: agent steps learned from.
        running_return: running mean of the episodes' returns (`running_reward` of the notebook),
            None before the first.
        recent_returns: returns of the last 30 episodes that ended, oldest first.
        recent_lengths: their lengths in agent steps.
    """

    updates: int = 0
    episodes: int = 0
    agent_steps: int = 0
    running_return: float | None = None
    recent_returns: tuple[float, ...] = ()
    recent_lengths: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Progress":
        """Rebuild from `dataclasses.asdict`, also after JSON has made lists of tuples.

        Raises:
            TypeError: a name is missing or unknown.
            ValueError: a counter or return is invalid.
        """
        tuples = {name: tuple(item) for name, item in values.items() if isinstance(item, list)}
        progress = cls(**{**values, **tuples})
        counts = (progress.updates, progress.episodes, progress.agent_steps)
        lengths, returns = progress.recent_lengths, progress.recent_returns
        running = [] if progress.running_return is None else [progress.running_return]
        if (
            not all(type(count) is int and count >= 0 for count in (*counts, *lengths))
            or not all(type(one) is float and isfinite(one) for one in (*returns, *running))
            or not len(returns) == len(lengths) <= RECENT
        ):
            raise ValueError(f"progress: expected counts and finite returns, found {dict(values)}")
        return progress

    @property
    def mean_return(self) -> float:
        """Mean return of the last 30 episodes, NaN before the first."""
        return sum(self.recent_returns) / len(self.recent_returns) if self.recent_returns else nan

    @property
    def mean_length(self) -> float:
        """Mean length of the last 30 episodes in agent steps, NaN before the first."""
        return sum(self.recent_lengths) / len(self.recent_lengths) if self.recent_lengths else nan

    def after(self, batch: Batch, decay: float) -> "Progress":
        """Count one update from a batch.

        The running mean starts at the first return: `m <- decay * m + (1 - decay) * return`.
        """
        running = self.running_return
        finished = batch.finished_episodes()
        for episode_return, _ in finished:
            if running is None:
                running = episode_return
            else:
                running = decay * running + (1 - decay) * episode_return
        returns = self.recent_returns + tuple(episode_return for episode_return, _ in finished)
        lengths = self.recent_lengths + tuple(length for _, length in finished)
        return Progress(
            updates=self.updates + 1,
            episodes=self.episodes + len(finished),
            agent_steps=self.agent_steps + batch.n_steps,
            running_return=running,
            recent_returns=returns[-RECENT:],
            recent_lengths=lengths[-RECENT:],
        )
