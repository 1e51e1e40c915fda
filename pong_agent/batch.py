"""What an agent learns from: trajectories in compact form, and batches of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pong_agent.observation import FIELD_SHAPE, N_PIXELS, SparseRows, difference_of_successive


class BatchError(ValueError):
    """A batch cannot be learned from; the message names field, expectation and finding."""


@dataclass(frozen=True)
class Trajectory:
    """One whole episode of T agent steps, from a reset to its end.

    Frames are kept as the indices of their lit pixels (24 to 30 of 6,400), so a step weighs about
    70 bytes where the notebook's dense float64 row weighs 51,200.

    Attributes:
        pixels: [nnz] uint16, lit pixels of frame 0, then of frame 1, ..., each increasing; pixel
            i is row i // 80, column i % 80 of the playing field.
        offsets: [T + 1] int64, frame t has its pixels at `slice(offsets[t], offsets[t + 1])`.
        actions: [T] uint8, 1 where UP was taken and 0 where DOWN was.
        rewards: [T] float32, reward of the environment after each action.
        seed: the episode's seed: what the environment was reset with, and the root of the
            generator that sampled the actions; -1 where there was none.
        terminated: whether the environment ended the episode.
        truncated: whether a limit cut it off.
        observation: what the network was shown, `ReinforceConfig.observation`.
    """

    pixels: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    actions: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    seed: int = -1
    terminated: bool = True
    truncated: bool = False
    observation: str = "difference"

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def episode_return(self) -> float:
        """Undiscounted sum of the rewards: the difference of points in Pong, -21 to 21."""
        return float(self.rewards.sum(dtype=np.float64))

    def network_input(self) -> SparseRows:
        """Return what the network saw at each step, T sparse rows."""
        return difference_of_successive(self.pixels, self.offsets)

    def validate(self, name: str = "trajectory") -> None:
        """Check every field.

        Args:
            name: what to call the trajectory in the message.

        Raises:
            BatchError: a field has a wrong type, shape, dtype or value.
        """
        for field_name, dtype in _DTYPES.items():
            array = getattr(self, field_name)
            if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
                raise BatchError(
                    f"{name}.{field_name}: expected a one-dimensional array of "
                    f"{np.dtype(dtype)}, found {_describe(array)}"
                )
        length = len(self.actions)
        if length == 0:
            raise BatchError(f"{name}.actions: expected one step or more, found none")
        if self.rewards.shape != (length,):
            raise BatchError(
                f"{name}.rewards: expected shape ({length},) as actions have, "
                f"found {self.rewards.shape}"
            )
        if not np.isfinite(self.rewards).all():
            step = int(np.flatnonzero(~np.isfinite(self.rewards))[0])
            found = self.rewards[step]
            raise BatchError(
                f"{name}.rewards: expected finite numbers, found {found} at step {step}"
            )
        if self.actions.max() > 1:
            raise BatchError(
                f"{name}.actions: expected 1 (UP) or 0 (DOWN), found {self.actions.max()}"
            )
        self._validate_pixels(name)

    def _validate_pixels(self, name: str) -> None:
        shape = (len(self.actions) + 1,)
        if self.offsets.shape != shape:
            raise BatchError(
                f"{name}.offsets: expected shape {shape}, one more than actions, "
                f"found {self.offsets.shape}"
            )
        ends = (int(self.offsets[0]), int(self.offsets[-1]))
        if ends != (0, len(self.pixels)) or (np.diff(self.offsets) < 0).any():
            raise BatchError(
                f"{name}.offsets: expected to rise from 0 to len(pixels) = {len(self.pixels)}, "
                f"found first and last {ends} and a smallest difference of "
                f"{np.diff(self.offsets).min()}"
            )
        if len(self.pixels) and self.pixels.max() >= N_PIXELS:
            raise BatchError(
                f"{name}.pixels: expected indices below {N_PIXELS}, found {self.pixels.max()}"
            )
        frame_of = np.repeat(np.arange(len(self.actions)), np.diff(self.offsets))
        if (np.diff(frame_of * N_PIXELS + self.pixels) <= 0).any():
            raise BatchError(
                f"{name}.pixels: expected increasing indices within each frame, "
                "found a repeated or unsorted one"
            )


_DTYPES: dict[str, type[np.generic]] = {
    "pixels": np.uint16,
    "offsets": np.int64,
    "actions": np.uint8,
    "rewards": np.float32,
}


@dataclass(frozen=True)
class Batch:
    """The trajectories of one update, in the order in which their gradients are summed."""

    trajectories: tuple[Trajectory, ...]

    def __init__(self, trajectories: Iterable[Trajectory]) -> None:
        object.__setattr__(self, "trajectories", tuple(trajectories))

    @property
    def n_steps(self) -> int:
        """Number of agent steps in all trajectories."""
        return sum(len(trajectory) for trajectory in self.trajectories)

    def statistics(self) -> dict[str, float]:
        """Return "episodes", "agent_steps", "ep_rew_mean" and "ep_len_mean" (agent steps)."""
        episodes = len(self.trajectories)
        total = sum(trajectory.episode_return for trajectory in self.trajectories)
        return {
            "episodes": float(episodes),
            "agent_steps": float(self.n_steps),
            "ep_rew_mean": total / episodes,
            "ep_len_mean": self.n_steps / episodes,
        }

    def validate(self, observation: str) -> None:
        """Check that an agent that sees `observation` can learn from this batch.

        Raises:
            BatchError: there is no trajectory, one is not valid, or one was made for another kind
                of observation.
        """
        if not self.trajectories:
            raise BatchError("batch.trajectories: expected one or more, found none")
        for index, trajectory in enumerate(self.trajectories):
            name = f"batch.trajectories[{index}]"
            if not isinstance(trajectory, Trajectory):
                raise BatchError(f"{name}: expected a Trajectory, found {_describe(trajectory)}")
            if trajectory.observation != observation:
                raise BatchError(
                    f"{name}.observation: expected {observation!r} as the agent sees, "
                    f"found {trajectory.observation!r}"
                )
            trajectory.validate(name)


@dataclass
class TrajectoryBuilder:
    """Collects an episode step by step and packs it into a `Trajectory`.

    Example:
        >>> builder = TrajectoryBuilder(seed=7)
        >>> builder.append(np.eye(80, dtype=np.uint8), up=True, reward=0.0)
        >>> builder.append(np.eye(80, dtype=np.uint8), up=False, reward=1.0)
        >>> trajectory = builder.build()
        >>> len(trajectory), trajectory.episode_return
        (2, 1.0)
    """

    seed: int = -1
    observation: str = "difference"
    _pixels: list[NDArray[np.uint16]] = field(default_factory=list, repr=False)
    _actions: list[bool] = field(default_factory=list, repr=False)
    _rewards: list[float] = field(default_factory=list, repr=False)

    def append(self, field: NDArray[np.uint8], *, up: bool, reward: float) -> None:
        """Add one agent step.

        Args:
            field: (80, 80) uint8 of 0 and 1, `preprocess_frame` of the frame acted on.
            up: whether UP was taken (DOWN otherwise).
            reward: what the environment gave for the action.

        Raises:
            BatchError: the field has another shape or dtype.
        """
        if field.shape != FIELD_SHAPE or field.dtype != np.uint8:
            raise BatchError(f"field: expected uint8 of {FIELD_SHAPE}, found {_describe(field)}")
        lit = np.flatnonzero(field.reshape(-1) != 0)  # booleans take flatnonzero's fast path
        self._pixels.append(lit.astype(np.uint16))
        self._actions.append(bool(up))
        self._rewards.append(float(reward))

    def build(self, *, terminated: bool = True, truncated: bool = False) -> Trajectory:
        """Pack the steps into a trajectory.

        Raises:
            BatchError: no step was appended.
        """
        if not self._actions:
            raise BatchError("trajectory: expected one step or more, found none")
        counts = [len(pixels) for pixels in self._pixels]
        return Trajectory(
            pixels=np.concatenate(self._pixels),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            actions=np.array(self._actions, dtype=np.uint8),
            rewards=np.array(self._rewards, dtype=np.float32),
            seed=self.seed,
            terminated=terminated,
            truncated=truncated,
            observation=self.observation,
        )


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"{type(value).__name__} {value!r:.60}"
