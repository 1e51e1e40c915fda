"""The builder that packs the agent steps of a user's loop into trajectories.

Values are converted, or refused, where they come in.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import NAMES, STAY, UP, PaddleAction, PaddleActions
from pong_agent.bounds import as_flag, plain
from pong_agent.learning.trajectory import BatchError, Trajectory, describe
from pong_agent.vision.network_input import INPUT_SIZES
from pong_agent.vision.pixels import FIELD_SHAPE, FRAME_SHAPE, Pixels, field_pixels

_REMEDY = "for what agent.act returns, make the builder with paddle_actions=agent.paddle_actions"

# A playing field: (80, 80) uint8 of 0 and 1, or the indices of its lit pixels.
Field: TypeAlias = NDArray[np.uint8] | Pixels

_LARGEST = float(np.finfo(np.float32).max)


class TrajectoryBuilder:
    """Collect agent steps one by one and pack them into a `Trajectory`.

    After `build` a builder goes on with the same game: the next trajectory knows the field before
    it, and how many rewards and steps of its episode are in earlier ones. So keep one builder for
    each environment, and make a new one only where an episode is abandoned without an end.

    Args:
        seed: the episode's seed, -1 where there is none.
        observation: kind of network input.
        previous: the field before the first one, as for `append`, for a new builder within an
            episode; None where the first one starts an episode.
        return_before: with `previous`, the sum of the episode's rewards so far.
        steps_before: with `previous`, the number of its agent steps so far.
        paddle_actions: `agent.paddle_actions`, where `append` is given the environment's own
            action indices, as `agent.act` returns them; None where it is given DOWN, UP or STAY.

    Raises:
        BatchError: an argument is invalid, or only some of `previous`, `return_before` and
            `steps_before` were given.

    Example:
        >>> from pong_agent import DOWN, UP
        >>> builder, field = TrajectoryBuilder(seed=7), np.eye(80, dtype=np.uint8)
        >>> builder.append(field, action=UP, reward=-20.0)
        >>> fragment = builder.build(following=field)  # the episode goes on
        >>> builder.append(field, action=DOWN, reward=-1.0, end=True)
        >>> builder.build().finished_episodes()
        [(-21.0, 2)]
    """

    def __init__(
        self,
        seed: int = -1,
        observation: str = "difference",
        previous: Field | None = None,
        *,
        return_before: float | None = None,
        steps_before: int | None = None,
        paddle_actions: PaddleActions | None = None,
    ) -> None:
        before = (previous, return_before, steps_before)
        if len({value is None for value in before}) > 1:
            raise BatchError(
                "previous: expected with it return_before and steps_before of its episode so far, "
                "or none of the three; a builder that is kept goes on by itself after build()"
            )
        if observation not in INPUT_SIZES:
            raise BatchError(
                f"observation: expected one of {sorted(INPUT_SIZES)}, found {observation!r}"
            )
        if steps_before is not None and _as_index(steps_before, "steps_before") < 0:
            raise BatchError(f"steps_before: expected 0 or more, found {steps_before}")
        self.seed = _as_index(seed, "seed")
        self.observation = observation
        self.paddle_actions = paddle_actions
        self._numbers: set[int] = set()  # actions given as plain numbers
        self._begin(
            [] if previous is None else [_as_pixels(previous)],
            _as_number(return_before or 0.0, "return_before"),
            _as_index(steps_before or 0, "steps_before"),
        )

    def _begin(self, frames: list[Pixels], return_before: float, steps_before: int) -> None:
        """Start a trajectory after the given field and what its episode has so far."""
        self._frames = frames
        self._return_before, self._steps_before = return_before, steps_before
        self._actions: list[int] = []
        self._rewards: list[float] = []
        self._ends: list[bool] = []
        self._probabilities: list[NDArray[np.float32]] = []
        self._built: Trajectory | None = None

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
            action: DOWN, UP or STAY, or an index of the builder's `paddle_actions`.
            reward: the environment's reward for the action.
            end: whether the episode ended with it.
            probabilities: [A], of the actions before one was chosen; for all steps or none.

        Raises:
            BatchError: a value is not what is expected; the builder stays as it was.
        """
        frame, number = _as_pixels(field), self._policy_number(action)
        reward, end = _as_number(reward, "reward"), as_flag(end, "end", BatchError)
        noted = None if probabilities is None else _as_probabilities(probabilities)
        built = self._built
        n_noted = 0 if built else len(self._probabilities)
        n_steps = 0 if built else len(self._actions)
        if n_noted != (0 if probabilities is None else n_steps):
            raise BatchError(
                f"probabilities: expected for all steps or none, found {probabilities} after "
                f"{n_steps} steps, {n_noted} with them"
            )
        if built:
            self._begin([] if built.ends[-1] else self._frames[-1:], *built.unfinished_episode())
        if not self._frames:
            self._frames.append(frame)
        self._frames.append(frame)
        self._actions.append(number)
        self._rewards.append(reward)
        self._ends.append(end)
        if noted is not None:
            self._probabilities.append(noted)

    def _policy_number(self, action: Any) -> int:
        """Return DOWN, UP or STAY as a plain number."""
        if type(action) is PaddleAction:
            return int(action)
        number = _as_index(action, "action")
        known = range(len(NAMES)) if self.paddle_actions is None else self.paddle_actions
        if number not in known:
            raise BatchError(f"action: expected one of {tuple(known)}, found {number}; {_REMEDY}")
        if self.paddle_actions is not None:
            return self.paddle_actions.index(number)
        self._numbers.add(number)
        return number

    def build(self, following: Field | None = None) -> Trajectory:
        """Pack the steps since the last `build` into a trajectory.

        Until the next `append` another call returns the same steps.

        Args:
            following: the field after the last step, as for `append`; not needed where the episode
                ended there.

        Raises:
            BatchError: no step was appended, the field has another shape or dtype, or the actions
                are most likely those of an environment.
        """
        if not self._actions:
            raise BatchError("trajectory: expected one step or more, found none")
        if STAY in self._numbers and UP not in self._numbers:
            raise BatchError(
                f"action: expected some UP (1), found {sorted(self._numbers)}: are these an "
                f"environment's actions, of which 2 is up? {_REMEDY}; STAY itself is never mistaken"
            )
        last = self._frames[-1] if following is None else _as_pixels(following)
        frames = [*self._frames, last]
        counts, noted = [len(frame) for frame in frames], self._probabilities
        self._built = Trajectory(
            pixels=np.concatenate(frames),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            actions=np.array(self._actions, dtype=np.uint8),
            rewards=np.array(self._rewards, dtype=np.float32),
            ends=np.array(self._ends, dtype=np.bool_),
            seed=self.seed,
            observation=self.observation,
            return_before=self._return_before,
            steps_before=self._steps_before,
            probabilities=np.array(noted, dtype=np.float32) if noted else None,
        )
        return self._built


def _as_pixels(field: Any) -> Pixels:
    """Return the lit pixels of a field.

    Raises:
        BatchError: it is no field.
    """
    shape, dtype = getattr(field, "shape", None), getattr(field, "dtype", None)
    if isinstance(field, np.ndarray) and field.ndim == 1 and dtype == np.uint16:
        return field  # `Trajectory.validate` checks the indices of all steps
    if shape != FIELD_SHAPE or dtype != np.uint8 or field.max() > 1:
        remedy = "; preprocess_frame makes it of a frame" if shape == FRAME_SHAPE else ""
        fits = shape == FIELD_SHAPE and dtype == np.uint8
        found = f"values up to {field.max()}" if fits else describe(field)
        raise BatchError(f"field: expected 0 and 1, uint8 of {FIELD_SHAPE}, found {found}{remedy}")
    return field_pixels(field)


def _as_index(value: Any, name: str) -> int:
    """Return an integer of Python, NumPy or torch as an int; raise BatchError for others."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise BatchError(f"{name}: expected an integer, found {describe(value)}")
    return number


def _as_number(value: Any, name: str) -> float:
    """Return a finite number of Python, NumPy or torch; raise BatchError for others."""
    if type(value) is float and -_LARGEST <= value <= _LARGEST:
        return value  # as environments return it
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise BatchError(f"{name}: expected a number, found {describe(value)}")
    if not abs(number) <= _LARGEST:  # also for NaN
        raise BatchError(f"{name}: expected a finite number, found {number}")
    return float(number)


def _as_probabilities(value: Any) -> NDArray[np.float32]:
    """Return the probabilities of two or three actions, copied; raise BatchError for others."""
    try:
        noted = np.array(value, dtype=np.float32)
    except (TypeError, ValueError):
        noted = np.zeros(0, dtype=np.float32)
    if noted.shape not in ((2,), (3,)):
        raise BatchError(f"probabilities: expected two or three, found {describe(value)}")
    return noted
