"""What the policy can do with its paddle, by number, in every batch and every network."""

from typing import NamedTuple

DOWN, UP, STAY = 0, 1, 2

# Turning the picture upside down turns each action into the one that stands here.
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
