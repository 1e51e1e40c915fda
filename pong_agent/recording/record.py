"""Evaluation episodes of an agent, recorded as videos."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import gymnasium as gym

from pong_agent.agent import PongAgent
from pong_agent.bounds import Count, check_fields
from pong_agent.envs.make import make_env
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import ConfigError
from pong_agent.evaluation.evaluate import environment_of, play_episodes
from pong_agent.evaluation.result import EvaluationResult
from pong_agent.learning.trajectory import Trajectory
from pong_agent.recording.panel import AgentOverlay
from pong_agent.recording.recorder import EpisodeRecorder
from pong_agent.recording.video_files import check_name_prefix
from pong_agent.seeding import as_seed
from pong_agent.weights_file.archive import digest
from pong_agent.whole_file import absolute_path

_END_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How videos of an agent look, and how they are named.

    Raises:
        ConfigError: a value has the wrong type, or `scale` is below 1, or `name_prefix` leads
            out of the folder.

    Example:
        >>> VideoOptions(scale=2, overlay=False)
        VideoOptions(name_prefix='pong', scale=2, overwrite=False, end_card=True, overlay=False)
    """

    name_prefix: str = "pong"
    """Beginning of the videos' names, before `-episode-0.mp4`."""

    scale: Count = 2
    """Each pixel becomes a block of `scale` x `scale` pixels."""

    overwrite: bool = False
    """Replace older videos of the same names; otherwise the next free numbers are used."""

    end_card: bool = True
    """End each video with two seconds that show the score, who won, environment and agent."""

    overlay: bool = True
    """Show a panel beside the game with what the agent sees and decides (`AgentOverlay`)."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_name_prefix(self.name_prefix)


def record_episodes(
    agent: PongAgent,
    video_folder: str | Path,
    env_id: str | EnvSpec | None = None,
    seeds: Sequence[int] = (0,),
    deterministic: bool = True,
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    options: VideoOptions = VideoOptions(),
    on_episode: Callable[[Trajectory], None] | None = None,
    on_point: Callable[[int, int], None] | None = None,
    **video_options: Any,
) -> tuple[EvaluationResult, list[Path]]:
    """Evaluate an agent and record each episode; equal seeds give `evaluate_policy`'s episodes.

    Args:
        agent: the agent, which is not changed.
        video_folder: folder of the videos; made if missing.
        env_id: a Pong environment, by its id or as `EnvSpec`; by default the agent's own.
        seeds: the seed of each episode, 0 or more.
        deterministic: take the most probable action; otherwise actions are sampled.
        env_kwargs: fields of `EnvSpec` that replace those of the environment.
        options: how the videos look.
        on_episode: called with each episode as it ends.
        on_point: called after each point with those of the opponent and of the agent so far.
        **video_options: fields of `VideoOptions`, such as `scale=2`, that replace those of
            `options`.

    Returns:
        The returns, lengths and seeds, and the video of each episode in the same order.

    Raises:
        ConfigError: a seed is no int of 0 or more, there is none, or an option is unknown.
        NotPongError: the environment is not Pong.
        VideoError: a video cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> brief = {"max_num_frames_per_episode": 40}
        >>> with TemporaryDirectory() as folder:
        ...     result, [video] = record_episodes(
        ...         PongAgent("reinforce"), folder, env_kwargs=brief, overlay=False
        ...     )
        ...     video.name
        'pong-episode-0.mp4'
    """
    listed = isinstance(seeds, Iterable) and not isinstance(seeds, str)
    numbers = [as_seed(one, "seeds") for one in seeds] if listed else []
    if not numbers:
        raise ConfigError(f"seeds: expected the seed of each episode, found {seeds!r:.60}")
    known = [one.name for one in fields(VideoOptions)]
    if unknown := sorted(set(video_options) - set(known)):
        raise ConfigError(f"expected options among {known}, found {unknown[0]!r}")
    if not isinstance(options, VideoOptions):
        raise ConfigError(f"options: expected VideoOptions, found {options!r:.60}")
    options = replace(options, **video_options)
    folder = absolute_path(video_folder, "video_folder")
    spec = environment_of(agent, env_id, env_kwargs)
    env = make_env(spec, render_mode="rgb_array")
    recorder = EpisodeRecorder(
        env,
        folder,
        name_prefix=options.name_prefix,
        scale=options.scale,
        overwrite=options.overwrite,
        end_seconds=_END_SECONDS if options.end_card else 0.0,
        overlay=AgentOverlay(agent, env, deterministic=deterministic) if options.overlay else None,
        metadata={
            "algorithm": type(agent.config).__name__.removesuffix("Config").lower(),
            "agent_steps": agent.progress.agent_steps,
            "weights_sha256": digest(dict(agent.parameters)),
            "deterministic": deterministic,
        },
    )
    if not options.overwrite:
        recorder.episode_id = _last_number(folder, options.name_prefix)
    with recorder:
        game = recorder if on_point is None else _PointCounter(recorder, on_point)
        outcomes = play_episodes(agent, game, numbers, deterministic, on_episode)
    result = EvaluationResult.from_outcomes(spec.env_id, deterministic, outcomes)
    return result, recorder.paths


class _PointCounter(gym.Wrapper[Any, Any, Any, Any]):
    """Tells the score of an episode after each point."""

    def __init__(self, env: gym.Env[Any, Any], on_point: Callable[[int, int], None]) -> None:
        super().__init__(env)
        self._on_point = on_point

    def reset(self, **kwargs: Any) -> Any:
        self._score = [0, 0]
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Any:
        result = self.env.step(action)
        if reward := float(result[1]):
            self._score[reward > 0] += round(abs(reward))
            self._on_point(*self._score)
        return result


def _last_number(folder: Path, name_prefix: str) -> int:
    """Return the highest number of an episode whose video, GIF or sidecar exists, or -1."""
    beginning = folder / f"{name_prefix}-episode-"  # a prefix may name a folder
    name = re.compile(re.escape(beginning.name) + r"(\d+)\.(?:mp4|gif|json)")
    folder = beginning.parent
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return max([int(match[1]) for match in map(name.fullmatch, names) if match], default=-1)
