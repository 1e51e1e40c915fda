"""Recorded episodes played again and compared frame by frame."""

from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gymnasium.error import Error as GymnasiumError

from pong_agent.envs.make import make_env
from pong_agent.envs.paddle_actions import NotPongError
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import ConfigError
from pong_agent.recording.capture import Frame, FrameSource, checksum
from pong_agent.recording.encoder import VideoError
from pong_agent.recording.sidecar import Sidecar

_REFUSALS = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError, GymnasiumError)
_MOST_NOOPS = 1_000  # of `options`: larger numbers would not end


@dataclass(frozen=True)
class Replay:
    """Result of replaying a recorded episode."""

    steps: int  # agent steps that were played
    frames: int  # that were compared
    difference: str | None  # the first one, None if there is none

    @property
    def identical(self) -> bool:
        """Whether all frames, pixel for pixel, and all rewards are those of the recording."""
        return self.difference is None


def replay(path: str | Path, env: Any = None) -> Replay:
    """Play a recorded episode again and compare its frames, as they were before encoding.

    Args:
        path: the video's `NAME.json`, or the video itself.
        env: an environment made like the recorded one; by default a Pong is made. Frames of an
            emulator need no render mode, others need "rgb_array".

    Returns:
        Whether everything is identical, and the first difference if not.

    Raises:
        VideoError: the file cannot be read, the episode began without a seed, or the environment
            refuses a seed or an action.
        NotPongError: the environment is not Pong, and none was given.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from pong_agent import PongAgent
        >>> from pong_agent.recording import record_episodes
        >>> brief = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=60)
        >>> with TemporaryDirectory() as folder:
        ...     _, [video] = record_episodes(PongAgent("reinforce"), folder, brief)
        ...     replay(video)
        Replay(steps=15, frames=61, difference=None)
    """
    path = Path(path).with_suffix(".json")
    sidecar = Sidecar.read(path)
    if sidecar.seed is None:
        raise VideoError(
            f"{path}: expected an episode with a seed of its own, found none: "
            "call reset(seed=...) to record episodes that can be replayed"
        )
    with _make_again(sidecar, path) if env is None else nullcontext(env) as game:
        try:
            return _compare(game, sidecar)
        except _REFUSALS as error:
            raise VideoError(f"{path}: the environment refuses the episode: {error!r}") from error


def _make_again(sidecar: Sidecar, path: Path) -> Any:
    """Make the recorded environment, if it is Pong and its options are in range."""
    for name, count in (sidecar.options or {}).items():
        if type(count) is not int or not 0 <= count <= _MOST_NOOPS:
            expected = f"a whole number from 0 to {_MOST_NOOPS}"
            raise VideoError(f"{path}: {name}: expected {expected}, found {count!r:.60}")
    known = {one.name for one in fields(EnvSpec)}
    values = {name: value for name, value in sidecar.env_kwargs.items() if name in known}
    try:
        spec = EnvSpec.from_dict({**values, "env_id": sidecar.env_id})
        return make_env(spec, render_mode="rgb_array")
    except ConfigError as error:
        raise VideoError(f"{path}: {error}") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise NotPongError(f"{path}: the recorded environment cannot be made: {error}") from error


def _compare(env: Any, sidecar: Sidecar) -> Replay:
    found, recorded, count = 0, False, 0

    def take(frame: Frame) -> None:
        nonlocal found, count
        if recorded:
            found = checksum(frame, found)
            count += 1

    def difference(step: int, text: str) -> Replay:
        return Replay(step, count, f"agent step {step}: {text}")

    source = FrameSource(env, take)
    n_steps, done = len(sidecar.actions), False
    try:
        env.reset(seed=sidecar.seed, options=sidecar.options)
        expected = iter(sidecar.checksums)
        for step in range(1 + n_steps):
            if step:
                _, reward, terminated, truncated, _ = env.step(sidecar.actions[step - 1])
                done = terminated or truncated
                if recorded:
                    source.after_step()
                if float(reward) != (before := sidecar.rewards[step - 1]):
                    return difference(step, f"reward {before} in the recording, {reward} now")
            if step == sidecar.first_step:
                recorded = True
                source.show()
            if recorded and next(expected) != found:
                return difference(step, "the frames differ")
            if done and step < n_steps:
                return difference(step, "the episode ends, unlike the recorded one")
    finally:
        source.detach()
    if count != sidecar.frames:
        return Replay(n_steps, count, f"expected {sidecar.frames} frames, found {count}")
    return Replay(n_steps, count, None)
