"""Notices in the pictures that an episode started: the score falls back, or the picture jumps.

An agent decides on two pictures, the current one and the one before. Whoever forgets to tell it
that an episode started lets it decide on pictures of two games. Two signs tell, and neither is seen
within a game: a score above 0:0 that becomes 0:0, and the console's first picture, with the ball
at the left edge and the right paddle alone, after another one.

Not noticed is the end of an episode that is cut before its first point, where the environment
passes the next one's first picture by (no-op starts, FIRE on reset): nothing sure tells the two
apart.
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
SCORE_ROW = 10
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

# The console's first picture: the ball's two pixels and the right paddle, of 8 rows or of 4 (at
# difficulty 2 and 3).
_PADDLE = [row * 80 + column for row in range(31, 39) for column in (70, 71)]
_FIRST_PICTURES = {
    2 + size: np.array([401, 481, *_PADDLE[:size]], dtype=np.uint16).tobytes() for size in (16, 8)
}


class ForgottenResetWarning(UserWarning):
    """An agent acts across an episode's boundary without having been told of it.

    Example:
        >>> warnings.simplefilter("error", ForgottenResetWarning)  # to find out where
    """


class Scores(NamedTuple):
    """What was seen of the scores of N games.

    Attributes:
        rows: the frames' rows `SCORE_ROW` as bytes: while they stay, so do the scores.
        above_zero: [N] bool, whether the score that was read last is above 0:0.
    """

    rows: bytes
    above_zero: NDArray[np.bool_]


def read_scores(
    frames: NDArray[np.uint8], before: Scores | None = None, starts: NDArray[np.bool_] | None = None
) -> Scores:
    """Read the scores.

    In very long games the console changes its colours, until a digit has the background's: what
    cannot be read stays as it was.

    Args:
        frames: (N, 210, 160, 3) uint8, raw frames.
        before: what the last call returned, None at the start.
        starts: [N] bool, which games start with these frames; by default none.

    Returns:
        What is now known of each score.

    Example:
        >>> read_scores(np.zeros((2, 210, 160, 3), dtype=np.uint8)).above_zero
        array([False, False])
    """
    bars = frames[:, SCORE_ROW, _COLUMNS, 0]
    codes = _codes(bars != bars[:, :1])
    above = codes != _ZERO_ZERO
    for code in _UNREAD:
        above &= codes != code
    if before is not None:
        zero = codes == _ZERO_ZERO
        going_on = before.above_zero if starts is None else before.above_zero & ~starts
        above |= going_on & ~zero
    return Scores(frames[:, SCORE_ROW].tobytes(), above)


def fell_back(before: Scores, now: Scores, starts: NDArray[np.bool_]) -> bool:
    """Tell whether a score fell back to 0:0 in a game that does not start."""
    return bool((before.above_zero & ~now.above_zero & ~starts).any())


def jumped(fields: FieldHistory) -> bool:
    """Return whether a game shows the console's first field after another one."""
    return any(
        len(now) in _FIRST_PICTURES and _is_first(now) and not _is_first(before)
        for now, before in zip(fields.current, fields.previous, strict=True)
    )


def warn_of_forgotten_reset() -> None:
    """Warn the caller of the method that calls this."""
    warnings.warn(
        "an episode started without the agent's being told, so it decided on pictures of two "
        "episodes: call agent.reset() when an episode starts, agent.reset(mask) for those of a "
        "batch (with next-step autoreset one step after the end), or pass episode_start to "
        "agent.predict(); told once for each agent",
        ForgottenResetWarning,
        stacklevel=3,
    )


def _is_first(pixels: Pixels) -> bool:
    return pixels.tobytes() == _FIRST_PICTURES.get(len(pixels))
