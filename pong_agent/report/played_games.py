"""The games behind a report's scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.bounds import as_count
from pong_agent.evaluation.evaluate import environment_of, evaluate_policy
from pong_agent.evaluation.result import EvaluationResult
from pong_agent.evaluation.scores import DIFFICULTIES, STICKY, Setting, difficulty_grid
from pong_agent.learning.trajectory import Trajectory

N_SETTINGS = len(STICKY) * len(DIFFICULTIES) + 1  # all greedy, the usual one also sampled


@dataclass(frozen=True)
class ReportOptions:
    """The number of games of a report, how to play them, and its command and date."""

    episodes: int = 10  # whole episodes per setting
    seed: int = 1000  # episode i of each setting has the seed `seed + i`
    n_workers: int = 1  # processes that play in parallel; the results do not depend on it
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)  # of the environments
    command: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        as_count(self.n_workers, "workers")


@dataclass(frozen=True)
class Score:
    """Games in one setting: the environment, and how actions were chosen."""

    setting: Setting
    result: EvaluationResult

    @property
    def wins(self) -> int:
        """Number of games won."""
        return sum(one > 0 for one in self.result.returns)


@dataclass(frozen=True)
class PlayedGames:
    """All games of a report."""

    greedy: tuple[tuple[Score, ...], ...]  # for each difficulty and each probability of `STICKY`
    sampled: Score  # the usual setting with sampled actions
    trajectories: tuple[Trajectory, ...]  # the greedy games of the usual setting

    @property
    def usual(self) -> Score:
        """The greedy games with sticky actions at the default difficulty."""
        return self.greedy[0][-1]


def play_settings(
    agent: PongAgent, options: ReportOptions, on_episode: Callable[[], None] = lambda: None
) -> PlayedGames:
    """Play in every setting, in the environment that the agent was trained in.

    Raises ConfigError if the number of episodes or the seed is out of range.
    """
    grid = difficulty_grid(environment_of(agent, None, options.env_kwargs))
    usual = grid[0][-1]
    trajectories: list[Trajectory] = []

    def play(setting: Setting) -> Score:
        def take(trajectory: Trajectory) -> None:
            if setting == usual:
                trajectories.append(trajectory)
            on_episode()

        result = evaluate_policy(
            agent,
            setting.env,
            options.episodes,
            setting.deterministic,
            options.seed,
            n_workers=options.n_workers,
            on_episode=take,
        )
        return Score(setting, result)

    greedy = tuple(tuple(play(setting) for setting in row) for row in grid)
    return PlayedGames(greedy, play(replace(usual, deterministic=False)), tuple(trajectories))


def rally_lengths(trajectories: Sequence[Trajectory]) -> tuple[list[int], list[int]]:
    """Return the agent steps from point to point, for points won and for points lost.

    The first rally begins with the game; what follows the last point is no rally.
    """
    won: list[int] = []
    lost: list[int] = []
    for trajectory in trajectories:
        points = np.flatnonzero(trajectory.rewards)
        lengths = np.diff(points, prepend=-1)
        for length, reward in zip(lengths.tolist(), trajectory.rewards[points], strict=True):
            (won if reward > 0 else lost).append(length)
    return won, lost
