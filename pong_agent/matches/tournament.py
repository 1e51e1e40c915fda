"""A tournament of agents: everyone plays everyone, and all are rated on one scale."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.errors import ConfigError
from pong_agent.matches.match import Game, play_match

LONGEST_GAME = (
    20_000  # emulated frames, 5.6 minutes: two that return every ball must not take hours
)
# As if each had won so much of a point against each other: without it who never lost a point would
# be infinitely strong.
_PRIOR_POINTS = 0.5
_RESAMPLES = 500
_ELO = 400 / np.log(10)


@dataclass(frozen=True)
class Entrant:
    """Who takes part.

    Attributes:
        name: as tables and pictures say it.
        agent: who plays.
        agent_steps: of training; None where that is another training than the others'.
    """

    name: str
    agent: PongAgent
    agent_steps: int | None = None


@dataclass(frozen=True)
class Rating:
    """How strong somebody was.

    Attributes:
        name: who.
        agent_steps: of training, None where they do not compare.
        elo: the rating; the mean of a tournament is 0.
        low: lower end of its 95 % interval.
        high: upper end.
        points_for: points made in all games.
        points_against: points lost.
    """

    name: str
    agent_steps: int | None
    elo: float
    low: float
    high: float
    points_for: int
    points_against: int


@dataclass(frozen=True)
class Standings:
    """Ratings by strength in the order of the entrants, and the games behind them.

    Attributes:
        ratings: one for each entrant.
        games: by pair of entrants (i, j), i < j; in the eyes of i.
    """

    ratings: tuple[Rating, ...]
    games: dict[tuple[int, int], tuple[Game, ...]]

    def differences(self) -> NDArray[np.float64]:
        """Return [N, N], the mean difference of points of a game of i against j, NaN for i = j."""
        n = len(self.ratings)
        table = np.full((n, n), np.nan)
        for (i, j), games in self.games.items():
            table[i, j] = np.mean([game.difference for game in games])
            table[j, i] = -table[i, j]
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary that JSON can hold."""
        return {
            "ratings": [vars(rating) for rating in self.ratings],
            "games": [
                {"first": i, "second": j, **vars(game)}
                for (i, j), games in self.games.items()
                for game in games
            ],
        }


def play_tournament(
    entrants: Sequence[Entrant],
    n_games: int = 2,
    *,
    seed: int = 0,
    sticky: float = 0.25,
    max_frames: int = LONGEST_GAME,
    on_game: Callable[[Game], None] | None = None,
) -> Standings:
    """Let everyone play everyone, greedily, and rate them by the points.

    Args:
        entrants: two or more.
        n_games: games of each pair, on alternating sides.
        seed: of the first two games of each pair.
        sticky: probability that an action is sticky.
        max_frames: emulated frames of a game at the most; the points until then count.
        on_game: called with each game as it ends.

    Raises:
        ConfigError: there are fewer than two entrants, or a number is out of range.
    """
    if len(entrants) < 2:
        raise ConfigError(f"a tournament: expected two entrants or more, found {len(entrants)}")
    games = {
        (i, j): play_match(
            entrants[i].agent,
            entrants[j].agent,
            n_games,
            seed=seed,
            sticky=sticky,
            max_frames=max_frames,
            on_game=on_game,
        ).games
        for i, j in itertools.combinations(range(len(entrants)), 2)
    }
    points = count_points(games, len(entrants))
    elo = elo_ratings(points)
    low, high = _intervals(games, len(entrants))
    ratings = tuple(
        Rating(
            name=entrant.name,
            agent_steps=entrant.agent_steps,
            elo=float(elo[i]),
            low=float(low[i]),
            high=float(high[i]),
            points_for=int(points[i].sum()),
            points_against=int(points[:, i].sum()),
        )
        for i, entrant in enumerate(entrants)
    )
    return Standings(ratings, games)


def count_points(
    games: dict[tuple[int, int], tuple[Game, ...]], n_entrants: int
) -> NDArray[np.float64]:
    """Return [N, N], the points that i made against j."""
    points = np.zeros((n_entrants, n_entrants))
    for (i, j), played in games.items():
        points[i, j] = sum(game.first_points for game in played)
        points[j, i] = sum(game.second_points for game in played)
    return points


def elo_ratings(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rate players by the points that they made against each other.

    The model is Bradley and Terry's, the one behind Elo's formula: i makes the next point against j
    with probability `1 / (1 + 10^((r_j - r_i) / 400))`. The ratings r are those under which what
    happened is likeliest, by `choix`; their mean is 0.

    R. Bradley and M. Terry, "Rank analysis of incomplete block designs", Biometrika 39, 1952.

    Args:
        points: [N, N], points that i made against j.

    Returns:
        [N] float64.

    Raises:
        ConfigError: choix, of the extra `play`, is not installed.

    Example:
        >>> elo_ratings(np.array([[0.0, 60.0], [20.0, 0.0]])).round()
        array([ 94., -94.])
    """
    try:
        import choix
    except ModuleNotFoundError as error:
        raise ConfigError(
            "ratings: expected the package choix, found none: pip install 'pong-agent[play]'"
        ) from error
    known = points + _PRIOR_POINTS * (1 - np.eye(len(points)))
    strengths = np.asarray(choix.ilsr_pairwise_dense(known), np.float64)
    elo: NDArray[np.float64] = _ELO * (strengths - strengths.mean())
    return elo


def _intervals(
    games: dict[tuple[int, int], tuple[Game, ...]], n_entrants: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the ratings' 95 % intervals, each pair's games drawn anew from itself."""
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        resampled = {
            pair: tuple(played[i] for i in generator.integers(0, len(played), len(played)))
            for pair, played in games.items()
        }
        drawn.append(elo_ratings(count_points(resampled, n_entrants)))
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return low, high
