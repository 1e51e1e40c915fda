"""Options and results that the commands for whole episodes share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.bounds import Bounds, Share
from pong_agent.cli.arguments import Number, Seed
from pong_agent.cli.output import sentence, table, with_interval
from pong_agent.envs.spec import EnvSpec, Frames
from pong_agent.evaluation.evaluate import environment_of
from pong_agent.evaluation.result import EvaluationResult
from pong_agent.training.run_folder import load_agent


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Options of the commands that play whole episodes."""

    weights: Path | None = None
    """Weights file, or run folder for its newest checkpoint; if omitted, the pretrained agent."""

    env_id: str | None = None
    """Environment to play; if omitted, the one the agent was trained in."""

    sticky: Share | None = None
    """Probability that the emulator repeats the last action; if omitted, the environment's."""

    frameskip: Annotated[int, Bounds(1, 1_000)] | None = None
    """Emulator frames per decision; if omitted, the environment's."""

    difficulty: Annotated[int, Bounds(0, 3)] | None = None
    """Difficulty of the built-in opponent, 0 to 3; if omitted, the environment's, 0."""

    noop_max: Frames | None = None
    """Start each episode with up to this many no-op frames, drawn by its seed."""

    episodes: Number = 10
    """Number of episodes."""

    sampled: bool = False
    """Sample actions by their probabilities instead of taking the most probable one (greedy)."""

    seed: Seed = 0
    """Seed of the first episode; episode I has SEED + I."""

    def environment(self, agent: PongAgent) -> EnvSpec:
        """Return the environment to play, by default the one the agent was trained in."""
        asked: dict[str, Any] = {
            "repeat_action_probability": self.sticky,
            "frameskip": self.frameskip,
            "difficulty": self.difficulty,
            "noop_max": self.noop_max,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return environment_of(agent, self.env_id, given)

    def load(self) -> tuple[PongAgent, Path]:
        """Load the agent, print which one it is, and return it with its path."""
        weights = self.weights or PRETRAINED
        agent = load_agent(weights)
        name = "the pretrained agent" if self.weights is None else weights
        print(sentence(f"{name}, {agent.progress.agent_steps:,} agent steps of training"))
        return agent, weights


def episodes_table(result: EvaluationResult, paths: Sequence[Path] = ()) -> str:
    """Return a row for each episode, with its video if there is one, and the summary."""
    columns = {
        "seed": map(str, result.seeds),
        "return": (f"{episode_return:+.0f}" for episode_return in result.returns),
        "steps": map(str, result.lengths),
    }
    if paths:
        columns["<video"] = map(str, paths)
    rows = zip(*columns.values(), strict=True)
    return f"{table(list(columns), rows)}\n{sentence(f'{result.env_id}, {summary(result)}')}"


def summary(result: EvaluationResult) -> str:
    """Return number of episodes, mean and, from two on, deviation and interval in one line."""
    choice = "greedy" if result.deterministic else "sampled"
    n_episodes = len(result.returns)
    if n_episodes == 1:
        return f"{choice}, 1 episode: return {result.mean:+.0f}"
    text = f"{choice}, {n_episodes:,} episodes: mean {result.mean:+.2f}, std {result.std:.2f}"
    return with_interval(text, result.confidence_interval)
