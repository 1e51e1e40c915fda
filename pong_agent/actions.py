"""The policy's actions by number, the same in every batch and every network."""

from typing import NamedTuple

DOWN, UP, STAY = 0, 1, 2
NAMES = ("DOWN", "UP", "STAY")

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
