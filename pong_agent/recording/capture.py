"""Frames of an environment: of an Atari game every emulator frame, whatever the frame skip."""

import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]  # [H, W, 3] RGB

EMULATOR_FPS = 60  # frames per second of the Atari 2600 (NTSC)


class FrameSource:
    """Passes on an environment's frames: all emulator frames, or one rendered after each step.

    It stands between an Atari game and its emulator until `detach`. A frame is reused afterwards.
    """

    def __init__(self, env: Any, on_frame: Callable[[Frame], None]) -> None:
        self._env, self._on_frame = env, on_frame
        self._ale: Any = None
        if is_atari(env):
            self._ale, env.unwrapped.ale = env.unwrapped.ale, self
            self._screen = np.empty((*self._ale.getScreenDims(), 3), np.uint8)

    def act(self, action: Any, paddle_strength: float = 1.0) -> int:
        """Emulate one frame and pass it on; after the game's end the emulator makes none."""
        before = self._ale.getFrameNumber()
        reward: int = self._ale.act(action, paddle_strength)
        if self._ale.getFrameNumber() != before:
            self.show()
        return reward

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ale, name)  # the game uses all of its emulator

    def show(self) -> None:
        """Pass on the current frame."""
        if self._ale is None:
            self._on_frame(self._env.render())
        else:
            self._ale.getScreenRGB(self._screen)
            self._on_frame(self._screen)

    def after_step(self) -> None:
        """Pass on the frame after a step, unless the emulator has done so within it."""
        if self._ale is None:
            self.show()

    def detach(self) -> None:
        """Give the game its own emulator back."""
        if self._ale is not None and self._env.unwrapped.ale is self:
            self._env.unwrapped.ale = self._ale


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
