"""A round-robin tournament of agents, rated on one scale."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.errors import ConfigError, require
from pong_agent.matches.match import MatchGame, MatchRules, play_match

# 5.6 minutes: a game of two agents that return every ball would not end.
TOURNAMENT_RULES = MatchRules(max_frames=20_000)
# Added to the points of each pair, both ways: otherwise an agent that never lost a point would have
# an infinite rating.
_PRIOR_POINTS = 0.5
_RESAMPLES = 500
_ELO = 400 / np.log(10)

# Games of each pair of entrants, by their indices (i, j), i < j; i is the first agent.
Games = dict[tuple[int, int], tuple[MatchGame, ...]]


@dataclass(frozen=True)
class Entrant:
    """A participant."""

    name: str  # in tables and plots
    agent: PongAgent
    agent_steps: int | None = None  # of training; None if trained in another run than the others


@dataclass(frozen=True)
class Rating:
    """An entrant's strength."""

    name: str
    agent_steps: int | None  # of training
    elo: float  # the mean of a tournament is 0
    low: float  # lower end of the 95 % interval
    high: float  # upper end of the 95 % interval
    points_for: int  # points won in all games
    points_against: int  # points lost in all games


@dataclass(frozen=True)
class Standings:
    """Ratings, and the games behind them."""

    ratings: tuple[Rating, ...]  # one for each entrant, in their order
    games: Games

    def differences(self) -> NDArray[np.float64]:
        """Return [N, N], the mean difference in points per game of i and j, NaN for i = j."""
        n = len(self.ratings)
        table = np.full((n, n), np.nan)
        for (i, j), games in self.games.items():
            table[i, j] = np.mean([game.difference for game in games])
            table[j, i] = -table[i, j]
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return the standings as JSON types."""
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
    rules: MatchRules = TOURNAMENT_RULES,
    *,
    on_game: Callable[[MatchGame], None] | None = None,
) -> Standings:
    """Let each pair of agents play a match of `n_games`, and rate all agents by the points.

    Raises:
        ConfigError: there are fewer than two entrants, or a number is out of range.
        MissingPackageError: choix, of the extra `play`, is not installed.
    """
    if len(entrants) < 2:
        raise ConfigError(f"a tournament: expected two entrants or more, found {len(entrants)}")
    require("choix", "play")  # before minutes of games
    games = {}
    for (i, first), (j, second) in itertools.combinations(enumerate(entrants), 2):
        match = play_match(first.agent, second.agent, n_games, rules, on_game=on_game)
        games[i, j] = match.games
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


def count_points(games: Games, n_entrants: int) -> NDArray[np.float64]:
    """Return [N, N], the points that i won against j."""
    points = np.zeros((n_entrants, n_entrants))
    for (i, j), played in games.items():
        points[i, j] = sum(game.first_points for game in played)
        points[j, i] = sum(game.second_points for game in played)
    return points


def elo_ratings(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [N] ratings of players, given [N, N] points that i won against j.

    The model is Bradley and Terry's, on which Elo's formula is based: i wins the next point against
    j with probability `1 / (1 + 10^((r_j - r_i) / 400))`. The ratings r maximize the likelihood of
    the points, computed by `choix`; their mean is 0.

    R. Bradley and M. Terry, "Rank analysis of incomplete block designs", Biometrika 39, 1952.

    Raises:
        MissingPackageError: choix, of the extra `play`, is not installed.

    Example:
        >>> elo_ratings(np.array([[0.0, 60.0], [20.0, 0.0]])).round()
        array([ 94., -94.])
    """
    choix = require("choix", "play")
    known = points + _PRIOR_POINTS * (1 - np.eye(len(points)))
    strengths = np.asarray(choix.ilsr_pairwise_dense(known), np.float64)
    elo: NDArray[np.float64] = _ELO * (strengths - strengths.mean())
    return elo


def _intervals(games: Games, n_entrants: int) -> NDArray[np.float64]:
    """Return [2, N], the ends of the ratings' 95 % intervals, by resampling each pair's games."""
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        resampled = {
            pair: tuple(played[i] for i in generator.integers(0, len(played), len(played)))
            for pair, played in games.items()
        }
        drawn.append(elo_ratings(count_points(resampled, n_entrants)))
    return np.quantile(drawn, (0.025, 0.975), axis=0)
