"""Pong for two players on the stock emulator, which supports only one.

The emulator gives the left paddle to the built-in opponent. The paddle's height is in cell 21 of
the console's RAM, so it is overwritten there. How a paddle moves when its player holds UP or DOWN,
with inertia and limits, comes from a second emulator: there the left player moves the right paddle,
whose height is copied. Both paddles obey the same rules by construction.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.envs.make import make_env
from pong_agent.envs.spec import EnvSpec
from pong_agent.seeding import Stream, generator

Frame = NDArray[np.uint8]

FRAMES_PER_STEP = 4  # as in ALE/Pong-v5
FRAMES_PER_SECOND = 60

_SPEC = EnvSpec("ALE/Pong-v5", frameskip=1, repeat_action_probability=0.0)
# Codes of the emulator's own `act`: RIGHT moves the right paddle up, LEFT moves it down.
_CODES = {DOWN: 4, UP: 3, STAY: 0}
# Cells of the console's RAM: heights of the paddles' lower ends, and the points.
_LEFT_HEIGHT, _RIGHT_HEIGHT, _LEFT_SCORE, _RIGHT_SCORE = 21, 51, 13, 14
_MOVES = (0, -2, 2)  # every move of the built-in opponent in a frame


class TwoPlayerPong:
    """A game of Pong in which the caller moves both paddles.

    Args:
        sticky: probability, for each player and emulated frame, that the previous frame's action is
            repeated instead (Machado et al., "Revisiting the Arcade Learning Environment", 2018).

    Attributes:
        left_points: points of the left player, counted from the environment's rewards.
        right_points: points of the right player.
        over: whether a player has 21 points.
        frames: emulated frames since the reset.

    Example:
        >>> game = TwoPlayerPong()
        >>> frame = game.reset(seed=0)
        >>> frame = game.step(left=UP, right=DOWN)
        >>> frame.shape, frame.dtype
        ((210, 160, 3), dtype('uint8'))
        >>> game.close()
    """

    def __init__(self, *, sticky: float = 0.25) -> None:
        self._sticky = sticky
        self._env = make_env(_SPEC)
        # The twin, in which the left player moves the right paddle, starts every game alike.
        self._twin = make_env(_SPEC)
        self._twin.reset(seed=0)
        self._twin_ale = cast(Any, self._twin.unwrapped).ale
        self._twin_start = self._twin_ale.cloneState()

    def reset(self, seed: int) -> Frame:
        """Start a game; return its first frame, [210, 160, 3] uint8 RGB."""
        self._env.reset(seed=seed)
        self._twin_ale.restoreState(self._twin_start)
        self._ale = cast(Any, self._env.unwrapped).ale
        self._generator = generator(seed, Stream.STICKY_ACTIONS)
        self._last = [STAY, STAY]  # actions that took effect in the previous frame
        self.left_points = self.right_points = self.frames = 0
        self.over = False
        return self.last_frame()

    def step(self, left: int, right: int, on_frame: Callable[[Frame], None] | None = None) -> Frame:
        """Play four emulated frames, or fewer if the game ends, and return the last one."""
        for _ in range(FRAMES_PER_STEP):
            if self.over:
                break
            self.play_frame(left, right)
            if on_frame is not None:
                on_frame(self.last_frame())
        return self.last_frame()

    def play_frame(self, left: int, right: int) -> int:
        """Play one emulated frame; return the right player's reward, 1, 0 or -1."""
        sticks = self._generator.random(2) < self._sticky
        left, right = self._last = np.where(sticks, self._last, (left, right)).tolist()
        # A finished game would stop the twin, whose points do not matter.
        for cell in (_LEFT_SCORE, _RIGHT_SCORE):
            self._twin_ale.setRAM(cell, 0)
        self._twin_ale.act(_CODES[left])
        height = _left_height(int(self._twin_ale.getRAM()[_RIGHT_HEIGHT]))
        reward = self._act(_CODES[right], height)
        self.frames += 1
        self.right_points += int(reward > 0)
        self.left_points += int(reward < 0)
        self.over = bool(self._ale.game_over())
        return reward

    def last_frame(self) -> Frame:
        """Return the newest frame, [210, 160, 3] uint8 RGB."""
        frame: Frame = self._ale.getScreenRGB()
        return frame

    def close(self) -> None:
        """Close both emulators."""
        self._env.close()
        self._twin.close()

    def _act(self, code: int, height: int) -> int:
        """Emulate a frame at whose end the left paddle is at `height`.

        The built-in opponent moves the paddle by two, up or down towards the ball, after its height
        was written. So each possible move is subtracted in advance until one fits. If none fits,
        the game itself has placed the paddle, as it does before a serve.
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


def _left_height(right_height: int) -> int:
    """Return the left paddle's cell 21 for a position of the right paddle, in its cell 51.

    The right paddle's first row is `(cell - 13) // 2 * 2`, always even, and the left paddle's
    `cell - 15`, here always odd: they cannot be level, so one of them is a row higher. With the
    left one a row higher, equal agents are equally strong; with it a row lower, the ball hits other
    parts of the paddle and the left agent gains 4 points per game.
    """
    return (right_height - 13) // 2 * 2 + 14
