"""Films of whole episodes: every emulator frame of an Atari game, whatever its frame skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, SupportsFloat, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.core import ActType, ObsType

from pong_agent.agent import PongAgent
from pong_agent.batch import Trajectory
from pong_agent.environment import make_env
from pong_agent.evaluation.evaluate import (
    EvaluationResult,
    environment_of,
    episode_seeds,
    play_episodes,
)
from pong_agent.evaluation.film import FilmWriter
from pong_agent.presets import ConfigError

EMULATOR_FPS = 60  # frames per second of the Atari 2600 (NTSC)


class _FilmedALE:
    """Stands in for an ALEInterface and hands over the screen after each frame it emulates."""

    def __init__(self, ale: Any, on_frame: Callable[[npt.NDArray[np.uint8]], None]) -> None:
        self.wrapped = ale
        self.screen = np.empty((*ale.getScreenDims(), 3), np.uint8)  # [210, 160, 3] RGB, reused
        self._on_frame = on_frame

    def act(self, action: Any, paddle_strength: float = 1.0) -> int:
        """Emulate one frame; once the game is over the emulator stands still: no frame then."""
        before = self.wrapped.getFrameNumber()
        reward: int = self.wrapped.act(action, paddle_strength)
        if self.wrapped.getFrameNumber() != before:
            self.show()
        return reward

    def show(self) -> None:
        """Hand over the present screen."""
        self.wrapped.getScreenRGB(self.screen)
        self._on_frame(self.screen)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class EpisodeRecorder(
    gym.Wrapper[ObsType, ActType, ObsType, ActType],
    Generic[ObsType, ActType],
    gym.utils.RecordConstructorArgs,
):
    """Films every episode into `{video_folder}/{name_prefix}-episode-{k}.mp4`, k = 0, 1, ...

    An Atari game is filmed at 60 frames per second with every frame that the emulator shows, not
    only the last of each step; frames that lie within `reset` are left out, the picture after it
    is the first. Any other environment is filmed by `render`, after `reset` and each `step`.
    Observations, rewards and random draws are those of the environment without recorder.

    A film is finished, checked and in `paths` when `step` returns `terminated` or `truncated`.
    Films are of whole episodes only: one that `reset`, `close` or an exception in `step` cuts
    short is discarded, and its number stays unused. So this wrapper belongs outside of those
    that end episodes, such as `TimeLimit`. After `close` nothing is filmed any more.

    Args:
        env: An environment made with `render_mode="rgb_array"`.
        video_folder: Where the films go; made when missing. Films of the same name are replaced.
        name_prefix: How their names begin.
        fps: Frames per second of the films. None means the true speed: 60 for Atari games,
            `metadata["render_fps"]` otherwise.
        scale: Each pixel becomes a block of `scale` x `scale` pixels.

    Raises:
        ValueError: The environment renders no RGB arrays, or its rate is not known.
        FilmError: From `reset` and `step`, when a film cannot be written.

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
        name_prefix: str = "pong",
        fps: float | None = None,
        scale: int = 4,
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
        self.paths: list[Path] = []  # the finished films, in order
        self.episode_id = -1  # number of the running episode
        self._film: FilmWriter | None = None  # of the running episode, None between episodes
        self._closed = False
        self._game = cast(Any, self.unwrapped)
        self._ale: _FilmedALE | None = None  # None: not an Atari game
        ale = getattr(self._game, "ale", None)
        if hasattr(ale, "act") and hasattr(ale, "getScreenRGB"):
            self._ale = self._game.ale = _FilmedALE(ale, self._write)
        rate = fps or (EMULATOR_FPS if self._ale else env.metadata.get("render_fps"))
        if rate is None:
            raise ValueError('expected metadata["render_fps"] or the argument fps, found neither')
        self.fps: float = rate

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Discard an unfinished film, reset the environment and begin the next film."""
        self._discard()
        obs, info = self.env.reset(seed=seed, options=options)
        self.episode_id += 1
        if not self._closed:
            self._film = FilmWriter(self._path(), fps=self.fps, scale=self.scale)
            with self._discarding():
                self._show()
        return obs, info

    def step(self, action: ActType) -> tuple[ObsType, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, film it and finish the film with the episode."""
        with self._discarding():
            obs, reward, terminated, truncated, info = self.env.step(action)
            if self._ale is None:
                self._show()
        if self._film is not None and (terminated or truncated):
            film, self._film = self._film, None
            film.close()
            self.paths.append(self._path())
        return obs, reward, terminated, truncated, info

    def close(self) -> None:
        """Discard an unfinished film, give the game its emulator back and close it."""
        self._closed = True
        if self._ale is not None and self._game.ale is self._ale:
            self._game.ale = self._ale.wrapped
        self._discard()
        super().close()

    def _path(self) -> Path:
        """Return where the film of the running episode goes."""
        return self.video_folder / f"{self.name_prefix}-episode-{self.episode_id}.mp4"

    def _show(self) -> None:
        """Film the present picture."""
        if self._ale is not None:
            self._ale.show()
        elif self._film is not None:
            self._write(self.env.render())

    def _write(self, frame: Any) -> None:
        """Append a frame, [H, W, 3] uint8, to the film of the running episode, if there is one."""
        if self._film is not None:
            self._film.write(frame)

    def _discard(self) -> None:
        """Drop the film of the running episode, if there is one."""
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


def record_episodes(
    agent: PongAgent,
    video_folder: str | Path,
    env_id: str | None = None,
    n_episodes: int = 1,
    deterministic: bool = True,
    seed: int = 0,
    *,
    env_kwargs: dict[str, Any] | None = None,
    name_prefix: str = "pong",
    scale: int = 4,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> tuple[EvaluationResult, list[Path]]:
    """Evaluate an agent as `evaluate_policy` does, and film each episode.

    The same seeds give the same episodes as there.

    Args:
        agent: Who plays; it is not changed.
        video_folder: Where the films go; made when missing.
        env_id: A Pong environment; by default the one the agent learns in.
        n_episodes: Number of episodes, 1 or more.
        deterministic: Take the most probable action; otherwise actions are sampled.
        seed: Episode i has the seed `seed + i`, 0 or more.
        env_kwargs: Arguments of the environment, as for `evaluate_policy`.
        name_prefix: How the films' names begin.
        scale: Each pixel becomes a block of `scale` x `scale` pixels.
        on_episode: Called with each episode as it ends.

    Returns:
        The returns, lengths and seeds, and the film of each episode in the same order.

    Raises:
        ConfigError: A number is out of range.
        NotPongError: The environment is not Pong.
        FilmError: A film cannot be written.
    """
    env_id, kwargs = environment_of(agent, env_id, env_kwargs)
    seeds = episode_seeds(n_episodes, seed)
    if scale < 1:
        raise ConfigError(f"scale: expected 1 or more, found {scale}")
    env = make_env(env_id, render_mode="rgb_array", **kwargs)
    with EpisodeRecorder(env, video_folder, name_prefix=name_prefix, scale=scale) as recorder:
        trajectories = play_episodes(agent, recorder, seeds, deterministic, on_episode)
    result = EvaluationResult.from_trajectories(
        trajectories, env_id=env_id, deterministic=deterministic
    )
    return result, recorder.paths
