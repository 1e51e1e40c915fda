"""How strong an agent plays against a person: the same agent, with more or less of a handicap."""

from dataclasses import dataclass

import numpy as np

from pong_agent.actions import STAY
from pong_agent.agent import PongAgent
from pong_agent.envs.two_players import Frame
from pong_agent.matches.match import Player


@dataclass(frozen=True)
class Level:
    """A handicap.

    Attributes:
        name: one word.
        about: what it is, in lines of at most 22 letters.
        lapses: probability that a decision is not made, so that the paddle goes on as before.
    """

    name: str
    about: tuple[str, ...]
    lapses: float


LEVELS = (
    Level("easy", ("misses two of five", "of its decisions"), 0.4),
    Level("normal", ("misses one of five", "of its decisions"), 0.2),
    Level("hard", ("the agent at its best",), 0.0),
)


class Opponent:
    """An agent that decides greedily, but for its lapses.

    Args:
        agent: who decides; it is not changed.
        level: the handicap.
        mirrored: play the left paddle.
        seed: of the lapses.

    Example:
        >>> opponent = Opponent(PongAgent.pretrained(), LEVELS[0])
        >>> opponent.decide(np.zeros((210, 160, 3), np.uint8)) in (0, 1, 2)
        True
    """

    def __init__(
        self, agent: PongAgent, level: Level, *, mirrored: bool = False, seed: int = 0
    ) -> None:
        self._player = Player(agent, mirrored=mirrored)
        self._level = level
        self._generator = np.random.default_rng(seed)
        self._action = STAY

    def decide(self, screen: Frame) -> int:
        """Return DOWN, UP or STAY for a screen, [210, 160, 3] uint8 RGB, every fourth frame."""
        decision = self._player.decide(screen)  # in a lapse too: it sees what happens
        if self._generator.random() >= self._level.lapses:
            self._action = decision
        return self._action
