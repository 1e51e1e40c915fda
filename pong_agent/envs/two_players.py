"""Pong for two players on the stock emulator, which has one player only.

The emulator lets nobody move the left paddle but the built-in player. Its height lies in cell 21 of
the console's RAM, so it is written there. What a paddle does when its player holds UP or DOWN, with
all inertia and limits, comes from a second emulator: there the left player moves the right paddle,
and the height of that is carried over. Both paddles obey the same rules by construction.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.envs.make import make_env

Frame = NDArray[np.uint8]

FRAMES_PER_STEP = 4  # as in ALE/Pong-v5
FRAMES_PER_SECOND = 60

# Codes of the emulator's own `act`: the paddle's RIGHT is up, LEFT is down.
_CODES = {DOWN: 4, UP: 3, STAY: 0}
# Cells of the console's RAM: heights of the paddles' lower ends, and the points.
_LEFT_HEIGHT, _RIGHT_HEIGHT, _LEFT_SCORE, _RIGHT_SCORE = 21, 51, 13, 14
_MOVES = (0, -2, 2)  # of the built-in player in a frame, all there are


class TwoPlayerPong:
    """A game of Pong with both paddles in one's hands.

    Args:
        sticky: probability, for each player and emulated frame, that the action of the frame before
            is repeated instead (Machado et al., "Revisiting the Arcade Learning Environment",
            2018).

    Attributes:
        left_points: points of the left player, counted from the environment's rewards.
        right_points: those of the right one.
        over: whether one of them has 21.
        frames: emulated frames since the reset.

    Example:
        >>> game = TwoPlayerPong()
        >>> screen = game.reset(seed=0)
        >>> for _ in range(30):
        ...     screen = game.step(left=UP, right=DOWN)
        >>> screen.shape, screen.dtype
        ((210, 160, 3), dtype('uint8'))
        >>> left_rows = np.flatnonzero((screen[34:194, 16] == (213, 130, 74)).all(axis=1))
        >>> right_rows = np.flatnonzero((screen[34:194, 140] == (92, 186, 92)).all(axis=1))
        >>> bool(left_rows.max() < right_rows.min())  # the left paddle is above the right one
        True
        >>> game.close()
    """

    def __init__(self, *, sticky: float = 0.25) -> None:
        kwargs: dict[str, Any] = {"frameskip": 1, "repeat_action_probability": 0.0}
        self.sticky = sticky
        self._env = make_env("ALE/Pong-v5", **kwargs)
        self._twin = make_env("ALE/Pong-v5", **kwargs)  # where the left player moves the right one
        self._screen = np.zeros((210, 160, 3), np.uint8)

    def reset(self, seed: int) -> Frame:
        """Begin a game; return its first screen, [210, 160, 3] uint8 RGB."""
        self._env.reset(seed=seed)
        self._twin.reset(seed=seed)
        base, twin_base = cast(Any, self._env.unwrapped), cast(Any, self._twin.unwrapped)
        self._ale, self._twin_ale = base.ale, twin_base.ale
        self._generator = np.random.default_rng(seed)
        self._last = [STAY, STAY]
        self.left_points = self.right_points = self.frames = 0
        self.over = False
        return self.screen()

    def step(self, left: int, right: int, on_frame: Callable[[Frame], None] | None = None) -> Frame:
        """Play four emulated frames, fewer where the game ends.

        Args:
            left: DOWN, UP or STAY of the left player.
            right: that of the right one.
            on_frame: called with the screen after each emulated frame; the array is reused.

        Returns:
            The last screen, a copy.
        """
        for _ in range(FRAMES_PER_STEP):
            if self.over:
                break
            self.frame(left, right)
            if on_frame is not None:
                on_frame(self._read_screen())
        return self.screen()

    def frame(self, left: int, right: int) -> int:
        """Play one emulated frame; return the reward, 1 for a point of the right one, or -1."""
        left, right = self._stuck((left, right))
        # A won or lost game would stop the twin, whose game is of no interest.
        for cell in (_LEFT_SCORE, _RIGHT_SCORE):
            self._twin_ale.setRAM(cell, 0)
        self._twin_ale.act(_CODES[left])
        height = _as_left(int(self._twin_ale.getRAM()[_RIGHT_HEIGHT]))
        reward = self._act(_CODES[right], height)
        self.frames += 1
        self.right_points += int(reward > 0)
        self.left_points += int(reward < 0)
        self.over = bool(self._ale.game_over())
        return reward

    def screen(self) -> Frame:
        """Return a copy of the present screen, [210, 160, 3] uint8 RGB."""
        return self._read_screen().copy()

    def close(self) -> None:
        """Close both emulators."""
        self._env.close()
        self._twin.close()

    def _stuck(self, actions: tuple[int, int]) -> tuple[int, int]:
        """Return the actions that count: the players' own, or those of the frame before."""
        stuck = self._generator.random(2) < self.sticky
        taken = [
            last if stick else now
            for last, now, stick in zip(self._last, actions, stuck, strict=True)
        ]
        self._last = taken
        return taken[0], taken[1]

    def _act(self, code: int, height: int) -> int:
        """Emulate a frame at whose end the left paddle is at `height`.

        The built-in player moves the paddle by two after it was written, up or down as the ball
        goes: the frame is tried with each of its moves taken back beforehand. Where none fits, the
        game itself puts the paddle somewhere, as it does before it serves.
        """
        before = self._ale.cloneState()
        for move in _MOVES:
            if move:
                self._ale.restoreState(before)
            self._ale.setRAM(_LEFT_HEIGHT, height - move)
            reward: int = self._ale.act(code)
            if int(self._ale.getRAM()[_LEFT_HEIGHT]) == height:
                return reward
        self._ale.restoreState(before)
        self._ale.setRAM(_LEFT_HEIGHT, height)
        return int(self._ale.act(code))

    def _read_screen(self) -> Frame:
        self._ale.getScreenRGB(self._screen)
        return self._screen


def _as_left(right_height: int) -> int:
    """Return the left paddle's cell 21 for a place of the right paddle, in its cell 51.

    The right paddle's first row is `(cell - 13) // 2 * 2`, an even one, the left paddle's
    `cell - 15`, an odd one here: they cannot be at the same height, and one of two is a row off.
    With the left one a row above, equal agents are level; with it a row below, where the ball is
    hit by other parts of the paddle, the left one gains 4 points a game.
    """
    return (right_height - 13) // 2 * 2 + 14
