"""A vector wrapper that records each episode of each of its environments."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from pong_agent.recording.capture import (
    Frame,
    FrameSource,
    check_open,
    check_renders,
    is_atari,
    true_fps,
)
from pong_agent.recording.encoder import VideoWriter

Mask: TypeAlias = npt.NDArray[np.bool_]  # [num_envs]


class VectorEpisodeRecorder(VectorWrapper, gym.utils.RecordConstructorArgs):
    """Records each episode of each environment of a vector environment that renders.

    The videos are `{video_folder}/{name_prefix}-env-{i}-episode-{k}.mp4`, k counting the episodes
    of environment i from 0. Atari games of a `SyncVectorEnv` are recorded with every emulator frame
    at 60 per second, others by `render` after each step. Episodes end and begin by the vector
    environment's autoreset mode; with `SAME_STEP`, only videos of Atari games show the last frame
    of an episode, because the environment cannot render it any more.

    As with `EpisodeRecorder`, a video is complete or absent: those that `reset`, `close` or an
    exception cuts short are discarded. `AtariVectorEnv` renders nothing and is refused.

    Args:
        env: a vector environment made with `render_mode="rgb_array"`.
        video_folder: made if missing; videos of the same name are replaced.
        episode_trigger: receives an episode's number k and returns whether to record it; None
            records all.
        name_prefix: beginning of the videos' names.
        fps: frames per second; None for the true speed.
        scale: each pixel becomes a block of `scale` x `scale` pixels.

    Attributes:
        paths: the finished videos, in the order in which they ended.

    Raises:
        ValueError: the environment renders no RGB arrays, or its rate is unknown.
        VideoError: from `reset` and `step`, if a video cannot be written.
        gymnasium.error.ClosedEnvironmentError: from `reset` and `step`, after `close`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import ale_py
        >>> options = {"render_mode": "rgb_array", "max_num_frames_per_episode": 40}
        >>> envs = gym.make_vec("ALE/Pong-v5", 2, vectorization_mode="sync", **options)
        >>> with TemporaryDirectory() as folder:
        ...     envs = VectorEpisodeRecorder(envs, folder)
        ...     _ = envs.reset(seed=0)
        ...     while len(envs.paths) < 2:
        ...         _ = envs.step(envs.action_space.sample())
        ...     envs.close()
        ...     [path.name for path in envs.paths]
        ['pong-env-0-episode-0.mp4', 'pong-env-1-episode-0.mp4']
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        video_folder: str | Path,
        *,
        episode_trigger: Callable[[int], bool] | None = None,
        name_prefix: str = "pong",
        fps: float | None = None,
        scale: int = 4,
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self,
            video_folder=video_folder,
            episode_trigger=episode_trigger,
            name_prefix=name_prefix,
            fps=fps,
            scale=scale,
        )
        VectorWrapper.__init__(self, env)
        check_renders(env, "make_vec(id, num_envs=...")
        self.video_folder = Path(video_folder)
        self.name_prefix = name_prefix
        self.scale = scale
        self.paths: list[Path] = []
        self._trigger = episode_trigger or (lambda _: True)
        self._videos: list[VideoWriter | None] = [None] * self.num_envs
        self._closed = False
        self._numbers = [-1] * self.num_envs  # of the running episodes
        self._every = np.ones(self.num_envs, np.bool_)
        self._done = ~self._every  # whose episode the last step ended
        self._mode = AutoresetMode(env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))
        single: list[Any] = list(getattr(env.unwrapped, "envs", []))
        self.fps = fps or true_fps(single[0] if single else env)
        self._sources: list[FrameSource] = []
        if all(is_atari(one) for one in single):
            self._sources = [FrameSource(e, partial(self._write, i)) for i, e in enumerate(single)]

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        """Discard unfinished videos of environments that are reset and begin their next ones."""
        check_open(self._closed)
        mask = (options or {}).get("reset_mask")
        which = self._every if mask is None else np.asarray(mask, np.bool_)
        self._discard(which)
        result = self.env.reset(seed=seed, options=options)
        self._done = self._done & ~which
        self._begin(which)
        return result

    def step(self, actions: Any) -> Any:
        """Step the environments, record them and finish the videos of episodes that end."""
        check_open(self._closed)
        before = self._done
        try:
            result = self.env.step(actions)
            done: Mask = np.asarray(result[2]) | np.asarray(result[3])
            begun = ~self._every
            if self._mode is AutoresetMode.NEXT_STEP:
                begun = before
            elif self._mode is AutoresetMode.SAME_STEP:
                begun = done
            self._show(~(before | begun))
            self._finish(done & ~before)
            self._begin(begun)
            self._done = (before | done) & ~begun
        except BaseException:  # an interrupt too
            self._discard(self._every)
            raise
        return result

    def close(self, **kwargs: Any) -> None:
        """Discard unfinished videos, give the games their own emulators back and close them."""
        self._closed = True
        self._discard(self._every)
        for source in self._sources:
            source.detach()
        self.env.close(**kwargs)

    def _begin(self, which: Mask) -> None:
        """Begin videos of the marked environments, whose episodes start."""
        for i in np.flatnonzero(which).tolist():
            self._numbers[i] += 1
            if self._trigger(self._numbers[i]):
                name = f"{self.name_prefix}-env-{i}-episode-{self._numbers[i]}.mp4"
                video = VideoWriter(self.video_folder / name, fps=self.fps, scale=self.scale)
                self._videos[i] = video
            if self._sources:
                self._sources[i].show()
        self._show(which)

    def _show(self, which: Mask) -> None:
        """Record the current frames of the marked environments, unless their emulators do."""
        marked = np.flatnonzero(which).tolist()
        if not self._sources and any(self._videos[i] for i in marked):
            frames: Any = self.env.render()
            for i in marked:
                self._write(i, frames[i])

    def _write(self, i: int, frame: Frame) -> None:
        if (video := self._videos[i]) is not None:
            video.write(frame)

    def _finish(self, which: Mask) -> None:
        for video in self._taken(which):
            video.close()
            self.paths.append(video.path)

    def _discard(self, which: Mask) -> None:
        for video in self._taken(which):
            video.discard()

    def _taken(self, which: Mask) -> Iterator[VideoWriter]:
        """Yield the running videos of the marked environments, which then have none."""
        for i in np.flatnonzero(which).tolist():
            video, self._videos[i] = self._videos[i], None
            if video is not None:
                yield video
