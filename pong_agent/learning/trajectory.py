"""Trajectories: successive agent steps in compact form."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import NAMES
from pong_agent.errors import PongError
from pong_agent.vision.network_input import SparseRows, observe_stored
from pong_agent.vision.pixels import N_PIXELS


class BatchError(PongError, ValueError):
    """A batch is invalid; the message names the field, what was expected and what was found."""


@dataclass(frozen=True)
class Trajectory:
    """T successive agent steps in one environment: a whole episode, or a fragment of a game.

    Fields are kept as the indices of their lit pixels (24 to 30 of 6,400), so a step weighs about
    70 bytes where the notebook's dense float64 row weighs 51,200. There are T + 2 of them: the one
    before the first step (the first one itself where an episode starts), those acted on, and the
    one after the last step.

    Attributes:
        pixels: [nnz] uint16, lit pixels of the fields one after the other, each increasing; pixel
            i is row i // 80, column i % 80 of the playing field.
        offsets: [T + 3] int64, field f has its pixels at `slice(offsets[f], offsets[f + 1])`.
        actions: [T] uint8, action taken: `actions.DOWN` (0), `UP` (1) or `STAY` (2).
        rewards: [T] float32, reward of the environment after each action.
        ends: [T] bool, whether the episode ended with the step, so that the next one starts anew.
        seed: the episode's seed: what the environment was reset with, and the root of the
            generator that sampled the actions; -1 where there was none.
        observation: kind of network input, one of `vision.network_input.INPUT_SIZES`.
        return_before: sum of the running episode's rewards before the first step.
        steps_before: number of its steps before the first one.
        probabilities: [T, A] float32, of DOWN, UP and perhaps STAY under the weights that played;
            None where they were not noted.
    """

    pixels: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    actions: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ends: NDArray[np.bool_]
    seed: int = -1
    observation: str = "difference"
    return_before: float = 0.0
    steps_before: int = 0
    probabilities: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def episode_return(self) -> float:
        """Undiscounted sum of the rewards: the difference of points in Pong, -21 to 21."""
        return float(self.rewards.sum(dtype=np.float64))

    def finished_episodes(self) -> list[tuple[float, int]]:
        """Return the return and the length, in agent steps, of each episode that ended here."""
        stops = np.flatnonzero(self.ends) + 1
        totals = np.concatenate([[0.0], np.cumsum(self.rewards, dtype=np.float64)])[[0, *stops]]
        totals[0] -= self.return_before
        lengths = np.diff([-self.steps_before, *stops])
        return list(zip(np.diff(totals).tolist(), lengths.tolist(), strict=True))

    def unfinished_episode(self) -> tuple[float, int]:
        """Return the return and the length so far of the episode that goes on; zeros if none."""
        ends = np.flatnonzero(self.ends)
        since = int(ends[-1]) + 1 if len(ends) else 0
        total, steps = float(self.rewards[since:].sum()), len(self) - since
        if len(ends):
            return total, steps
        return self.return_before + total, self.steps_before + steps

    def network_input(self, *, with_next: bool = False) -> SparseRows:
        """Return the network's input at each step.

        Args:
            with_next: add the input after the last step.

        Returns:
            T sparse rows, or T + 1.
        """
        current = np.arange(1, len(self) + 1 + with_next)
        starts = np.zeros(len(current), dtype=np.bool_)
        starts[1:] = self.ends[: len(current) - 1]
        previous = np.where(starts, current, current - 1)
        return observe_stored(self.observation, self.pixels, self.offsets, current, previous)

    def validate(self, name: str = "trajectory", n_actions: int = len(NAMES)) -> None:
        """Check every field.

        Args:
            name: what to call the trajectory in the message.
            n_actions: number of actions that the agent chooses from.

        Raises:
            BatchError: a field has a wrong type, shape, dtype or value.
        """
        for field_name, dtype in _DTYPES.items():
            array = getattr(self, field_name)
            one_dimensional = isinstance(array, np.ndarray) and array.ndim == 1
            _expect(
                one_dimensional and array.dtype == dtype,
                f"{name}.{field_name}: expected a one-dimensional array of {np.dtype(dtype)}",
                describe(array),
            )
        shape = (len(self.actions),)
        _expect(len(self), f"{name}.actions: expected one step or more", "none")
        for field_name in ("rewards", "ends"):
            found = getattr(self, field_name).shape
            _expect(
                found == shape,
                f"{name}.{field_name}: expected shape {shape} as actions have",
                found,
            )
        for step in np.flatnonzero(~np.isfinite(self.rewards))[:1].tolist():
            found = f"{self.rewards[step]} at step {step}"
            _expect(False, f"{name}.rewards: expected finite numbers", found)
        _expect(
            isinstance(self.return_before, (int, float)) and isfinite(self.return_before),
            f"{name}.return_before: expected a finite number",
            describe(self.return_before),
        )
        _expect(
            isinstance(self.steps_before, int) and self.steps_before >= 0,
            f"{name}.steps_before: expected an int of 0 or more",
            describe(self.steps_before),
        )
        known = ", ".join(f"{number} ({what})" for number, what in enumerate(NAMES[:n_actions]))
        most = self.actions.max()
        _expect(most < n_actions, f"{name}.actions: expected {known}", most)
        self._check_probabilities(f"{name}.probabilities", n_actions)
        self._check_pixels(name)

    def _check_probabilities(self, name: str, n_actions: int) -> None:
        noted = self.probabilities
        if noted is None:
            return
        shape = (len(self), n_actions)
        fits = isinstance(noted, np.ndarray) and noted.shape == shape and noted.dtype == np.float32
        _expect(fits, f"{name}: expected float32 of shape {shape}", describe(noted))
        taken = noted[np.arange(len(noted)), self.actions]
        # The comparisons are also false for NaN.
        _expect(
            ((noted >= 0) & (noted <= 1.0001)).all() and (taken > 0).all(),
            f"{name}: expected numbers from 0 to 1, above 0 for actions taken",
            f"{noted.min()} to {noted.max()}, for actions taken from {taken.min()}",
        )

    def _check_pixels(self, name: str) -> None:
        shape, n_pixels = (len(self) + 3,), len(self.pixels)
        found = self.offsets.shape
        _expect(
            found == shape,
            f"{name}.offsets: expected shape {shape}, three more than actions",
            found,
        )
        bounds, sizes = (int(self.offsets[0]), int(self.offsets[-1])), np.diff(self.offsets)
        _expect(
            bounds == (0, n_pixels) and (sizes >= 0).all(),
            f"{name}.offsets: expected to rise from 0 to len(pixels) = {n_pixels}",
            f"first and last {bounds} and a smallest difference of {sizes.min()}",
        )
        most = self.pixels.max(initial=0)
        _expect(most < N_PIXELS, f"{name}.pixels: expected indices below {N_PIXELS}", most)
        keys = np.repeat(np.arange(len(sizes)), sizes) * N_PIXELS + self.pixels
        _expect(
            (np.diff(keys) > 0).all(),
            f"{name}.pixels: expected increasing indices within each field",
            "a repeated or unsorted one",
        )


_DTYPES: dict[str, type[np.generic]] = {
    "pixels": np.uint16,
    "offsets": np.int64,
    "actions": np.uint8,
    "rewards": np.float32,
    "ends": np.bool_,
}


def _expect(holds: Any, expectation: str, found: object) -> None:
    if not holds:
        raise BatchError(f"{expectation}, found {found}")


def describe(value: object) -> str:
    """Return how an error names a value."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"{type(value).__name__} {value!r:.60}"
