"""A Gymnasium wrapper that records episodes: every emulator frame, whatever the frame skip."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, SupportsFloat, runtime_checkable

import gymnasium as gym
from gymnasium.core import ActType, ObsType

from pong_agent.errors import ConfigError
from pong_agent.json_values import json_value
from pong_agent.recording.capture import (
    Frame,
    FrameSource,
    check_open,
    check_renders,
    is_atari,
    true_fps,
)
from pong_agent.recording.encoder import DETAILED_ENCODER, VideoError, VideoWriter
from pong_agent.recording.end_card import end_card
from pong_agent.recording.ffmpeg import RecordingWarning
from pong_agent.recording.sidecar import Sidecar, plain_action, plain_reward
from pong_agent.recording.video_files import Trigger, VideoFiles, show
from pong_agent.seeding import as_seed


@runtime_checkable
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
    gym.Wrapper[ObsType, ActType, ObsType, ActType], Generic[ObsType, ActType], VideoFiles
):
    """Records episodes as `{video_folder}/{name_prefix}-episode-{k}.mp4`, k = 0, 1, ...

    An Atari game is recorded at 60 frames per second with every emulator frame, from the one after
    `reset` on. Other environments are recorded by `render`, after `reset` and each `step`.
    Observations, rewards and random draws are those of the environment without a recorder.

    When `step` returns `terminated` or `truncated`, the video is finished, checked and appended to
    `paths`, and `NAME.json` is written beside it, from which `replay` plays the episode again. A
    video that `reset`, `close`, the program's end or an exception in `step` cuts short is
    discarded, with a `RecordingWarning` unless an exception tells. So this wrapper belongs outside
    of those that end episodes, such as `TimeLimit`. Around `gymnasium.wrappers.Autoreset`, each
    episode is recorded.

    Triggers are asked with the same numbers as those of `gymnasium.wrappers.RecordVideo`, and its
    arguments and attributes have the same meaning, with these differences:

    - Without triggers every episode is recorded.
    - A video ends with its episode, or when a trigger begins the next one; none has frames of two
      episodes, and an unfinished one is discarded.
    - `video_length` counts frames of the video, of which an Atari game has several a step.
    - An existing video is not replaced, unless with `overwrite=True`.
    - No frames are held in memory, so `gc_trigger` is None by default, and there are no
      `recorded_frames`. Nothing is logged, whatever `disable_logger` says.
    - `fps` is `RecordVideo`'s `frames_per_sec`; there are no `start_recording` and
      `stop_recording`. Arguments after `video_folder` are given by name.

    Args:
        env: an environment made with `render_mode="rgb_array"`.
        video_folder: made if missing; `~` is expanded, and a later `chdir` changes nothing.
        episode_trigger: receives an episode's number, from 0, and returns whether to record it.
        step_trigger: receives a step's number, from 0 and over all episodes, and returns whether to
            record the rest of the episode as `{name_prefix}-step-{number}.mp4`.
        video_length: end videos after the step in which they reach this many frames; 0 for whole
            episodes.
        name_prefix: beginning of the videos' names; with `/`, they lie in folders.
        fps: frames per second; None means the true speed: 60 for Atari games,
            `metadata["render_fps"]` otherwise.
        end_seconds: seconds of a card after the last frame of an episode of Pong, with the score,
            who won, the environment and the agent; the sidecar does not count its frames.
        scale: each pixel becomes a block of `scale` x `scale` pixels.
        overlay: draws a panel beside the frame, such as `AgentOverlay`; None for no panel.
        metadata: what the sidecar says about the agent; NumPy's types and paths are converted to
            JSON's.
        overwrite: replace videos of the same name and their sidecars; otherwise `-2`, `-3`, ... is
            appended to a name that is taken, with a warning the first time.
        disable_logger: kept for the environment's spec.
        gc_trigger: receives an episode's number when a video is finished and returns whether to
            call `gc.collect`.

    Attributes:
        paths: the finished videos, in order, by absolute paths.
        recording: whether a video is being recorded.
        episode_id: number of the running episode, -1 before the first.
        step_id: number of the last step, over all episodes, -1 before the first.

    Raises:
        ConfigError: the environment renders no RGB arrays, its rate is unknown, or an argument
            has the wrong type or is out of range; from `reset`, if the seed or the options cannot
            be written to the sidecar, and from `step` for such an action.
        VideoError: the folder cannot be written to; from `reset` and `step`, if a video cannot be
            written.
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
        episode_trigger: Trigger | None = None,
        step_trigger: Trigger | None = None,
        video_length: int = 0,
        name_prefix: str = "pong",
        fps: float | None = None,
        scale: int = 2,
        overlay: Overlay | None = None,
        end_seconds: float = 0.0,
        metadata: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        disable_logger: bool = True,
        gc_trigger: Trigger | None = None,
    ) -> None:
        check_renders(env)
        self._agent = json_value({} if metadata is None else metadata, "metadata")
        if not isinstance(self._agent, dict):
            raise ConfigError(f"metadata: expected a mapping, found {metadata!r:.60}")
        if overlay is not None and not isinstance(overlay, Overlay):
            raise ConfigError(f"overlay: expected the methods of Overlay, found {overlay!r:.60}")
        VideoFiles.__init__(
            self,
            video_folder=video_folder,
            name_prefix=name_prefix,
            episode_trigger=episode_trigger,
            step_trigger=step_trigger,
            gc_trigger=gc_trigger,
            true_fps=lambda: true_fps(env),
            own={"overlay": overlay, "metadata": self._agent},
            video_length=video_length,
            end_seconds=end_seconds,
            fps=fps,
            scale=scale,
            overwrite=overwrite,
            disable_logger=disable_logger,
        )
        gym.Wrapper.__init__(self, env)
        self.episode_id = -1
        self._overlay = overlay
        self._video: VideoWriter | None = None  # None while nothing is recorded
        self._frame: Any = None  # the last one
        self._sidecar = Sidecar()
        self._ended = False  # whether the last step ended its episode
        self._source = self._tap()

    @property
    def recording(self) -> bool:
        """Whether a video is being recorded."""
        return self._video is not None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Discard an unfinished video, reset the environment and begin the next video."""
        check_open(self._closed)
        seed = None if seed is None else as_seed(seed)
        plain = json_value(options, "options")  # before the environment may change them
        if not isinstance(plain, dict | None):
            raise ConfigError(f"options: expected a mapping or None, found {options!r:.60}")
        unfinished = self._discard()
        obs, info = self.env.reset(seed=seed, options=options)
        self._begin_episode(obs, seed, plain)
        self._warn_not_kept(
            unfinished,
            f"reset came before the end of episode {self.episode_id - 1}. If another wrapper ended "
            "it, such as TimeLimit, the recorder belongs outside of that wrapper",
        )
        return obs, info

    def step(self, action: ActType) -> tuple[ObsType, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, record it and finish the video with the episode."""
        check_open(self._closed)
        goes_on, self._ended = self._ended, False
        with self._discarding():
            if goes_on and self._resets_itself():
                obs, reward, terminated, truncated, info = self.env.step(action)
                self._begin_episode(obs, None, None)
            else:
                plain = plain_action(action)
                if self._overlay is not None:
                    self._overlay.act(action)
                obs, reward, terminated, truncated, info = self.env.step(action)
                self._sidecar.add_step(plain, reward)
                if self._overlay is not None:
                    self._overlay.observe(obs, plain_reward(reward) or 0.0)
                if self._video is not None:
                    if self._source is None:
                        self._write(self.env.render())
                    self._sidecar.end_frames()
        self.step_id += 1
        self._ended = bool(terminated or truncated)
        if self._video is not None and (self._ended or 0 < self.video_length <= self._video.frames):
            self._finish()
        if self.step_trigger is not None and self.step_trigger(self.step_id):
            self._finish()
            self._begin(f"step-{self.step_id}")
            if self._ended:
                self._finish()
        return obs, reward, terminated, truncated, info

    def close(self) -> None:
        """Discard an unfinished video, give the game its own emulator back and close it."""
        self._closed = True
        if self._source is not None:
            self._source.detach()
        unfinished = self._discard()
        super().close()
        self._warn_not_kept(
            unfinished,
            f"close came before the end of episode {self.episode_id}. Play it to its end, wrap the "
            "environment in TimeLimit before the recorder, or give a video_length",
        )

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle everything but the tap between a game and its emulator."""
        if self._video is not None:
            raise VideoError(f"{self._video.path}: a recorder cannot be copied within a video")
        return {**vars(self), "_source": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if not self._closed:
            self._source = self._tap()

    def _tap(self) -> FrameSource | None:
        """Tap an Atari game's emulator; other environments are rendered."""
        return FrameSource(self.env, self._write) if is_atari(self.env) else None

    def _resets_itself(self) -> bool:
        """Return whether an Autoreset lies inside; warn if an episode goes on without one."""
        layer: Any = self.env
        while isinstance(layer, gym.Wrapper):
            if isinstance(layer, gym.wrappers.Autoreset):
                return True
            layer = layer.env
        warnings.warn(
            f"step came after the end of episode {self.episode_id} without reset: until reset, no "
            "episode begins and none is recorded. If a wrapper inside the recorder resets, other "
            "than gymnasium.wrappers.Autoreset, the recorder belongs inside of that wrapper",
            RecordingWarning,
            stacklevel=3,
        )
        return False

    def _begin_episode(self, obs: ObsType, seed: int | None, options: Any) -> None:
        self.episode_id += 1
        self._ended = False
        self._sidecar = Sidecar(seed=seed, options=options, agent=self._agent, fps=self.fps)
        if self._overlay is not None:
            self._overlay.reset(obs)
        if self.episode_trigger is not None and self.episode_trigger(self.episode_id):
            self._begin(f"episode-{self.episode_id}")

    def _begin(self, name: str) -> None:
        """Begin a video with the current frame."""
        if self._overlay is None:
            self._video = self._open_video(name)
        else:  # it enlarges its frames itself
            self._video = self._open_video(name, 1, DETAILED_ENCODER)
        self._sidecar.begin_video()
        with self._discarding():
            if self._source is None:
                self._write(self.env.render())
            else:
                self._source.show()
        self._sidecar.end_frames()

    def _finish(self) -> None:
        """Finish the running video, if there is one, and write its sidecar."""
        video, self._video = self._video, None
        if video is not None:
            if self._ended and self.end_seconds:
                self._show_end(video)
            self._close_video(video, self.episode_id, self._sidecar)

    def _show_end(self, video: VideoWriter) -> None:
        """Append the card with the episode's result, and the panel after the last reward."""
        image, scale = self._frame, 1
        if self._overlay is not None:
            image, scale = self._overlay.compose(image, self.scale), self.scale
        env_id = "" if self.spec is None else self.spec.id
        card = end_card(image, self._frame.shape[1] * scale, scale, self._sidecar, env_id)
        for _ in range(round(self.end_seconds * self.fps)):
            video.write(card)

    def _write(self, frame: Any) -> None:
        if self._video is None:
            return
        self._sidecar.add_frame(frame)
        self._frame = frame
        image = frame if self._overlay is None else self._overlay.compose(frame, self.scale)
        show(self._video, image, frame if self._source is not None else None)

    def _discard(self) -> list[VideoWriter]:
        """Discard and return the running video, if there is one."""
        video, self._video = self._video, None
        if video is None:
            return []
        video.discard()
        return [video]

    @contextmanager
    def _discarding(self) -> Iterator[None]:
        """Discard the video if the block raises: it would not hold the whole episode."""
        try:
            yield
        except BaseException:  # an interrupt too
            self._discard()
            raise
