"""How results are told: a line of progress, a table, a summary."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pong_agent.config import ReinforceConfig
from pong_agent.evaluation.evaluate import EvaluationResult


def batch_line(metrics: Mapping[str, float], config: ReinforceConfig) -> str:
    """Return the line of an update of preset `reinforce`, as the notebook prints it."""
    return (
        f"batch {metrics['time/iterations']:.0f}: "
        f"{config.episodes_per_update} rollouts in {metrics['time/update_seconds']:.1f} s, "
        f"running mean {metrics['rollout/running_return']:.3f}, "
        f"return {metrics['rollout/ep_rew_mean']:+.2f}, {metrics['time/fps']:,.0f} steps/s"
        f"{_evaluation(metrics)}"
    )


def step_line(metrics: Mapping[str, float]) -> str:
    """Return the line of an update by its agent steps."""
    steps, seconds = metrics["time/total_timesteps"], metrics["time/time_elapsed"]
    entropy, step_size = -metrics["train/entropy_loss"], metrics["train/learning_rate"]
    mean = metrics["rollout/ep_rew_mean"]
    told = f"{'-':>6}" if math.isnan(mean) else f"{mean:+6.2f}"  # no game has ended yet
    return (
        f"{seconds:6.0f} s  {steps:>10,.0f} steps  return {told}  "
        f"entropy {entropy:.3f}  step size {step_size:.1e}  "
        f"{metrics['time/fps']:,.0f} steps/s{_evaluation(metrics)}"
    )


def _evaluation(metrics: Mapping[str, float]) -> str:
    return f", greedy {metrics['eval/mean_reward']:+.2f}" if "eval/mean_reward" in metrics else ""


def table(result: EvaluationResult, paths: Sequence[Path] = ()) -> str:
    """Return a row for each episode, with its film where there is one, and the summary."""
    rows = [f"{'seed':>10}  {'return':>6}  {'steps':>6}" + ("  film" if paths else "")]
    for index, (seed, episode_return, length) in enumerate(
        zip(result.seeds, result.returns, result.lengths, strict=True)
    ):
        film = f"  {paths[index]}" if paths else ""
        rows.append(f"{seed:>10}  {episode_return:>+6.0f}  {length:>6}{film}")
    return "\n".join([*rows, f"{result.env_id}, {summary(result)}"])


def summary(result: EvaluationResult) -> str:
    """Return number of episodes, mean, standard deviation and interval in one line."""
    choice = "greedy" if result.deterministic else "sampled"
    n_episodes = len(result.returns)
    text = (
        f"{choice}, {n_episodes} episode{'s' if n_episodes > 1 else ''}: "
        f"mean {result.mean:+.2f}, std {result.std:.2f}"
    )
    if result.confidence_interval is not None:
        low, high = result.confidence_interval
        text += f", 95 % interval {low:+.2f} to {high:+.2f}"
    return text
