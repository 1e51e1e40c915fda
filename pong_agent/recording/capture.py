"""Frames of an environment: of an Atari game every emulator frame, whatever the frame skip."""

import warnings
import weakref
import zlib
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import numpy.typing as npt

from pong_agent.errors import ConfigError
from pong_agent.recording.ffmpeg import RecordingWarning

Frame: TypeAlias = npt.NDArray[np.uint8]  # [H, W, 3] RGB

_BOOT_COLOUR = (109, 118, 43)  # of Pong's ground in the first two frames of a game
_BOOT_PLACE = (100, 80)  # row and column: on the ground

EMULATOR_FPS = 60  # frames per second of the Atari 2600 (NTSC)


class FrameSource:
    """Passes on an environment's frames: all emulator frames, or one rendered after each step.

    It stands between an Atari game and its emulator until `detach`. A frame is reused afterwards.
    `on_frame` is called with a frame and `args`; a method does not keep its object alive.
    """

    def __init__(self, env: Any, on_frame: Callable[..., None], *args: int) -> None:
        self._env, self._args = env, args
        method = isinstance(on_frame, MethodType)
        self._on_frame = weakref.WeakMethod(on_frame) if method else lambda: on_frame
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
        if (on_frame := self._on_frame()) is None:
            return
        if self._ale is None:
            on_frame(self._env.render(), *self._args)
        else:
            self._ale.getScreenRGB(self._screen)
            on_frame(self._screen, *self._args)

    def after_step(self) -> None:
        """Pass on the frame after a step, unless the emulator has done so within it."""
        if self._ale is None:
            self.show()

    def detach(self) -> None:
        """Give the game its own emulator back."""
        if self._ale is not None and self._env.unwrapped.ale is self:
            self._env.unwrapped.ale = self._ale


def is_boot_frame(frame: Frame) -> bool:
    """Return whether Pong's console has not set its colours yet, as in a game's first frames."""
    return frame.shape == (210, 160, 3) and tuple(frame[_BOOT_PLACE].tolist()) == _BOOT_COLOUR


def is_atari(env: Any) -> bool:
    """Return whether an environment has an emulator whose frames can be captured."""
    ale = getattr(env.unwrapped, "ale", None)
    return hasattr(ale, "act") and hasattr(ale, "getScreenRGB")


def check_renders(
    env: Any,
    maker: str = 'gymnasium.make("{id}", render_mode="rgb_array")',
    kind: Any = gymnasium.Env,
) -> None:
    """Raise ConfigError unless an environment is of a kind and renders RGB arrays.

    `maker` is a call that makes one, with the places `{id}` and `{num_envs}`.
    """
    if not isinstance(env, kind):
        raise ConfigError(
            f"expected Gymnasium's {kind.__name__}, found {env!r:.60}: EpisodeRecorder records "
            "an Env, VectorEpisodeRecorder a VectorEnv"
        )
    if env.render_mode != "rgb_array":
        specs = [one.spec for one in (env, *getattr(env.unwrapped, "envs", [])) if one.spec]
        n_envs = getattr(env, "num_envs", 1)
        call = maker.format(id=specs[0].id if specs else "ID", num_envs=n_envs)
        raise ConfigError(
            f'expected an environment with render_mode "rgb_array", found {env.render_mode!r}: '
            f"make it with {call}"
        )


def check_open(closed: bool) -> None:
    """Raise gymnasium.error.ClosedEnvironmentError for a recorder that was closed."""
    if closed:
        raise gymnasium.error.ClosedEnvironmentError(
            "expected an open recorder, found a closed one: continue with the environment it "
            "wrapped, or make a new recorder"
        )


def true_fps(env: Any) -> float:
    """Return an environment's frames per second at true speed; raise ConfigError if unknown."""
    if is_atari(env):
        return EMULATOR_FPS
    rate = env.metadata.get("render_fps")
    if not isinstance(rate, (int, float, np.number)) or not 0 < rate < float("inf"):
        found = "neither" if rate is None else f"{rate!r:.60}"
        raise ConfigError(
            f'expected metadata["render_fps"] or the argument fps, such as fps=30, found {found}'
        )
    return float(rate)


def true_vector_fps(env: Any) -> float:
    """Return a vector environment's frames per second at true speed, with one frame a step.

    An Atari game emulates several frames in a step and renders the last; frame skips of the game
    and of Gymnasium's wrappers are known. Raises ConfigError if the rate is unknown.
    """
    vector = env.unwrapped
    if not hasattr(vector, "call"):
        return true_fps(env)

    def has(name: str) -> bool:
        return all(vector.call("has_wrapper_attr", name))

    if not has("ale"):
        return true_fps(vector.envs[0] if getattr(vector, "envs", None) else env)
    # of the game, of AtariPreprocessing, of MaxAndSkipObservation
    skips = [vector.call(name)[0] for name in ("_frameskip", "frame_skip", "_skip") if has(name)]
    fps = float(EMULATOR_FPS)
    for skip in skips:
        if isinstance(skip, tuple):
            warnings.warn(
                f"steps take from {skip[0]} to {skip[1] - 1} emulator frames: at the mean speed, "
                "parts of the videos are too fast or too slow. A SyncVectorEnv records each frame",
                RecordingWarning,
                stacklevel=4,
            )
            skip = (skip[0] + skip[1] - 1) / 2
        fps /= skip
    return fps


def checksum(frame: Frame, before: int = 0) -> int:
    """Return the CRC-32 of a frame and of all frames before it."""
    return zlib.crc32(np.ascontiguousarray(frame).data, before)
