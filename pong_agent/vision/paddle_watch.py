"""Notices in the fields that an environment takes the agent's actions for others.

An agent that was not bound to an environment with the full action space moves its paddle up when it
decides DOWN, and never down. With its own actions the paddle went down after one of the first 10
times that it had decided DOWN three times running, in every one of 90 games, of all frame skips.
"""

import warnings

from pong_agent.vision.pixels import Pixels

_RUNNING = 3  # decisions DOWN in a row; after one alone the paddle may still be slowing down
_TIMES = 24  # how often these are seen before the warning
_COLUMN = 70  # of the playing field, where the right paddle is


class ForgottenBindWarning(UserWarning):
    """The environment takes an agent's actions for others: the agent was not bound to it.

    Example:
        >>> warnings.simplefilter("error", ForgottenBindWarning)  # to find out where
    """


class PaddleWatch:
    """Follows the right paddle of one game until it is clear what the decision DOWN does there.

    Attributes:
        settled: whether it is clear, so that `notices` need not be called any more.
    """

    def __init__(self) -> None:
        self.settled = False
        self._downs = 0  # decisions DOWN in a row
        self._times = 0
        self._rose = False

    def notices(self, before: Pixels, now: Pixels, goes_on: bool, goes_down: bool) -> bool:
        """Return whether the actions are taken for others; True at most once.

        Args:
            before: the game's previous field.
            now: its current one.
            goes_on: whether the decision between the two was the one of the last call.
            goes_down: whether the decision on the current field is DOWN.
        """
        downs = self._downs if goes_on else 0
        self._downs = downs + 1 if goes_down else 0
        if not downs:
            return False
        move = _movement(_paddle(before), _paddle(now))
        self._rose |= move < 0
        if downs < _RUNNING:
            return False
        self._times += 1
        self.settled = move > 0 or self._times == _TIMES
        return self.settled and self._rose and move <= 0


def warn_of_forgotten_bind() -> None:
    """Warn the caller of the method that calls this."""
    warnings.warn(
        "the paddle goes up where the agent decides DOWN, and never down: the environment takes "
        "the agent's actions for others; call agent.bind(env), which finds them by their meanings; "
        "this warning comes once for each agent",
        ForgottenBindWarning,
        stacklevel=3,
    )


def _paddle(pixels: Pixels) -> list[int]:
    """Return the lit rows of the paddle's column without the ball, which has two."""
    rows = (pixels[pixels % 80 == _COLUMN] // 80).tolist()
    return [row for row in rows if row + 1 in rows and row + 2 in rows]


def _movement(before: list[int], now: list[int]) -> int:
    """Return 1 where the paddle went down, -1 where it went up, 0 where neither is certain."""
    if not before or not now:
        return 0  # beyond an edge of the field
    first, last = now[0] - before[0], now[-1] - before[-1]
    return (first >= 0 and last > 0) - (first <= 0 and last < 0)
