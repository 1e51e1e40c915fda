"""Frames of an environment: of an Atari game every emulator frame, whatever the frame skip."""

import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]  # [H, W, 3] RGB

EMULATOR_FPS = 60  # frames per second of the Atari 2600 (NTSC)


class CapturedALE:
    """Wraps an ALEInterface and passes on the screen after each frame it emulates.

    Attributes:
        wrapped: the ALEInterface.
        screen: [210, 160, 3] RGB, the last screen that was passed on; reused.
    """

    def __init__(self, ale: Any, on_frame: Callable[[Frame], None]) -> None:
        self.wrapped = ale
        self.screen = np.empty((*ale.getScreenDims(), 3), np.uint8)
        self._on_frame = on_frame

    def act(self, action: Any, paddle_strength: float = 1.0) -> int:
        """Emulate one frame and pass it on; after the game's end the emulator makes none."""
        before = self.wrapped.getFrameNumber()
        reward: int = self.wrapped.act(action, paddle_strength)
        if self.wrapped.getFrameNumber() != before:
            self.show()
        return reward

    def show(self) -> None:
        """Pass on the current screen."""
        self.wrapped.getScreenRGB(self.screen)
        self._on_frame(self.screen)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class FrameSource:
    """Passes on an environment's frames: all emulator frames, or one rendered after each step.

    Args:
        env: an environment; an Atari game's emulator is wrapped until `detach`.
        on_frame: called with each frame, [H, W, 3] uint8 RGB, which is reused afterwards.
    """

    def __init__(self, env: Any, on_frame: Callable[[Frame], None]) -> None:
        self._env, self._on_frame = env, on_frame
        self._game = env.unwrapped
        self._ale: CapturedALE | None = None
        if is_atari(env):
            self._ale = self._game.ale = CapturedALE(self._game.ale, on_frame)

    def show(self) -> None:
        """Pass on the current frame."""
        if self._ale is not None:
            self._ale.show()
        else:
            self._on_frame(self._env.render())

    def after_step(self) -> None:
        """Pass on the frame after a step, unless the emulator has done so within it."""
        if self._ale is None:
            self.show()

    def detach(self) -> None:
        """Give the game its own emulator back."""
        if self._ale is not None and self._game.ale is self._ale:
            self._game.ale = self._ale.wrapped


def is_atari(env: Any) -> bool:
    """Return whether an environment has an emulator whose frames can be captured."""
    ale = getattr(env.unwrapped, "ale", None)
    return hasattr(ale, "act") and hasattr(ale, "getScreenRGB")


def true_fps(env: Any) -> float:
    """Return an environment's frames per second at true speed.

    Raises:
        ValueError: they are unknown.
    """
    if is_atari(env):
        return EMULATOR_FPS
    rate = env.metadata.get("render_fps")
    if rate is None:
        raise ValueError('expected metadata["render_fps"] or the argument fps, found neither')
    return float(rate)


def checksum(frame: Frame, before: int = 0) -> int:
    """Return the CRC-32 of a frame and of all frames before it.

    Example:
        >>> black = np.zeros((2, 2, 3), np.uint8)
        >>> checksum(black, checksum(black)) == zlib.crc32(bytes(24))
        True
    """
    return zlib.crc32(np.ascontiguousarray(frame).data, before)
