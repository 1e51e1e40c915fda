"""Agent against agent: games, points, and a confidence interval of the difference."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.bounds import Count, CountOrZero, Share, as_count, check_fields
from pong_agent.envs.two_players import Frame, TwoPlayerPong
from pong_agent.errors import ConfigError
from pong_agent.evaluation.result import bootstrap_interval
from pong_agent.seeding import Stream, as_seed, generator
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.observations import pong_pixels

MOST_FRAMES = 108_000  # emulated frames of a game, as in ALE/Pong-v5: half an hour


@dataclass(frozen=True)
class MatchRules:
    """How the games of a match are played.

    Raises:
        ConfigError: a value is out of range.
    """

    seed: CountOrZero = 0
    """Game i has the seed `seed + i // 2`, the same for both games of a pair."""

    deterministic: bool = True
    """Take the most probable action; otherwise actions are sampled."""

    sticky: Share = 0.25
    """Probability that an action is sticky, less than 1."""

    max_frames: Count = MOST_FRAMES
    """Emulated frames after which a game stops; unless it is finished then, nobody has won it."""

    def __post_init__(self) -> None:
        """Validate every field."""
        object.__setattr__(self, "seed", as_seed(self.seed))
        check_fields(self)
        if self.sticky == 1:
            raise ConfigError(f"sticky: expected 0 or more, less than 1, found {self.sticky}")


class Player:
    """An agent at one of the two paddles in one game, with its own memory of the previous field.

    A mirrored player has the left paddle and sees frames mirrored left to right. The agent is not
    changed; the game's seed gives the sampled actions.
    """

    def __init__(
        self, agent: PongAgent, *, deterministic: bool = True, mirrored: bool = False, seed: int = 0
    ) -> None:
        self._agent = agent
        self._deterministic = deterministic
        self._mirrored = mirrored
        self._generator = generator(seed, Stream.MATCH_ACTIONS, int(mirrored))
        self._fields: FieldHistory | None = None

    def decide(self, frame: Frame) -> int:
        """Return DOWN, UP or STAY for a frame, [210, 160, 3] uint8 RGB."""
        now = [pong_pixels(frame[:, ::-1] if self._mirrored else frame)]
        self._fields = FieldHistory.start(now) if self._fields is None else self._fields.push(now)
        uniforms = None if self._deterministic else self._generator.random(1)
        return int(self._agent.decide(self._fields, uniforms).actions[0])


@dataclass(frozen=True)
class MatchGame:
    """The result of one game of a match."""

    seed: int
    first_is_right: bool  # whether the first agent had the right paddle
    first_points: int  # of the first agent
    second_points: int  # of the second agent
    frames: int  # emulated frames
    whole: bool  # whether a player reached 21 points within the limit of frames

    @property
    def difference(self) -> int:
        """Points of the first agent minus those of the second."""
        return self.first_points - self.second_points


@dataclass(frozen=True)
class MatchResult:
    """Games of one agent against another, from the first one's point of view."""

    games: tuple[MatchGame, ...]

    @property
    def mean(self) -> float:
        """Mean difference in points per game."""
        return float(np.mean([game.difference for game in self.games]))

    @property
    def confidence_interval(self) -> tuple[float, float] | None:
        """95 % percentile bootstrap interval of the mean, None for a single game."""
        return bootstrap_interval([game.difference for game in self.games])

    @property
    def won(self) -> int:
        """Finished games that the first agent won."""
        return sum(game.whole and game.difference > 0 for game in self.games)

    @property
    def lost(self) -> int:
        """Finished games that the first agent lost."""
        return sum(game.whole and game.difference < 0 for game in self.games)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types."""
        return {
            "mean_difference": self.mean,
            "confidence_interval_95": self.confidence_interval,
            "games": [asdict(game) for game in self.games],
        }


def play_game(
    pong: TwoPlayerPong,
    left: Player,
    right: Player,
    seed: int,
    *,
    max_frames: int = MOST_FRAMES,
    on_frame: Callable[[Frame], None] | None = None,
) -> None:
    """Play a game to its end or to a limit of emulated frames; `pong` then holds the points.

    The left player must be mirrored. `on_frame` receives the first and each emulated frame.
    """
    frame = pong.reset(seed)
    if on_frame is not None:
        on_frame(frame)
    while not pong.over and pong.frames < max_frames:
        frame = pong.step(left.decide(frame), right.decide(frame), on_frame)


def play_match(
    first: PongAgent,
    second: PongAgent,
    n_games: int,
    rules: MatchRules | None = None,
    *,
    on_game: Callable[[MatchGame], None] | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> MatchResult:
    """Let two agents play against each other, changing sides after each game.

    The first agent has the right paddle in the first game, whose frames `on_frame` receives.

    Raises:
        ConfigError: there is no game, or without any randomness all games would be the same.

    Example:
        >>> weak = PongAgent("reinforce")
        >>> play_match(weak, weak, 2, MatchRules(max_frames=400)).mean
        0.0
    """
    rules = rules or MatchRules()
    n_games = as_count(n_games, "games")
    if rules.deterministic and rules.sticky == 0 and n_games > 2:
        raise ConfigError(
            f"expected sticky actions or sampled ones, found neither: all {n_games} games "
            "would be the same two"
        )
    games = []
    with closing(TwoPlayerPong(sticky=rules.sticky)) as pong:
        for index in range(n_games):
            seed, first_is_right = rules.seed + index // 2, index % 2 == 0
            right, left = (first, second) if first_is_right else (second, first)
            play_game(
                pong,
                Player(left, deterministic=rules.deterministic, mirrored=True, seed=seed),
                Player(right, deterministic=rules.deterministic, seed=seed),
                seed,
                max_frames=rules.max_frames,
                on_frame=on_frame if index == 0 else None,
            )
            points = [pong.right_points, pong.left_points]
            first_points, second_points = points if first_is_right else reversed(points)
            game = MatchGame(
                seed, first_is_right, first_points, second_points, pong.frames, pong.over
            )
            games.append(game)
            if on_game is not None:
                on_game(game)
    return MatchResult(tuple(games))
