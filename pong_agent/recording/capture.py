"""What an environment shows: every emulator frame of an Atari game, whatever its frame skip."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]  # [H, W, 3] RGB

EMULATOR_FPS = 60  # frames per second of the Atari 2600 (NTSC)


class FilmedALE:
    """Stands in for an ALEInterface and hands over the screen after each frame it emulates.

    Attributes:
        wrapped: the ALEInterface.
        screen: [210, 160, 3] RGB, the last screen that was handed over; reused.
    """

    def __init__(self, ale: Any, on_frame: Callable[[Frame], None]) -> None:
        self.wrapped = ale
        self.screen = np.empty((*ale.getScreenDims(), 3), np.uint8)
        self._on_frame = on_frame

    def act(self, action: Any, paddle_strength: float = 1.0) -> int:
        """Emulate one frame; once the game is over the emulator stands still: no frame then."""
        before = self.wrapped.getFrameNumber()
        reward: int = self.wrapped.act(action, paddle_strength)
        if self.wrapped.getFrameNumber() != before:
            self.show()
        return reward

    def show(self) -> None:
        """Hand over the present screen."""
        self.wrapped.getScreenRGB(self.screen)
        self._on_frame(self.screen)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class FrameSource:
    """Hands over what an environment shows: all emulator frames, or what it renders after a step.

    Args:
        env: an environment; an Atari game gets a stand-in for its emulator until `detach`.
        on_frame: called with each frame, [H, W, 3] uint8 RGB, which is reused afterwards.

    Attributes:
        is_atari: whether frames come from an emulator.
    """

    def __init__(self, env: Any, on_frame: Callable[[Frame], None]) -> None:
        self._env, self._on_frame = env, on_frame
        self._game = env.unwrapped
        self._ale: FilmedALE | None = None
        ale = getattr(self._game, "ale", None)
        if hasattr(ale, "act") and hasattr(ale, "getScreenRGB"):
            self._ale = self._game.ale = FilmedALE(ale, on_frame)

    @property
    def is_atari(self) -> bool:
        """Whether frames come from an emulator."""
        return self._ale is not None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of an emulator's frames in pixels; None where they are rendered."""
        if self._ale is None:
            return None
        height, width = self._ale.screen.shape[:2]
        return height, width

    def show(self) -> None:
        """Hand over the present picture."""
        if self._ale is not None:
            self._ale.show()
        else:
            self._on_frame(self._env.render())

    def after_step(self) -> None:
        """Hand over the picture after a step, where no emulator has done so within it."""
        if self._ale is None:
            self.show()

    def detach(self) -> None:
        """Give the game its emulator back."""
        if self._ale is not None and self._game.ale is self._ale:
            self._game.ale = self._ale.wrapped


def true_fps(env: Any, source: FrameSource) -> float | None:
    """Return the rate at which an environment's frames have their true speed, where it is known."""
    if source.is_atari:
        return EMULATOR_FPS
    rate = env.metadata.get("render_fps")
    return None if rate is None else float(rate)


class Checksum:
    """A running CRC-32 of all frames so far.

    Example:
        >>> checksum = Checksum()
        >>> checksum.add(np.zeros((2, 2, 3), np.uint8))
        >>> checksum.value == zlib.crc32(bytes(12))
        True
    """

    def __init__(self) -> None:
        self.value = 0

    def add(self, frame: Frame) -> None:
        """Take a frame in."""
        self.value = zlib.crc32(np.ascontiguousarray(frame).data, self.value)
