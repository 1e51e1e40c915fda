"""A vector wrapper that records each episode of each of its environments."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from pong_agent.recording.capture import (
    EMULATOR_FPS,
    Frame,
    FrameSource,
    check_open,
    check_renders,
    is_atari,
    true_vector_fps,
)
from pong_agent.recording.encoder import VideoError, VideoWriter
from pong_agent.recording.ffmpeg import RecordingWarning
from pong_agent.recording.video_files import Trigger, VideoFiles, show

Mask: TypeAlias = npt.NDArray[np.bool_]  # [num_envs]


class VectorEpisodeRecorder(VectorWrapper, VideoFiles):
    """Records each episode of each environment of a vector environment that renders.

    The videos are `{video_folder}/{name_prefix}-env-{i}-episode-{k}.mp4`, k counting the episodes
    of environment i from 0. Atari games of a `SyncVectorEnv` are recorded with every emulator frame
    at 60 per second. Others are recorded by `render` after each step: an `AsyncVectorEnv` of Atari
    games at 60 frames per second divided by the frame skip, its mean if it is drawn.
    Episodes end and begin by the vector environment's autoreset mode; with `SAME_STEP`, only videos
    with every emulator frame show the last frame of an episode, because the environment cannot
    render it any more, and others warn.

    As with `EpisodeRecorder`, a video is complete or absent: those that `reset`, `close`, the
    program's end or an exception cuts short are discarded, with a `RecordingWarning` unless an
    exception tells. `AtariVectorEnv` renders nothing and is refused.

    Triggers are asked with the numbers of `gymnasium.wrappers.vector.RecordVideo`, and its
    arguments and attributes have the same meaning, with these differences and those that
    `EpisodeRecorder` lists:

    - Each environment has videos of its own, so there is no `video_aspect_ratio`, and
      `episode_trigger` is asked for each episode of each environment.
    - No sidecars are written.

    Args:
        env: a vector environment made with `render_mode="rgb_array"`.
        video_folder: made if missing.
        record_first_only: record environment 0 alone.
        episode_trigger: receives an episode's number k and returns whether to record it.
        step_trigger: receives a vector step's number, from 0, and returns whether to record the
            rest of the running episodes as `{name_prefix}-env-{i}-step-{number}.mp4`.
        video_length: end videos after the step in which they reach this many frames; 0 for whole
            episodes.
        name_prefix: beginning of the videos' names; with `/`, they lie in folders.
        fps: frames per second; None for the true speed.
        scale: each pixel becomes a block of `scale` x `scale` pixels.
        overwrite, disable_logger, gc_trigger: as for `EpisodeRecorder`.

    Attributes:
        paths: the finished videos, in the order in which they ended, by absolute paths.
        recording: whether a video is being recorded.
        episode_id: number of the running episode of environment 0, -1 before the first.
        step_id: number of the last vector step, -1 before the first.

    Raises:
        ConfigError: the environment renders no RGB arrays, its rate is unknown, or an argument
            has the wrong type or is out of range.
        VideoError: the folder cannot be written to; from `reset` and `step`, if a video cannot be
            written.
        gymnasium.error.ClosedEnvironmentError: from `reset` and `step`, after `close`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import ale_py
        >>> import gymnasium as gym
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
        record_first_only: bool = False,
        episode_trigger: Trigger | None = None,
        step_trigger: Trigger | None = None,
        video_length: int = 0,
        name_prefix: str = "pong",
        fps: float | None = None,
        scale: int = 2,
        overwrite: bool = False,
        disable_logger: bool = True,
        gc_trigger: Trigger | None = None,
    ) -> None:
        check_renders(
            env,
            'gymnasium.make_vec("{id}", num_envs={num_envs}, vectorization_mode="sync", '
            'render_mode="rgb_array")',
            VectorEnv,
        )
        single: list[Any] = list(getattr(env.unwrapped, "envs", []))
        self._tapped = bool(single) and all(is_atari(one) for one in single)
        VideoFiles.__init__(
            self,
            video_folder=video_folder,
            name_prefix=name_prefix,
            episode_trigger=episode_trigger,
            step_trigger=step_trigger,
            gc_trigger=gc_trigger,
            true_fps=lambda: EMULATOR_FPS if self._tapped else true_vector_fps(env),
            own={"record_first_only": record_first_only},
            video_length=video_length,
            fps=fps,
            scale=scale,
            overwrite=overwrite,
            disable_logger=disable_logger,
        )
        VectorWrapper.__init__(self, env)
        self.record_first_only = record_first_only
        self._videos: list[VideoWriter | None] = [None] * self.num_envs
        self._numbers = [-1] * self.num_envs  # of the running episodes
        self._every = np.ones(self.num_envs, np.bool_)
        self._recorded = self._every.copy()  # which environments may have videos
        self._recorded[1:] = not record_first_only
        self._done = ~self._every  # whose episode the last step ended
        self._mode = AutoresetMode(env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))
        if self._mode is AutoresetMode.SAME_STEP and not self._tapped:
            warnings.warn(
                "videos will lack the last frame of each episode: in autoreset mode SAME_STEP the "
                "environments cannot render it. AutoresetMode.NEXT_STEP can",
                RecordingWarning,
                stacklevel=2,
            )
        self._sources = self._tap()

    @property
    def recording(self) -> bool:
        """Whether a video is being recorded."""
        return any(video is not None for video in self._videos)

    @property
    def episode_id(self) -> int:
        """Number of the running episode of environment 0, -1 before the first."""
        return self._numbers[0]

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        """Discard unfinished videos of environments that are reset and begin their next ones."""
        check_open(self._closed)
        mask = (options or {}).get("reset_mask")
        which = self._every if mask is None else np.asarray(mask, np.bool_)
        unfinished = self._discard(which)
        result = self.env.reset(seed=seed, options=options)
        self._done = self._done & ~which
        self._begin_episodes(which)
        self._warn_not_kept(unfinished, "reset came before the end of the episodes")
        return result

    def step(self, actions: Any) -> Any:
        """Step the environments, record them and finish the videos of episodes that end."""
        check_open(self._closed)
        before = self._done
        try:
            result = self.env.step(actions)
            self.step_id += 1
            done: Mask = np.asarray(result[2]) | np.asarray(result[3])
            begun = ~self._every
            if self._mode is AutoresetMode.NEXT_STEP:
                begun = before
            elif self._mode is AutoresetMode.SAME_STEP:
                begun = done
            self._show(~(before | begun))
            if self.video_length:
                full = [v is not None and v.frames >= self.video_length for v in self._videos]
                self._finish(np.array(full))
            self._finish(done & ~before)
            self._begin_episodes(begun)
            self._done = (before | done) & ~begun
            if self.step_trigger is not None and self.step_trigger(self.step_id):
                self._finish(self._every)
                running = self._recorded & ~(before & ~begun)
                self._begin(running, [f"step-{self.step_id}"] * self.num_envs)
                self._finish(self._done)
        except BaseException:  # an interrupt too
            self._discard(self._every)
            raise
        return result

    def close(self, **kwargs: Any) -> None:
        """Discard unfinished videos, give the games their own emulators back and close them."""
        self._closed = True
        unfinished = self._discard(self._every)
        for source in self._sources:
            source.detach()
        self.env.close(**kwargs)
        self._warn_not_kept(
            unfinished,
            "close came before the end of these episodes. Play on until `paths` has those that you "
            "want, choose them by episode_trigger, or give a video_length",
        )

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle everything but the taps between games and their emulators."""
        if self.recording:
            raise VideoError(f"{self.video_folder}: a recorder cannot be copied within a video")
        return {**vars(self), "_sources": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if not self._closed:
            self._sources = self._tap()

    def _tap(self) -> list[FrameSource]:
        """Tap the emulators of Atari games in this process; others are rendered."""
        if not self._tapped:
            return []
        vector: Any = self.env.unwrapped
        return [FrameSource(one, self._write, i) for i, one in enumerate(vector.envs)]

    def _begin_episodes(self, which: Mask) -> None:
        """Count the episodes that begin, and begin the videos that the trigger wants."""
        names = [""] * self.num_envs
        chosen = ~self._every
        for i in np.flatnonzero(which).tolist():
            self._numbers[i] += 1
            names[i] = f"episode-{self._numbers[i]}"
            if self._recorded[i] and self.episode_trigger is not None:
                chosen[i] = self.episode_trigger(self._numbers[i])
        self._begin(chosen, names)

    def _begin(self, which: Mask, names: list[str]) -> None:
        """Begin videos of the marked environments with their current frames."""
        for i in np.flatnonzero(which).tolist():
            self._videos[i] = self._open_video(f"env-{i}-{names[i]}")
            if self._sources:
                self._sources[i].show()
        self._show(which)

    def _show(self, which: Mask) -> None:
        """Record the current frames of the marked environments, unless their emulators do."""
        marked = np.flatnonzero(which).tolist()
        if not self._sources and any(self._videos[i] for i in marked):
            frames: Any = self.env.render()
            for i in marked:
                self._write(frames[i], i)

    def _write(self, frame: Frame, i: int) -> None:
        if (video := self._videos[i]) is not None:
            show(video, frame, frame if self._sources else None)

    def _finish(self, which: Mask) -> None:
        for i, video in self._taken(which):
            self._close_video(video, self._numbers[i])

    def _discard(self, which: Mask) -> list[VideoWriter]:
        """Discard and return the running videos of the marked environments."""
        videos = [video for _, video in self._taken(which)]
        for video in videos:
            video.discard()
        return videos

    def _taken(self, which: Mask) -> Iterator[tuple[int, VideoWriter]]:
        """Yield the running videos of the marked environments, which then have none."""
        for i in np.flatnonzero(which).tolist():
            video, self._videos[i] = self._videos[i], None
            if video is not None:
                yield i, video
