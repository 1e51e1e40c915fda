"""Batches of trajectories, and the builder that packs agent steps into a trajectory."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import NAMES, STAY, UP, PaddleAction, PaddleActions
from pong_agent.bounds import as_flag
from pong_agent.learning.steps import Field, as_index, as_number, as_pixels, as_probabilities
from pong_agent.learning.trajectory import BatchError, Trajectory
from pong_agent.vision.network_input import INPUT_SIZES
from pong_agent.vision.pixels import Pixels

_REMEDY = "for what agent.act returns, make the builder with paddle_actions=agent.paddle_actions"


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
        >>> from pong_agent import UP
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
        if steps_before is not None and as_index(steps_before, "steps_before") < 0:
            raise BatchError(f"steps_before: expected 0 or more, found {steps_before}")
        self.seed = as_index(seed, "seed")
        self.observation = observation
        self.paddle_actions = paddle_actions
        self._numbers: set[int] = set()  # actions given as plain numbers
        self._begin(
            [] if previous is None else [as_pixels(previous)],
            as_number(return_before or 0.0, "return_before"),
            as_index(steps_before or 0, "steps_before"),
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
        frame, number = as_pixels(field), self._policy_number(action)
        reward, end = as_number(reward, "reward"), as_flag(end, "end", BatchError)
        noted = None if probabilities is None else as_probabilities(probabilities)
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
        number = as_index(action, "action")
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
        last = self._frames[-1] if following is None else as_pixels(following)
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
