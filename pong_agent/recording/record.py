"""Evaluation episodes of an agent, recorded as videos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from pong_agent.weights_file.archive import digest


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How videos of an agent look, and how they are named.

    Raises:
        ConfigError: a value has the wrong type, or `scale` is below 1.

    Example:
        >>> VideoOptions(scale=2, overlay=False)
        VideoOptions(name_prefix='pong', scale=2, overlay=False)
    """

    name_prefix: str = "pong"
    """Beginning of the videos' names, before `-episode-0.mp4`."""

    scale: Count = 4
    """Each pixel becomes a block of `scale` x `scale` pixels."""

    overlay: bool = True
    """Show a panel beside the game with what the agent sees and decides (`AgentOverlay`)."""

    def __post_init__(self) -> None:
        check_fields(self)


def record_episodes(
    agent: PongAgent,
    video_folder: str | Path,
    env_id: str | EnvSpec | None = None,
    seeds: Sequence[int] = (0,),
    deterministic: bool = True,
    *,
    options: VideoOptions = VideoOptions(),
    on_episode: Callable[[Trajectory], None] | None = None,
) -> tuple[EvaluationResult, list[Path]]:
    """Evaluate an agent and record each episode; equal seeds give `evaluate_policy`'s episodes.

    Args:
        agent: the agent, which is not changed.
        video_folder: folder of the videos; made if missing.
        env_id: a Pong environment, by its id or as `EnvSpec`; by default the agent's own.
        seeds: the seed of each episode, 0 or more.
        deterministic: take the most probable action; otherwise actions are sampled.
        options: how the videos look.
        on_episode: called with each episode as it ends.

    Returns:
        The returns, lengths and seeds, and the video of each episode in the same order.

    Raises:
        ConfigError: a seed is negative, or there is none.
        NotPongError: the environment is not Pong.
        VideoError: a video cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> brief = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=40)
        >>> with TemporaryDirectory() as folder:
        ...     result, [video] = record_episodes(
        ...         PongAgent("reinforce"), folder, brief, options=VideoOptions(overlay=False)
        ...     )
        ...     video.name
        'pong-episode-0.mp4'
    """
    if not seeds or min(seeds) < 0:
        found = min(seeds) if seeds else "none"
        raise ConfigError(f"seed: expected 0 or more for each episode, found {found}")
    spec = environment_of(agent, env_id)
    env = make_env(spec, render_mode="rgb_array")
    recorder = EpisodeRecorder(
        env,
        video_folder,
        name_prefix=options.name_prefix,
        scale=options.scale,
        overlay=AgentOverlay(agent, env, deterministic=deterministic) if options.overlay else None,
        metadata={
            "algorithm": type(agent.config).__name__.removesuffix("Config").lower(),
            "agent_steps": agent.progress.agent_steps,
            "weights_sha256": digest(dict(agent.parameters)),
            "deterministic": deterministic,
        },
    )
    with recorder:
        outcomes = play_episodes(agent, recorder, seeds, deterministic, on_episode)
    result = EvaluationResult.from_outcomes(spec.env_id, deterministic, outcomes)
    return result, recorder.paths
