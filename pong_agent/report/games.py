"""The games that a report's figures are from, and the moments of one of them to look into."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation.evaluate import evaluate_policy
from pong_agent.evaluation.result import EvaluationResult
from pong_agent.evaluation.scores import DIFFICULTIES, STICKY, Setting, difficulty_grid
from pong_agent.learning.batch import Trajectory
from pong_agent.vision.pixels import FIELD_SHAPE, Pixels

N_SETTINGS = len(STICKY) * len(DIFFICULTIES) + 1  # all of them greedily, the usual one sampled too

_PADDLE_COLUMNS = (8, 9, 70, 71)  # of the field; what else is lit is the ball
_MOST_STEPS = 5_000  # of a game, to choose moments among
_FROM_COLUMN, _TO_COLUMN = 30, 62  # a whole approach of the ball begins before and ends behind


@dataclass(frozen=True)
class Score:
    """Games in one setting.

    Attributes:
        setting: the environment, and how actions were chosen.
        result: how the games ended.
    """

    setting: Setting
    result: EvaluationResult

    @property
    def wins(self) -> int:
        """Number of games won."""
        return sum(one > 0 for one in self.result.returns)


@dataclass(frozen=True)
class Games:
    """All games of a report.

    Attributes:
        greedy: for each difficulty a score for each probability of `STICKY`.
        sampled: the usual setting with sampled actions.
        trajectories: the games of the usual setting, played greedily.
    """

    greedy: tuple[tuple[Score, ...], ...]
    sampled: Score
    trajectories: tuple[Trajectory, ...]

    @property
    def usual(self) -> Score:
        """The greedy games with sticky actions at the default difficulty."""
        return self.greedy[0][-1]


def play_games(
    agent: PongAgent,
    n_episodes: int,
    seed: int,
    *,
    n_workers: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    on_episode: Callable[[], None] | None = None,
) -> Games:
    """Play in every setting, each time in the environment that the agent learned in.

    Args:
        agent: who plays.
        n_episodes: whole episodes for each setting.
        seed: episode i of each setting has the seed `seed + i`.
        n_workers: processes that play at the same time.
        env_kwargs: more arguments of the environment.
        on_episode: called after each episode.

    Returns:
        The results and the games.

    Raises:
        ConfigError: the number of episodes or the seed is out of range.
    """
    own = {"noop_max": agent.config.noop_max, **(env_kwargs or {})}
    grid = difficulty_grid(EnvSpec(agent.config.env_id, **own))
    usual = grid[0][-1]
    trajectories: list[Trajectory] = []

    def play(setting: Setting) -> Score:
        def take(trajectory: Trajectory) -> None:
            if setting == usual:
                trajectories.append(trajectory)
            if on_episode is not None:
                on_episode()

        result = evaluate_policy(
            agent,
            setting.env,
            n_episodes,
            setting.deterministic,
            seed,
            n_workers=n_workers,
            on_episode=take,
        )
        return Score(setting, result)

    greedy = tuple(tuple(play(setting) for setting in row) for row in grid)
    return Games(greedy, play(replace(usual, deterministic=False)), tuple(trajectories))


def rally_lengths(trajectories: Sequence[Trajectory]) -> tuple[list[int], list[int]]:
    """Return the agent steps from point to point: of points won, and of points lost.

    The first rally of a game begins with the game; what comes after its last point is no rally.
    """
    won: list[int] = []
    lost: list[int] = []
    for trajectory in trajectories:
        points = np.flatnonzero(trajectory.rewards)
        lengths = np.diff(points, prepend=-1)
        for length, reward in zip(lengths.tolist(), trajectory.rewards[points], strict=True):
            (won if reward > 0 else lost).append(length)
    return won, lost


def opening(trajectory: Trajectory, n_steps: int) -> Trajectory:
    """Return the first steps of a game, at most so many.

    The console changes the background's colour in a very long game: then all 6,400 pixels are lit,
    and what looks at the whole game would take gigabytes.
    """
    return replace(
        trajectory,
        pixels=trajectory.pixels[: trajectory.offsets[: n_steps + 3][-1]],
        offsets=trajectory.offsets[: n_steps + 3],
        actions=trajectory.actions[:n_steps],
        rewards=trajectory.rewards[:n_steps],
        ends=trajectory.ends[:n_steps],
    )


def fields_at(trajectory: Trajectory, step: int) -> tuple[Pixels, Pixels]:
    """Return the lit pixels of the field that was acted on at a step, and of the one before."""
    ends = trajectory.offsets
    current = trajectory.pixels[ends[step + 1] : ends[step + 2]]
    return current, current if step == 0 else trajectory.pixels[ends[step] : ends[step + 1]]


def ball_columns(trajectory: Trajectory) -> NDArray[np.float64]:
    """Return the ball's column, 0 to 79, at each of T steps; NaN where there is no ball."""
    frames = np.repeat(np.arange(len(trajectory) + 2), np.diff(trajectory.offsets))
    columns = trajectory.pixels % FIELD_SHAPE[1]
    ball = ~np.isin(columns, _PADDLE_COLUMNS)
    counts = np.bincount(frames[ball], minlength=len(trajectory) + 2)
    sums = np.bincount(frames[ball], columns[ball], minlength=len(trajectory) + 2)
    means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return np.asarray(means[1:-1])


def choose_moments(trajectory: Trajectory, count: int) -> list[int]:
    """Choose steps of a game to look into: the ball on its way to the agent's paddle.

    It is the last whole approach before the first point that the agent wins, the last one of the
    game's first 5,000 steps where there is none; and where the ball never comes that far, the
    moments are spread over these steps.

    Args:
        trajectory: the game.
        count: how many steps, at equal distances of the ball.

    Returns:
        Increasing numbers of steps, perhaps fewer than `count` of them.
    """
    trajectory = opening(trajectory, _MOST_STEPS)
    columns = ball_columns(trajectory)
    nears = np.concatenate([[False], np.diff(columns) > 0, [False]])  # NaN is no approach
    edges = np.flatnonzero(np.diff(nears.astype(np.int8)))
    approaches = [
        (int(start), int(end))
        for start, end in edges.reshape(-1, 2)
        if columns[start] <= _FROM_COLUMN and columns[end] >= _TO_COLUMN
    ]
    if not approaches:
        return sorted(set(np.linspace(0, len(trajectory) - 1, count).astype(int).tolist()))
    won = np.flatnonzero(trajectory.rewards > 0)
    before = [one for one in approaches if len(won) and one[1] < won[0]]
    start, end = (before or approaches)[-1]
    way = columns[start : end + 1]
    wanted = np.linspace(way[0], way[-1], count + 1)[1:]
    return sorted({start + int(np.abs(way - column).argmin()) for column in wanted})
