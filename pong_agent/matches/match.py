"""Agent against agent: games, points, and how sure one can be of the difference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.envs.two_players import Frame, TwoPlayerPong
from pong_agent.errors import ConfigError
from pong_agent.evaluation.evaluate import bootstrap_interval
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import pong_pixels

LONGEST = 108_000  # emulated frames of a game, as in ALE/Pong-v5: half an hour


class Player:
    """An agent at one of the two paddles, with the frame that it remembers.

    Args:
        agent: who decides; it is not changed.
        deterministic: take the most probable action; otherwise actions are sampled.
        mirrored: play the left paddle, on the picture turned left to right.
        seed: of the sampled actions.
    """

    def __init__(
        self, agent: PongAgent, *, deterministic: bool = True, mirrored: bool = False, seed: int = 0
    ) -> None:
        self._agent = agent
        self._deterministic = deterministic
        self._mirrored = mirrored
        self._generator = np.random.default_rng(seed)
        self._fields: FieldHistory | None = None

    def reset(self) -> None:
        """Begin a game: forget the frame before."""
        self._fields = None

    def decide(self, screen: Frame) -> int:
        """Return DOWN, UP or STAY for a screen, [210, 160, 3] uint8 RGB."""
        now = [pong_pixels(screen[:, ::-1] if self._mirrored else screen)]
        self._fields = FieldHistory.start(now) if self._fields is None else self._fields.push(now)
        uniforms = None if self._deterministic else self._generator.random(1)
        return int(self._agent.decide(self._fields, uniforms).actions[0])


@dataclass(frozen=True)
class Game:
    """How a game ended.

    Attributes:
        seed: of the game.
        first_is_right: whether the first agent had the right paddle.
        first_points: points of the first agent.
        second_points: of the second.
        frames: emulated frames.
        whole: whether somebody had 21 points before the limit of frames.
    """

    seed: int
    first_is_right: bool
    first_points: int
    second_points: int
    frames: int
    whole: bool

    @property
    def difference(self) -> int:
        """Points of the first agent less those of the second."""
        return self.first_points - self.second_points


@dataclass(frozen=True)
class MatchResult:
    """Games of one agent against another, in the first one's eyes."""

    games: tuple[Game, ...]

    @property
    def mean(self) -> float:
        """Mean difference of the points of a game."""
        return float(np.mean([game.difference for game in self.games]))

    @property
    def confidence_interval(self) -> tuple[float, float] | None:
        """95 % percentile bootstrap interval of the mean, None for a single game."""
        return bootstrap_interval([game.difference for game in self.games])

    @property
    def won(self) -> int:
        """Games in which the first agent had more points."""
        return sum(game.difference > 0 for game in self.games)

    @property
    def lost(self) -> int:
        """Games in which it had fewer."""
        return sum(game.difference < 0 for game in self.games)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary that JSON can hold."""
        return {
            "mean_difference": self.mean,
            "confidence_interval_95": self.confidence_interval,
            "games": [
                {
                    "seed": game.seed,
                    "first_is_right": game.first_is_right,
                    "first_points": game.first_points,
                    "second_points": game.second_points,
                    "frames": game.frames,
                    "whole": game.whole,
                }
                for game in self.games
            ],
        }


def play_game(
    pong: TwoPlayerPong,
    left: Player,
    right: Player,
    seed: int,
    *,
    max_frames: int = LONGEST,
    on_frame: Callable[[Frame], None] | None = None,
) -> None:
    """Play a game to its end, or for so many emulated frames; `pong` then tells the points.

    Args:
        pong: both paddles.
        left: who decides for the left one, every fourth frame; made with `mirrored=True`.
        right: who decides for the right one.
        seed: of the game.
        max_frames: emulated frames at the most.
        on_frame: called with the first screen and the one after each emulated frame; the array is
            reused.
    """
    screen = pong.reset(seed)
    if on_frame is not None:
        on_frame(screen)
    left.reset()
    right.reset()
    while not pong.over and pong.frames < max_frames:
        screen = pong.step(left.decide(screen), right.decide(screen), on_frame)


def play_match(
    first: PongAgent,
    second: PongAgent,
    n_games: int,
    *,
    seed: int = 0,
    deterministic: bool = True,
    sticky: float = 0.25,
    max_frames: int = LONGEST,
    on_game: Callable[[Game], None] | None = None,
    film: Callable[[Frame], None] | None = None,
) -> MatchResult:
    """Let two agents play against each other, changing sides after each game.

    Args:
        first: one agent, on the right in the first game.
        second: the other one.
        n_games: number of games.
        seed: game i has the seed `seed + i // 2`: the same for both of a pair.
        deterministic: take the most probable action; otherwise actions are sampled.
        sticky: probability that an action is sticky. Without chance in actions or emulator every
            game would be the same.
        max_frames: emulated frames of a game at the most; who has more points then has won it.
        on_game: called with each game as it ends.
        film: called with every screen of the first game; the array is reused.

    Raises:
        ConfigError: a number is out of range, or all games would be one.

    Example:
        >>> weak = PongAgent("reinforce")
        >>> play_match(weak, weak, 2, max_frames=400).mean
        0.0
    """
    if n_games < 1 or max_frames < 1 or seed < 0:
        raise ConfigError(
            f"games, max_frames and seed: expected 1, 1 and 0 or more, "
            f"found {n_games}, {max_frames} and {seed}"
        )
    if not 0 <= sticky < 1:
        raise ConfigError(f"sticky: expected 0 or more, less than 1, found {sticky}")
    if deterministic and sticky == 0 and n_games > 2:
        raise ConfigError(
            f"expected sticky actions or sampled ones, found neither: all {n_games} games "
            "would be the same two"
        )
    pong = TwoPlayerPong(sticky=sticky)
    games = []
    try:
        for index in range(n_games):
            first_is_right, game_seed = index % 2 == 0, seed + index // 2
            right, left = (first, second) if first_is_right else (second, first)
            seeds = np.random.SeedSequence(game_seed).generate_state(2).tolist()
            play_game(
                pong,
                Player(left, deterministic=deterministic, mirrored=True, seed=seeds[0]),
                Player(right, deterministic=deterministic, seed=seeds[1]),
                game_seed,
                max_frames=max_frames,
                on_frame=film if index == 0 else None,
            )
            points = (pong.right_points, pong.left_points)
            first_points, second_points = points if first_is_right else points[::-1]
            games.append(
                Game(
                    seed=game_seed,
                    first_is_right=first_is_right,
                    first_points=first_points,
                    second_points=second_points,
                    frames=pong.frames,
                    whole=pong.over,
                )
            )
            if on_game is not None:
                on_game(games[-1])
    finally:
        pong.close()
    return MatchResult(tuple(games))
