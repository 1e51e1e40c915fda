"""Levels of difficulty for a person: the same agent with more or less of a handicap."""

from dataclasses import dataclass

from pong_agent.actions import STAY
from pong_agent.agent import PongAgent
from pong_agent.envs.two_players import Frame
from pong_agent.matches.match import Player
from pong_agent.seeding import Stream, generator


@dataclass(frozen=True)
class Level:
    """A handicap."""

    name: str  # one word
    about: tuple[str, ...]  # description, in lines of at most 22 letters
    lapses: float  # probability that a decision is not made, so that the last action continues


LEVELS = (
    Level("easy", ("misses two of five", "of its decisions"), 0.4),
    Level("normal", ("misses one of five", "of its decisions"), 0.2),
    Level("hard", ("the agent at its best",), 0.0),
)


class HandicappedPlayer(Player):
    """A `Player` that decides greedily, except for its lapses, which the game's seed gives."""

    def __init__(
        self, agent: PongAgent, level: Level, *, mirrored: bool = False, seed: int = 0
    ) -> None:
        super().__init__(agent, mirrored=mirrored)
        self._level = level
        self._lapses = generator(seed, Stream.LAPSES)
        self._action = STAY

    def decide(self, frame: Frame) -> int:
        """Return DOWN, UP or STAY for a frame, [210, 160, 3] uint8 RGB, every fourth frame."""
        decision = super().decide(frame)  # also in a lapse, for the field that it remembers
        if self._lapses.random() >= self._level.lapses:
            self._action = decision
        return self._action
