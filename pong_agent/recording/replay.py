"""A filmed episode played again, and compared frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

from pong_agent.envs.make import make_env
from pong_agent.envs.paddle_actions import NotPongError
from pong_agent.recording.capture import Checksum, FrameSource
from pong_agent.recording.encoder import VideoError
from pong_agent.recording.sidecar import Sidecar

_REFUSALS = (
    ArithmeticError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
    gymnasium.error.Error,
)
_LARGEST_NUMBER = 1_000  # of frames skipped or passed without an action: others would not end

# What an environment may be made with when it is played again.
_KWARGS = {
    "difficulty",
    "frameskip",
    "full_action_space",
    "max_num_frames_per_episode",
    "mode",
    "noop_max",
    "repeat_action_probability",
}


@dataclass(frozen=True)
class Replay:
    """What came of playing a filmed episode again.

    Attributes:
        steps: agent steps that were played.
        frames: frames that were compared.
        difference: where the episodes part, None where they are identical.
    """

    steps: int
    frames: int
    difference: str | None

    @property
    def identical(self) -> bool:
        """Whether all frames, pixel for pixel, and all rewards are those of the film."""
        return self.difference is None


def replay(path: str | Path, env: Any = None) -> Replay:
    """Play a filmed episode again and compare it, frame by frame, before any encoding.

    Args:
        path: the film's `NAME.json`, or the film itself.
        env: an environment made as the filmed one was; by default a Pong is made. Frames of an
            emulator need no render mode, others need "rgb_array".

    Returns:
        Whether all is identical, and where it is not.

    Raises:
        VideoError: the file cannot be read, the episode had no seed to begin it with, or the
            environment takes no such seed or action.
        NotPongError: the environment is not Pong, and none was given.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from pong_agent import PongAgent
        >>> from pong_agent.recording import record_episodes
        >>> limit = {"max_num_frames_per_episode": 60}
        >>> with TemporaryDirectory() as folder:
        ...     _, [film] = record_episodes(
        ...         PongAgent("reinforce"), folder, "ALE/Pong-v5", env_kwargs=limit, overlay=False
        ...     )
        ...     replay(film)
        Replay(steps=15, frames=61, difference=None)
    """
    path = Path(path).with_suffix(".json")
    sidecar = Sidecar.read(path)
    if sidecar.seed is None:
        raise VideoError(
            f"{path}: the episode went on from the one before it, without a seed of its own: "
            f"call reset(seed=...) to film what can be played again"
        )
    own = env is None
    if own:
        env = _make_again(sidecar, path)
    try:
        return _compare(env, sidecar)
    except _REFUSALS as error:
        raise VideoError(f"{path}: the environment refuses what was filmed: {error!r}") from error
    finally:
        if own:
            env.close()


def _make_again(sidecar: Sidecar, path: Path) -> Any:
    """Make the environment that was filmed, which must be a Pong.

    Raises:
        NotPongError: it is not, or cannot be made.
    """
    kwargs = {name: value for name, value in sidecar.env_kwargs.items() if name in _KWARGS}
    if isinstance(kwargs.get("frameskip"), list):
        kwargs["frameskip"] = tuple(kwargs["frameskip"])
    counts: dict[str, Any] = {**(sidecar.options or {})}
    counts |= {name: kwargs[name] for name in ("frameskip", "noop_max") if name in kwargs}
    for name, count in counts.items():
        numbers = count if isinstance(count, tuple) else (count,)
        if not all(type(n) is int and 0 <= n <= _LARGEST_NUMBER for n in numbers):
            told = f"expected up to {_LARGEST_NUMBER}, found {count!r:.60}"
            raise VideoError(f"{path}: {name}: {told}")
    try:
        return make_env(sidecar.env_id, render_mode="rgb_array", **kwargs)
    except (TypeError, ValueError, RuntimeError) as error:
        raise NotPongError(f"{path}: the filmed environment cannot be made: {error}") from error


def _compare(env: Any, sidecar: Sidecar) -> Replay:
    checksum, filmed, count = Checksum(), False, 0

    def take(frame: Any) -> None:
        nonlocal count
        if filmed:
            checksum.add(frame)
            count += 1

    source = FrameSource(env, take)
    try:
        env.reset(
            seed=sidecar.seed, options=None if sidecar.options is None else {**sidecar.options}
        )
        expected = iter(sidecar.checksums)
        for step in range(1 + len(sidecar.actions)):
            if step:
                _, reward, terminated, truncated, _ = env.step(sidecar.actions[step - 1])
                if filmed:
                    source.after_step()
                if float(reward) != sidecar.rewards[step - 1]:
                    told = f"reward {sidecar.rewards[step - 1]} in the film, {reward} now"
                    return Replay(step, count, f"agent step {step}: {told}")
            if step == sidecar.first_step:
                filmed = True
                source.show()
            if filmed and next(expected) != checksum.value:
                return Replay(step, count, f"agent step {step}: the pictures differ")
            if step and (terminated or truncated) and step < len(sidecar.actions):
                return Replay(step, count, f"agent step {step}: the episode ends, not in the film")
    finally:
        source.detach()
    if count != sidecar.frames:
        told = f"expected {sidecar.frames} frames, found {count}"
        return Replay(len(sidecar.actions), count, told)
    return Replay(len(sidecar.actions), count, None)
