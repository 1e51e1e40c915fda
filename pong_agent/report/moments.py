"""Moments of a game to examine: the ball on its way to the agent's paddle."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pong_agent.learning.trajectory import Trajectory
from pong_agent.vision.pixels import FIELD_SHAPE, Pixels

_PADDLE_COLUMNS = (8, 9, 70, 71)  # of the field; all other lit pixels are the ball's
_MOST_STEPS = 5_000  # of a game to choose moments from
_FROM_COLUMN, _TO_COLUMN = 30, 62  # a whole approach begins before the first, ends after the other


def opening(trajectory: Trajectory, n_steps: int) -> Trajectory:
    """Return at most the first `n_steps` steps of a game.

    In a very long game the console changes the background's colour: then all 6,400 pixels are lit,
    and examining the whole game would take gigabytes.
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
    """Return the lit pixels of the current and the previous field at a step."""
    ends = trajectory.offsets
    current = trajectory.pixels[ends[step + 1] : ends[step + 2]]
    return current, current if step == 0 else trajectory.pixels[ends[step] : ends[step + 1]]


def ball_columns(trajectory: Trajectory) -> NDArray[np.float64]:
    """Return the ball's column, [T] from 0 to 79, or NaN without a ball."""
    frames = np.repeat(np.arange(len(trajectory) + 2), np.diff(trajectory.offsets))
    columns = trajectory.pixels % FIELD_SHAPE[1]
    ball = ~np.isin(columns, _PADDLE_COLUMNS)
    counts = np.bincount(frames[ball], minlength=len(trajectory) + 2)
    sums = np.bincount(frames[ball], columns[ball], minlength=len(trajectory) + 2)
    means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return np.asarray(means[1:-1])


def choose_moments(trajectory: Trajectory, count: int) -> list[int]:
    """Choose steps of a game in which the ball approaches the agent's paddle.

    They are at most `count` steps of the last whole approach before the agent's first point or, if
    there is none, of the last one of the game's first 5,000 steps, at equal distances of the ball.
    Without a whole approach they are spread evenly over these steps.
    """
    trajectory = opening(trajectory, _MOST_STEPS)
    columns = ball_columns(trajectory)
    nears = np.concatenate([[False], np.diff(columns) > 0, [False]])  # NaN is no approach
    edges = np.flatnonzero(np.diff(nears.astype(np.int8)))
    approaches = [
        (start, end)
        for start, end in edges.reshape(-1, 2).tolist()
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
