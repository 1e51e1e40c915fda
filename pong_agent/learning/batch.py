"""Batches of trajectories, and the builder that packs agent steps into a trajectory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from pong_agent.learning.trajectory import BatchError, Trajectory
from pong_agent.vision.pixels import ObservationError, Pixels, field_pixels

# A playing field: (80, 80) uint8 of 0 and 1, or the indices of its lit pixels.
Field: TypeAlias = NDArray[np.uint8] | Pixels


@dataclass(frozen=True)
class Batch:
    """The trajectories of one update, in the order in which an agent learns from them.

    Args:
        trajectories: whole episodes, or fragments of games that go on.

    Example:
        >>> from pong_agent import UP
        >>> builder = TrajectoryBuilder()
        >>> builder.append(np.eye(80, dtype=np.uint8), action=UP, reward=1.0, end=True)
        >>> batch = Batch([builder.build()])
        >>> batch.n_steps, batch.finished_episodes()
        (1, [(1.0, 1)])
    """

    trajectories: tuple[Trajectory, ...]

    def __init__(self, trajectories: Iterable[Trajectory]) -> None:
        object.__setattr__(self, "trajectories", tuple(trajectories))

    @property
    def n_steps(self) -> int:
        """Number of agent steps in all trajectories."""
        return sum(len(trajectory) for trajectory in self.trajectories)

    def finished_episodes(self) -> list[tuple[float, int]]:
        """Return the return and the length of each episode that ended in a trajectory, in order."""
        return [one for trajectory in self.trajectories for one in trajectory.finished_episodes()]

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


class TrajectoryBuilder:
    """Collect agent steps one by one and pack them into a `Trajectory`.

    Args:
        seed: the episode's seed, -1 where there is none.
        observation: kind of network input.
        previous: the field before the first one, as for `append`; None where the first one starts
            an episode.

    Example:
        >>> from pong_agent import DOWN, UP
        >>> builder = TrajectoryBuilder(seed=7)
        >>> builder.append(np.eye(80, dtype=np.uint8), action=UP, reward=0.0)
        >>> builder.append(np.eye(80, dtype=np.uint8), action=DOWN, reward=1.0, end=True)
        >>> trajectory = builder.build()
        >>> len(trajectory), trajectory.episode_return
        (2, 1.0)
    """

    def __init__(
        self,
        seed: int = -1,
        observation: str = "difference",
        previous: Field | None = None,
    ) -> None:
        self.seed = seed
        self.observation = observation
        self._frames = [] if previous is None else [_as_pixels(previous)]
        self._actions: list[int] = []
        self._rewards: list[float] = []
        self._ends: list[bool] = []
        self._probabilities: list[Sequence[float]] = []

    def append(
        self,
        field: Field,
        *,
        action: int,
        reward: float,
        end: bool = False,
        probabilities: Sequence[float] | None = None,
    ) -> None:
        """Add one agent step.

        Args:
            field: (80, 80) uint8 of 0 and 1, `preprocess_frame` of the frame acted on, or its lit
                pixels, [n] uint16 as from `lit_pixels`.
            action: DOWN, UP or STAY.
            reward: the environment's reward for the action.
            end: whether the episode ended with it.
            probabilities: [A], of the actions before one was chosen; for all steps or none.

        Raises:
            BatchError: the field has another shape or dtype.
        """
        frame = _as_pixels(field)
        if not self._frames:
            self._frames.append(frame)
        self._frames.append(frame)
        self._actions.append(int(action))
        self._rewards.append(float(reward))
        self._ends.append(bool(end))
        if probabilities is not None:
            self._probabilities.append(probabilities)

    def build(self, following: Field | None = None) -> Trajectory:
        """Pack the steps into a trajectory.

        Args:
            following: the field after the last step, as for `append`; not needed where the episode
                ended there.

        Raises:
            BatchError: no step was appended, or the field has another shape or dtype.
        """
        if not self._actions:
            raise BatchError("trajectory: expected one step or more, found none")
        last = self._frames[-1] if following is None else _as_pixels(following)
        frames = [*self._frames, last]
        counts, noted = [len(frame) for frame in frames], self._probabilities
        return Trajectory(
            pixels=np.concatenate(frames),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            actions=np.array(self._actions, dtype=np.uint8),
            rewards=np.array(self._rewards, dtype=np.float32),
            ends=np.array(self._ends, dtype=np.bool_),
            seed=self.seed,
            observation=self.observation,
            probabilities=np.array(noted, dtype=np.float32) if noted else None,
        )


def _as_pixels(field: Field) -> Pixels:
    if field.ndim == 1 and field.dtype == np.uint16:
        return cast("Pixels", field)
    try:
        return field_pixels(cast("NDArray[np.uint8]", field))
    except ObservationError as error:
        raise BatchError(str(error)) from error
