"""Batches of trajectories."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from pong_agent.learning.trajectory import BatchError, Trajectory


class CutEpisodesWarning(UserWarning):
    """Episodes that an agent learned from in parts are counted by their last parts alone.

    Example:
        >>> warnings.simplefilter("error", CutEpisodesWarning)  # to find out where
    """


@dataclass(frozen=True)
class Batch:
    """The trajectories of one update, in the order in which an agent learns from them.

    Args:
        trajectories: whole episodes, or fragments of games that go on.

    Example:
        >>> import numpy as np
        >>> from pong_agent import UP, TrajectoryBuilder
        >>> builder = TrajectoryBuilder()
        >>> builder.append(np.eye(80, dtype=np.uint8), action=UP, reward=1.0, end=True)
        >>> batch = Batch([builder.build()])
        >>> batch.n_steps, batch.finished_episodes()
        (1, [(1.0, 1)])
    """

    trajectories: tuple[Trajectory, ...]

    def __init__(self, trajectories: Iterable[Trajectory]) -> None:
        if isinstance(trajectories, Trajectory) or not isinstance(trajectories, Iterable):
            found = type(trajectories).__name__
            raise BatchError(f"batch: expected a list of trajectories, found one {found}")
        object.__setattr__(self, "trajectories", tuple(trajectories))

    @property
    def n_steps(self) -> int:
        """Number of agent steps in all trajectories."""
        return sum(len(trajectory) for trajectory in self.trajectories)

    def finished_episodes(self) -> list[tuple[float, int]]:
        """Return the return and the length of each episode that ended in a trajectory, in order."""
        return [one for trajectory in self.trajectories for one in trajectory.finished_episodes()]

    @property
    def is_cut(self) -> bool:
        """Whether an episode goes on after a trajectory."""
        return any(not trajectory.ends[-1] for trajectory in self.trajectories)

    @property
    def loses_parts(self) -> bool:
        """Whether episodes end here, and no trajectory knows of steps in an earlier batch."""
        return any(one.ends.any() for one in self.trajectories) and not any(
            one.steps_before for one in self.trajectories
        )

    def validate(self, observation: str, n_actions: int) -> None:
        """Check that an agent can learn from this batch.

        Args:
            observation: kind of network input, `AgentConfig.observation`.
            n_actions: number of actions that it chooses from.

        Raises:
            BatchError: there is no trajectory, one is not valid, or one was made for another kind
                of observation.
        """
        if not self.trajectories:
            raise BatchError("batch.trajectories: expected one or more, found none")
        for index, trajectory in enumerate(self.trajectories):
            name = f"batch.trajectories[{index}]"
            if not isinstance(trajectory, Trajectory):
                raise BatchError(
                    f"{name}: expected a Trajectory, found {type(trajectory).__name__}"
                )
            if trajectory.observation != observation:
                raise BatchError(
                    f"{name}.observation: expected {observation!r} as the agent sees, "
                    f"found {trajectory.observation!r}"
                )
            trajectory.validate(name, n_actions)


def warn_of_cut_episodes() -> None:
    """Warn the caller of the method that calls this."""
    warnings.warn(
        "the last batch held unfinished episodes, and none goes on in this one: their returns and "
        "lengths would count from the cut; keep one TrajectoryBuilder for each environment, or "
        "pass end=True with the last step of an episode that is abandoned; this warning comes once "
        "for each agent",
        CutEpisodesWarning,
        stacklevel=3,
    )
