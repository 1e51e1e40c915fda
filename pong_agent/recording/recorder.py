"""Films of episodes as a Gymnasium wrapper: every emulator frame, whatever the frame skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, SupportsFloat

import gymnasium as gym
import numpy as np
from gymnasium.core import ActType, ObsType

from pong_agent.recording.capture import Checksum, Frame, FrameSource, true_fps
from pong_agent.recording.encoder import DETAILED_ENCODER, ENCODER, VideoWriter
from pong_agent.recording.sidecar import (
    Sidecar,
    describe_environment,
    file_digest,
    film_versions,
)


class Overlay(Protocol):
    """Draws a panel beside the picture, never on it."""

    def reset(self, observation: Any) -> None:
        """Begin an episode with its first observation."""
        ...

    def act(self, action: Any) -> None:
        """Take note of the action that is taken now, on the last observation."""
        ...

    def observe(self, observation: Any, reward: float) -> None:
        """Take note of what came of it."""
        ...

    def compose(self, frame: Frame, scale: int) -> Frame:
        """Return the enlarged frame with the panel, of one size for all frames of a film."""
        ...


class EpisodeRecorder(
    gym.Wrapper[ObsType, ActType, ObsType, ActType],
    Generic[ObsType, ActType],
    gym.utils.RecordConstructorArgs,
):
    """Films episodes into `{video_folder}/{name_prefix}-episode-{k}.mp4`, k = 0, 1, ...

    An Atari game is filmed at 60 frames per second with every frame that the emulator shows, not
    only the last of each step; frames that lie within `reset` are left out, the picture after it
    is the first. Any other environment is filmed by `render`, after `reset` and each `step`.
    Observations, rewards and random draws are those of the environment without recorder.

    A film is finished, checked and in `paths` when `step` returns `terminated` or `truncated`, and
    beside it lies `NAME.json`, from which `replay` plays the same episode again. A film that
    `reset`, `close` or an exception in `step` cuts short is discarded, and its number stays unused.
    So this wrapper belongs outside of those that end episodes, such as `TimeLimit`. After `close`
    nothing is filmed any more.

    The arguments that `gymnasium.wrappers.RecordVideo` has too mean the same, but without triggers
    every episode is filmed, and not one at each cube of a number.

    Args:
        env: An environment made with `render_mode="rgb_array"`.
        video_folder: Where the films go; made when missing. Films of the same name are replaced.
        episode_trigger: Tells from an episode's number, from 0, whether to film it.
        step_trigger: Tells from the number of steps made so far, 1 after the first, whether to
            begin a film now, named `{name_prefix}-step-{number}.mp4`; it ends with the episode.
            Asked only while no film runs.
        video_length: End films once they have so many frames, with the step that is going on; 0
            for whole episodes.
        name_prefix: How the films' names begin.
        fps: Frames per second of the films. None means the true speed: 60 for Atari games,
            `metadata["render_fps"]` otherwise.
        scale: Each pixel becomes a block of `scale` x `scale` pixels.
        overlay: Draws a panel beside the picture, such as `AgentOverlay`; None for none.
        metadata: What the JSON file is to say about who plays, in what JSON can hold.

    Raises:
        ValueError: The environment renders no RGB arrays, or its rate is not known.
        VideoError: From `reset` and `step`, when a film cannot be written.

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
            self, video_folder=video_folder, name_prefix=name_prefix, fps=fps, scale=scale
        )
        gym.Wrapper.__init__(self, env)
        if env.render_mode != "rgb_array":
            raise ValueError(
                f'expected an environment with render_mode "rgb_array", found {env.render_mode!r}: '
                'make it with gymnasium.make(id, render_mode="rgb_array")'
            )
        self.video_folder = Path(video_folder)
        self.name_prefix = name_prefix
        self.scale = scale
        self.video_length = video_length
        self.paths: list[Path] = []  # the finished films, in order
        self.episode_id = -1  # number of the running episode
        self.step_id = 0  # steps made, over all episodes
        if episode_trigger is None and step_trigger is None:
            episode_trigger = _always
        self._episode_trigger, self._step_trigger = episode_trigger, step_trigger
        self._overlay = overlay
        self._agent = dict(metadata or {})
        self._film: VideoWriter | None = None  # None while nothing is filmed
        self._episode = _Episode(None, None)
        self._closed = False
        self._source = FrameSource(env, self._write)
        rate = fps or true_fps(env, self._source)
        if rate is None:
            self._source.detach()
            raise ValueError('expected metadata["render_fps"] or the argument fps, found neither')
        self.fps: float = rate

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Discard an unfinished film, reset the environment and begin the next film.

        Raises:
            gymnasium.error.ClosedEnvironmentError: the recorder was closed.
        """
        check_open(self._closed)
        self._discard()
        obs, info = self.env.reset(seed=seed, options=options)
        self.episode_id += 1
        self._episode = _Episode(seed, options)
        if self._overlay is not None:
            self._overlay.reset(obs)
        if self._episode_trigger is not None and self._episode_trigger(self.episode_id):
            self._begin(f"{self.name_prefix}-episode-{self.episode_id}")
        return obs, info

    def step(self, action: ActType) -> tuple[ObsType, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, film it and finish the film with the episode.

        Raises:
            gymnasium.error.ClosedEnvironmentError: the recorder was closed.
        """
        check_open(self._closed)
        with self._discarding():
            if self._overlay is not None:
                self._overlay.act(action)
            obs, reward, terminated, truncated, info = self.env.step(action)
            self.step_id += 1
            self._episode.note(action, reward)
            if self._overlay is not None:
                self._overlay.observe(obs, float(reward))
            if self._film is not None:
                self._source.after_step()
                self._episode.checksums.append(self._episode.checksum.value)
        done = terminated or truncated
        if self._film is not None and (done or 0 < self.video_length <= self._film.frames):
            self._finish()
        elif self._film is None and not done and self._step_trigger is not None:
            begins = self._step_trigger(self.step_id)
            if begins:
                self._begin(f"{self.name_prefix}-step-{self.step_id}")
        return obs, reward, terminated, truncated, info

    def close(self) -> None:
        """Discard an unfinished film, give the game its emulator back and close it."""
        self._closed = True
        self._source.detach()
        self._discard()
        super().close()

    def _begin(self, name: str) -> None:
        """Begin a film with the present picture."""
        path, plain = self.video_folder / f"{name}.mp4", self._overlay is None
        self._film = VideoWriter(
            path,
            fps=self.fps,
            scale=self.scale if plain else 1,  # the panel's frames come enlarged
            encoder=ENCODER if plain else DETAILED_ENCODER,
        )
        self._episode.begin_film()
        with self._discarding():
            self._source.show()
        self._episode.checksums.append(self._episode.checksum.value)

    def _finish(self) -> None:
        """Finish the film, and tell beside it what was filmed."""
        film, self._film = self._film, None
        if film is None:
            return
        film.close()
        env_id, kwargs = describe_environment(self.env)
        episode = self._episode
        Sidecar(
            film=film.path.name,
            film_sha256=file_digest(film.path),
            frames=film.frames,
            fps=self.fps,
            env_id=env_id,
            env_kwargs=kwargs,
            seed=episode.seed,
            options=episode.options,
            first_step=episode.first_step,
            actions=episode.actions,
            rewards=episode.rewards,
            checksums=episode.checksums,
            agent=self._agent,
            versions=film_versions(),
        ).write(film.path.with_suffix(".json"))
        self.paths.append(self.video_folder / film.path.name)

    def _write(self, frame: Frame) -> None:
        """Append a frame, [H, W, 3] uint8, to the running film, if there is one."""
        if self._film is None:
            return
        self._episode.checksum.add(frame)
        if self._overlay is not None:
            frame = self._overlay.compose(frame, self.scale)
        self._film.write(frame)

    def _discard(self) -> None:
        """Drop the running film, if there is one."""
        film, self._film = self._film, None
        if film is not None:
            film.discard()

    @contextmanager
    def _discarding(self) -> Iterator[None]:
        """Drop the film when the block raises: what comes after is not the whole episode."""
        try:
            yield
        except BaseException:  # an interrupt too
            self._discard()
            raise


class _Episode:
    """What the JSON file tells of an episode."""

    def __init__(self, seed: int | None, options: dict[str, Any] | None) -> None:
        self.seed = seed
        self.options = options
        self.actions: list[Any] = []
        self.rewards: list[float] = []
        self.begin_film()

    def begin_film(self) -> None:
        """Sum up the frames from here on."""
        self.first_step = len(self.actions)
        self.checksum = Checksum()
        self.checksums: list[int] = []

    def note(self, action: Any, reward: SupportsFloat) -> None:
        """Take note of a step."""
        self.actions.append(np.asarray(action).tolist())
        self.rewards.append(float(reward))


def check_open(closed: bool) -> None:
    """Refuse to go on with a recorder that was closed.

    Raises:
        gymnasium.error.ClosedEnvironmentError: it was.
    """
    if closed:
        raise gym.error.ClosedEnvironmentError(
            "expected an open recorder, found one that was closed: nothing more is filmed; "
            "play on with the environment within, or make a new recorder"
        )


def _always(_: int) -> bool:
    return True
