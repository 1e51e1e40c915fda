"""Notices in the frames that an episode started without the agent being reset.

An agent decides on two fields, the current one and the one before. If it is not reset when an
episode starts, it decides on fields of two games. Two signs give that away, and neither occurs
within a game: a score above 0:0 that becomes 0:0, and the console's first field, with the ball at
the left edge and the right paddle alone, after another one.

One case goes unnoticed: an episode that is cut before its first point, in an environment that skips
the next one's first frame (no-op starts, FIRE on reset). Nothing certain tells the two apart.
"""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import Pixels

# A row of the frame through the middle of the score's digits, and a column for each of their bars:
# a digit is three bars wide, and zero alone shows "# #" there. The first column lies beside the
# digits. The red channel tells the bars from the background.
_SCORE_ROW = 10
_COLUMNS = slice(18, 128, 4)


def _code(bars: str) -> int:
    """Return what `_codes` makes of a row of bars."""
    return int(_codes(np.array([[bar == "#" for bar in bars]]))[0])


def _codes(lit: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return one number for each row of [N, 28] bars."""
    return np.packbits(lit, axis=1).view(np.uint32)[:, 0]


_ZERO_ZERO = _code(".....#.#.................#.#")
# A digit that has the background's colour, the other one a zero; all other codes are above 0:0.
_UNREAD = (
    _code("............................"),
    _code(".....#.#...................."),
    _code(".........................#.#"),
)

# The console's first field: the ball's two pixels and the right paddle, of 8 rows, or of 4 at
# difficulties 2 and 3.
_PADDLE = [row * 80 + column for row in range(31, 39) for column in (70, 71)]
_FIRST_FIELDS = {
    2 + size: np.array([401, 481, *_PADDLE[:size]], dtype=np.uint16).tobytes() for size in (16, 8)
}


class ForgottenResetWarning(UserWarning):
    """An agent acts across an episode's boundary without having been reset.

    Example:
        >>> warnings.simplefilter("error", ForgottenResetWarning)  # to find out where
    """


class ResetWatch:
    """Follows the scores of N games, and notices once that a reset was forgotten."""

    def __init__(self) -> None:
        self._scores: Scores | None = None
        self._warned = False

    def reset(self) -> None:
        """Start over: all games start with the next frames."""
        self._scores = None

    def notices(
        self, frames: NDArray[np.uint8], fields: FieldHistory, starts: NDArray[np.bool_]
    ) -> bool:
        """Return whether an episode started unannounced; True at most once.

        Args:
            frames: (N, 210, 160, 3) uint8, the current raw frames.
            fields: their fields and those before.
            starts: [N] bool, which games were announced to start; ignored for the first frames.
        """
        if self._warned:
            return False
        before, row = self._scores, frames[:, _SCORE_ROW].tobytes()
        if before is not None and before.row == row:
            return False  # nearly always, and it must cost next to nothing
        self._scores = now = read_scores(frames, before, starts)
        if before is None:
            return False
        fell = bool((before.above_zero & ~now.above_zero & ~starts).any())
        self._warned = fell or jumped(fields)
        return self._warned

    def notices_jump(self, fields: FieldHistory) -> bool:
        """Return whether fields alone show an unannounced start; True at most once."""
        if self._warned or not jumped(fields):
            return False
        self._warned = True
        return True


class Scores(NamedTuple):
    """Scores of N games, as far as frames show them.

    Attributes:
        row: the frames' row `_SCORE_ROW` as bytes: while it stays, so do the scores.
        above_zero: [N] bool, whether the score that was read last is above 0:0.
    """

    row: bytes
    above_zero: NDArray[np.bool_]


def read_scores(
    frames: NDArray[np.uint8], before: Scores | None = None, starts: NDArray[np.bool_] | None = None
) -> Scores:
    """Read the scores.

    In very long games the console changes its colours, until a digit has the background's: a score
    that cannot be read keeps its last value.

    Args:
        frames: (N, 210, 160, 3) uint8, raw frames.
        before: result of the last call, None at the start.
        starts: [N] bool, which games start with these frames; by default none.

    Example:
        >>> read_scores(np.zeros((2, 210, 160, 3), dtype=np.uint8)).above_zero
        array([False, False])
    """
    bars = frames[:, _SCORE_ROW, _COLUMNS, 0]
    codes = _codes(bars != bars[:, :1])
    above = codes != _ZERO_ZERO
    for code in _UNREAD:
        above &= codes != code
    if before is not None:
        zero = codes == _ZERO_ZERO
        going_on = before.above_zero if starts is None else before.above_zero & ~starts
        above |= going_on & ~zero
    return Scores(frames[:, _SCORE_ROW].tobytes(), above)


def jumped(fields: FieldHistory) -> bool:
    """Return whether a game shows the console's first field after another one."""
    return any(
        len(now) in _FIRST_FIELDS and _is_first(now) and not _is_first(before)
        for now, before in zip(fields.current, fields.previous, strict=True)
    )


def warn_of_forgotten_reset() -> None:
    """Warn the caller of the method that calls this."""
    warnings.warn(
        "an episode started without a reset of the agent, so it decided on frames of two episodes: "
        "call agent.reset() when an episode starts, agent.reset(mask) for some of a batch (with "
        "next-step autoreset one step after the end), or pass episode_start to agent.predict(); "
        "this warning comes once for each agent",
        ForgottenResetWarning,
        stacklevel=3,
    )


def _is_first(pixels: Pixels) -> bool:
    return pixels.tobytes() == _FIRST_FIELDS.get(len(pixels))
