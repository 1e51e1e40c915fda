"""Evaluating an agent and filming it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.checkpoint import digest
from pong_agent.envs.make import make_env
from pong_agent.errors import ConfigError
from pong_agent.evaluation.evaluate import (
    EvaluationResult,
    environment_of,
    episode_seeds,
    play_episodes,
)
from pong_agent.learning.batch import Trajectory
from pong_agent.recording.panel import AgentOverlay
from pong_agent.recording.recorder import EpisodeRecorder


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
    overlay: bool = True,
    seeds: Sequence[int] | None = None,
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
        overlay: Show beside the game what the agent sees and decides (`AgentOverlay`).
        seeds: The episodes' seeds, instead of `n_episodes` from `seed` on.
        on_episode: Called with each episode as it ends.

    Returns:
        The returns, lengths and seeds, and the film of each episode in the same order.

    Raises:
        ConfigError: A number is out of range.
        NotPongError: The environment is not Pong.
        VideoError: A film cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> brief = {"max_num_frames_per_episode": 40}
        >>> with TemporaryDirectory() as folder:
        ...     result, [film] = record_episodes(
        ...         PongAgent("reinforce"), folder, env_kwargs=brief, overlay=False
        ...     )
        ...     film.name
        'pong-episode-0.mp4'
    """
    env_id, kwargs = environment_of(agent, env_id, env_kwargs)
    if seeds is None:
        seeds = episode_seeds(n_episodes, seed)
    if scale < 1:
        raise ConfigError(f"scale: expected 1 or more, found {scale}")
    env = make_env(env_id, render_mode="rgb_array", **kwargs)
    recorder = EpisodeRecorder(
        env,
        video_folder,
        name_prefix=name_prefix,
        scale=scale,
        overlay=AgentOverlay(agent, env, deterministic=deterministic) if overlay else None,
        metadata=_describe(agent, deterministic),
    )
    with recorder:
        outcomes = play_episodes(agent, recorder, seeds, deterministic, on_episode)
    result = EvaluationResult.from_outcomes(outcomes, env_id=env_id, deterministic=deterministic)
    return result, recorder.paths


def _describe(agent: PongAgent, deterministic: bool) -> dict[str, Any]:
    """Return what a film's JSON file tells about who played."""
    return {
        "algorithm": type(agent.config).__name__.removesuffix("Config").lower(),
        "agent_steps": agent.progress.agent_steps,
        "weights_sha256": digest(dict(agent.parameters)),
        "deterministic": deterministic,
    }
