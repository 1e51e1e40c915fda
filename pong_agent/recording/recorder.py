"""A Gymnasium wrapper that records episodes: every emulator frame, whatever the frame skip."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, SupportsFloat

import gymnasium as gym
from gymnasium.core import ActType, ObsType

from pong_agent.recording.capture import Frame, FrameSource, check_open, check_renders, true_fps
from pong_agent.recording.encoder import DETAILED_ENCODER, ENCODER, VideoWriter
from pong_agent.recording.sidecar import Sidecar


class Overlay(Protocol):
    """Draws a panel beside the frame, never on it."""

    def reset(self, observation: Any) -> None:
        """Begin an episode with its first observation."""

    def act(self, action: Any) -> None:
        """Receive the action that is taken now, on the last observation."""

    def observe(self, observation: Any, reward: float) -> None:
        """Receive the observation and the reward that follow."""

    def compose(self, frame: Frame, scale: int) -> Frame:
        """Return the enlarged frame with the panel, of one size for all frames of a video."""


class EpisodeRecorder(
    gym.Wrapper[ObsType, ActType, ObsType, ActType],
    Generic[ObsType, ActType],
    gym.utils.RecordConstructorArgs,
):
    """Records episodes as `{video_folder}/{name_prefix}-episode-{k}.mp4`, k = 0, 1, ...

    An Atari game is recorded at 60 frames per second with every emulator frame, from the one after
    `reset` on. Other environments are recorded by `render`, after `reset` and each `step`.
    Observations, rewards and random draws are those of the environment without a recorder.

    When `step` returns `terminated` or `truncated`, the video is finished, checked and appended to
    `paths`, and `NAME.json` is written beside it, from which `replay` plays the episode again. A
    video that `reset`, `close` or an exception in `step` cuts short is discarded, and its number
    stays unused. So this wrapper belongs outside of those that end episodes, such as `TimeLimit`.

    Arguments shared with `gymnasium.wrappers.RecordVideo` have the same meaning, but without
    triggers every episode is recorded.

    Args:
        env: an environment made with `render_mode="rgb_array"`.
        video_folder: made if missing; videos of the same name are replaced.
        episode_trigger: receives an episode's number, from 0, and returns whether to record it.
        step_trigger: while nothing is recorded, receives the number of steps made so far and
            returns whether to record the rest of the episode as `{name_prefix}-step-{number}.mp4`.
        video_length: end videos after the step in which they reach this many frames; 0 for whole
            episodes.
        name_prefix: beginning of the videos' names.
        fps: frames per second; None means the true speed: 60 for Atari games,
            `metadata["render_fps"]` otherwise.
        scale: each pixel becomes a block of `scale` x `scale` pixels.
        overlay: draws a panel beside the frame, such as `AgentOverlay`; None for no panel.
        metadata: what the sidecar says about the agent, as JSON types.

    Attributes:
        paths: the finished videos, in order.
        episode_id: number of the running episode.
        step_id: steps made, over all episodes.

    Raises:
        ValueError: the environment renders no RGB arrays, or its rate is unknown.
        VideoError: from `reset` and `step`, if a video cannot be written.
        gymnasium.error.ClosedEnvironmentError: from `reset` and `step`, after `close`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import ale_py
        >>> env = gym.make("ALE/Pong-v5", render_mode="rgb_array", max_num_frames_per_episode=40)
        >>> with TemporaryDirectory() as folder, EpisodeRecorder(env, folder) as env:
        ...     _ = env.reset(seed=0)
        ...     while not any(env.step(0)[2:4]):  # terminated or truncated
        ...         pass
        ...     [path.name for path in env.paths]
        ['pong-episode-0.mp4']
    """

    def __init__(
        self,
        env: gym.Env[ObsType, ActType],
        video_folder: str | Path,
        *,
        episode_trigger: Callable[[int], bool] | None = None,
        step_trigger: Callable[[int], bool] | None = None,
        video_length: int = 0,
        name_prefix: str = "pong",
        fps: float | None = None,
        scale: int = 4,
        overlay: Overlay | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self,
            video_folder=video_folder,
            episode_trigger=episode_trigger,
            step_trigger=step_trigger,
            video_length=video_length,
            name_prefix=name_prefix,
            fps=fps,
            scale=scale,
            overlay=overlay,
            metadata=metadata,
        )
        gym.Wrapper.__init__(self, env)
        check_renders(env, "make(id")
        self.video_folder = Path(video_folder)
        self.name_prefix = name_prefix
        self.scale = scale
        self.video_length = video_length
        self.paths: list[Path] = []
        self.episode_id = -1
        self.step_id = 0
        self._episode_trigger = episode_trigger or (lambda _: step_trigger is None)
        self._step_trigger = step_trigger or (lambda _: False)
        self._overlay = overlay
        self._agent = dict(metadata or {})
        self._video: VideoWriter | None = None  # None while nothing is recorded
        self._sidecar = Sidecar()
        self._closed = False
        self.fps = fps or true_fps(env)
        self._source = FrameSource(env, self._write)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Discard an unfinished video, reset the environment and begin the next video."""
        check_open(self._closed)
        self._discard()
        obs, info = self.env.reset(seed=seed, options=options)
        self.episode_id += 1
        self._sidecar = Sidecar(seed=seed, options=options, agent=self._agent, fps=self.fps)
        if self._overlay is not None:
            self._overlay.reset(obs)
        if self._episode_trigger(self.episode_id):
            self._begin(f"{self.name_prefix}-episode-{self.episode_id}")
        return obs, info

    def step(self, action: ActType) -> tuple[ObsType, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, record it and finish the video with the episode."""
        check_open(self._closed)
        with self._discarding():
            if self._overlay is not None:
                self._overlay.act(action)
            obs, reward, terminated, truncated, info = self.env.step(action)
            self.step_id += 1
            self._sidecar.add_step(action, reward)
            if self._overlay is not None:
                self._overlay.observe(obs, float(reward))
            if self._video is not None:
                self._source.after_step()
                self._sidecar.end_frames()
        done = terminated or truncated
        if self._video is not None and (done or 0 < self.video_length <= self._video.frames):
            self._finish(self._video)
        elif self._video is None and not done and self._step_trigger(self.step_id):
            self._begin(f"{self.name_prefix}-step-{self.step_id}")
        return obs, reward, terminated, truncated, info

    def close(self) -> None:
        """Discard an unfinished video, give the game its own emulator back and close it."""
        self._closed = True
        self._source.detach()
        self._discard()
        super().close()

    def _begin(self, name: str) -> None:
        """Begin a video with the current frame."""
        plain = self._overlay is None
        self._video = VideoWriter(
            self.video_folder / f"{name}.mp4",
            fps=self.fps,
            scale=self.scale if plain else 1,  # the overlay enlarges its frames itself
            encoder=ENCODER if plain else DETAILED_ENCODER,
        )
        self._sidecar.begin_video()
        with self._discarding():
            self._source.show()
        self._sidecar.end_frames()

    def _finish(self, video: VideoWriter) -> None:
        """Finish the running video and write its sidecar."""
        self._video = None
        video.close()
        self._sidecar.write_beside(video.path, self.env)
        self.paths.append(self.video_folder / video.path.name)

    def _write(self, frame: Frame) -> None:
        if self._video is None:
            return
        self._sidecar.add_frame(frame)
        if self._overlay is not None:
            frame = self._overlay.compose(frame, self.scale)
        self._video.write(frame)

    def _discard(self) -> None:
        video, self._video = self._video, None
        if video is not None:
            video.discard()

    @contextmanager
    def _discarding(self) -> Iterator[None]:
        """Discard the video if the block raises: it would not hold the whole episode."""
        try:
            yield
        except BaseException:  # an interrupt too
            self._discard()
            raise
