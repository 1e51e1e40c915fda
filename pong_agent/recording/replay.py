"""Recorded episodes played again and compared frame by frame."""

from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.error import Error as GymnasiumError

from pong_agent.envs.make import make_registered
from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import ConfigError
from pong_agent.recording.capture import Frame, FrameSource, check_renders, checksum, is_atari
from pong_agent.recording.encoder import VideoError
from pong_agent.recording.sidecar import Sidecar, plain_reward, sha256_of
from pong_agent.whole_file import absolute_path

_REFUSALS = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError, GymnasiumError)
_GIVE = "give an environment made like the recorded one, replay(path, env)"
_MOST_NOOPS = 1_000  # of `options`: larger numbers would not end
_MOST_FRAMES = 10_000_000  # emulated for a file: two days of play, half an hour here


@dataclass(frozen=True)
class Replay:
    """Result of replaying a recorded episode."""

    steps: int  # agent steps that were played
    frames: int  # that were compared
    difference: str | None  # the first one, None if there is none
    video_found: bool = True  # whether the video was there; it then is the recorded one

    @property
    def identical(self) -> bool:
        """Whether all frames, pixel for pixel, and all rewards are those of the recording."""
        return self.difference is None


def replay(path: str | Path, env: Any = None) -> Replay:
    """Play a recorded episode again and compare its frames, as they were before encoding.

    The file `NAME.json` is enough; if the video lies beside it, its digest must be the file's.

    Args:
        path: the video's `NAME.json`, or the video itself.
        env: an environment made like the recorded one; by default a Pong is made, without the
            wrappers that the recorder was around. Frames of an emulator need no render mode, others
            need "rgb_array".

    Returns:
        Whether everything is identical, and the first difference if not.

    Raises:
        ConfigError: the path or the environment is none.
        VideoError: the file cannot be read or belongs to another video, the episode began without a
            seed, the environment refuses a seed or an action, or it was recorded in wrappers that
            may change the game.
        NotPongError: the environment is not Pong, and none was given.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from pong_agent import PongAgent
        >>> from pong_agent.recording import record_episodes
        >>> brief = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=60)
        >>> with TemporaryDirectory() as folder:
        ...     _, [video] = record_episodes(PongAgent("reinforce"), folder, brief)
        ...     replay(video)
        Replay(steps=15, frames=61, difference=None, video_found=True)
    """
    if env is not None and not hasattr(env, "unwrapped"):
        raise ConfigError(f"env: expected an environment, found {env!r:.60}")
    path, video = _beside(absolute_path(path))
    sidecar = Sidecar.read(path)
    if sidecar.seed is None:
        raise VideoError(
            f"{path}: expected an episode with a seed of its own, found none: "
            "call reset(seed=...) to record episodes that can be replayed"
        )
    found = _check_video(video, path, sidecar)
    with _make_again(sidecar, path) if env is None else nullcontext(env) as game:
        try:
            result = _compare(game, sidecar)
        except _REFUSALS as error:
            reason = sidecar.needs_env if env is None else ""
            raise VideoError(
                f"{path}: the environment refuses the episode: {reason or repr(error)}"
            ) from error
    if result.difference and sidecar.needs_env and env is None:
        raise VideoError(f"{path}: cannot be compared: {sidecar.needs_env}; {_GIVE}")
    return replace(result, video_found=found)


def _beside(path: Path) -> tuple[Path, Path]:
    """Return the paths of the JSON file and of the video beside it, given either."""
    if path.suffix == ".json":
        return path, path.with_suffix(".mp4")
    if path.suffix.lower() != ".mp4":
        raise VideoError(f"{path}: expected a video, NAME.mp4, or the file NAME.json beside it")
    return path.with_suffix(".json"), path


def _check_video(video: Path, path: Path, sidecar: Sidecar) -> bool:
    """Return whether the video is there; raise VideoError if it is not the one described."""
    if not video.is_file():  # also a folder, or a pipe, which would wait
        return False
    try:
        same = sha256_of(video) == sidecar.film_sha256
    except OSError as error:
        raise VideoError(f"{video}: cannot be read: {error}") from error
    if not same:
        raise VideoError(
            f"{path}: describes another video than {video.name}, which was replaced or changed "
            "since: move that video away to replay the file alone"
        )
    return True


def _make_again(sidecar: Sidecar, path: Path) -> Any:
    """Make the recorded environment, if it is Pong and its options are in range."""
    noops = (sidecar.options or {}).get("noops", 0)
    if type(noops) is not int or not 0 <= noops <= _MOST_NOOPS:
        expected = f"a whole number from 0 to {_MOST_NOOPS}"
        raise VideoError(f"{path}: noops: expected {expected}, found {noops!r:.60}")
    if not sidecar.env_id:
        raise VideoError(f"{path}: the recorded environment has no id; {_GIVE}")
    known = {one.name for one in fields(EnvSpec)}
    values = {name: value for name, value in sidecar.env_kwargs.items() if name in known}
    try:
        spec = EnvSpec.from_dict({**values, "env_id": sidecar.env_id})
        skip = spec.frameskip or 4
        n_frames = len(sidecar.actions) * (skip if isinstance(skip, int) else skip[1])
        if n_frames > _MOST_FRAMES:
            raise ConfigError(f"actions: expected at most {_MOST_FRAMES:,} frames of play")
        # The recorded actions end where a limit of steps ended the episode.
        env = make_registered(spec, render_mode="rgb_array", max_episode_steps=-1)
        if type(env.unwrapped).__name__ != "PongEnv":  # whose actions are the policy's
            find_paddle_actions(env)
    except NotPongError as error:
        raise NotPongError(f"{path}: {sidecar.needs_env or error}; {_GIVE}") from error
    except ConfigError as error:
        raise VideoError(f"{path}: {error}") from error
    return env


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
        if not is_atari(env):
            check_renders(env)
        env.reset(seed=sidecar.seed, options=sidecar.options)
        expected = iter(sidecar.checksums)
        for step in range(1 + n_steps):
            if step:
                _, reward, terminated, truncated, _ = env.step(
                    restored(env.action_space, sidecar.actions[step - 1])
                )
                done = terminated or truncated
                if recorded:
                    source.after_step()
                if plain_reward(reward) != (before := sidecar.rewards[step - 1]):
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


def restored(space: "gym.Space[Any]", value: Any) -> Any:
    """Return an action of a space from JSON's types, with the space's own types.

    Example:
        >>> aim = gym.spaces.Box(-1, 1, (2,))
        >>> restored(gym.spaces.Tuple([gym.spaces.Discrete(3), aim]), [2, [0.5, 0]])
        (2, array([0.5, 0. ], dtype=float32))
    """
    if isinstance(space, gym.spaces.Dict):
        return {name: restored(one, value[name]) for name, one in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(restored(one, part) for one, part in zip(space.spaces, value, strict=True))
    if isinstance(space, gym.spaces.Discrete):
        return value
    return space.from_jsonable([value])[0]
