"""Frames of an environment: of an Atari game every emulator frame, whatever the frame skip."""

import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]  # [H, W, 3] RGB

EMULATOR_FPS = 60  # frames per second of the Atari 2600 (NTSC)


class CapturedALE:
    """Wraps an ALEInterface and passes on the screen after each frame it emulates."""

    def __init__(self, ale: Any, on_frame: Callable[[Frame], None]) -> None:
        self.wrapped = ale
        self._screen = np.empty((*ale.getScreenDims(), 3), np.uint8)  # reused
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
        self.wrapped.getScreenRGB(self._screen)
        self._on_frame(self._screen)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class FrameSource:
    """Passes on an environment's frames: all emulator frames, or one rendered after each step.

    An Atari game's emulator is wrapped until `detach`. A frame is reused after `on_frame`.
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


def check_renders(env: Any, maker: str) -> None:
    """Raise ValueError unless an environment renders RGB arrays; `maker` is the way to make it."""
    if env.render_mode != "rgb_array":
        raise ValueError(
            f'expected an environment with render_mode "rgb_array", found {env.render_mode!r}: '
            f'make it with gymnasium.{maker}, render_mode="rgb_array")'
        )


def check_open(closed: bool) -> None:
    """Raise gymnasium.error.ClosedEnvironmentError for a recorder that was closed."""
    if closed:
        raise gymnasium.error.ClosedEnvironmentError(
            "expected an open recorder, found a closed one: continue with the environment it "
            "wrapped, or make a new recorder"
        )


def true_fps(env: Any) -> float:
    """Return an environment's frames per second at true speed; raise ValueError if unknown."""
    if is_atari(env):
        return EMULATOR_FPS
    rate = env.metadata.get("render_fps")
    if rate is None:
        raise ValueError('expected metadata["render_fps"] or the argument fps, found neither')
    return float(rate)


def checksum(frame: Frame, before: int = 0) -> int:
    """Return the CRC-32 of a frame and of all frames before it."""
    return zlib.crc32(np.ascontiguousarray(frame).data, before)
