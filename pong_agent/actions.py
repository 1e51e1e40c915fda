"""The policy's actions by number, the same in every batch and every network."""

from enum import IntEnum
from typing import NamedTuple


class PaddleAction(IntEnum):
    """One of the policy's actions; an environment has numbers of its own, `PaddleActions`.

    Example:
        >>> PaddleAction(1).name
        'UP'
    """

    DOWN = 0
    UP = 1
    STAY = 2


DOWN: int = PaddleAction.DOWN
UP: int = PaddleAction.UP
STAY: int = PaddleAction.STAY
NAMES = tuple(PaddleAction.__members__)

# The action that each one becomes when the field is flipped upside down.
MIRRORED = (UP, DOWN, STAY)


class PaddleActions(NamedTuple):
    """Indices of the policy's actions in an environment's action space, in the policy's order.

    Example:
        >>> PaddleActions(down=3, up=2, stay=0)[UP]
        2
    """

    down: int
    up: int
    stay: int
