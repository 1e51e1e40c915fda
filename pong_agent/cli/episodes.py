"""The options that commands for whole episodes share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.training.run_folder import load_agent


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Who plays what: the options that commands for whole episodes share."""

    weights: Path | None = None
    """Weights file, or run folder for its newest checkpoint; by default the package's weights."""

    env_id: str | None = None
    """Environment to play; by default the one that the agent learned in."""

    sticky: float | None = None
    """Probability that an action is sticky; by default the environment's own."""

    frameskip: int | None = None
    """Emulator frames per decision; by default the environment's own."""

    difficulty: int | None = None
    """Difficulty of the built-in player, 0 to 3; by default the environment's own, 0."""

    noop_max: int | None = None
    """Most emulator frames, drawn for each episode, that pass before the first action."""

    episodes: int = 10
    """Number of episodes."""

    sampled: bool = False
    """Sample actions; by default the most probable one is taken (greedy)."""

    seed: int = 0
    """Episode i has the seed SEED + i."""

    def env_kwargs(self) -> dict[str, Any] | None:
        """Return the arguments of `make_env` that were asked for, None where none were."""
        asked = {
            "repeat_action_probability": self.sticky,
            "frameskip": self.frameskip,
            "difficulty": self.difficulty,
            "noop_max": self.noop_max,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return given or None

    def load(self) -> tuple[PongAgent, Path]:
        """Load the agent, say which one it is, and return it with where it came from."""
        weights = self.weights or PRETRAINED
        agent = load_agent(weights)
        name = "the pretrained agent" if self.weights is None else weights
        print(f"{name}, {agent.progress.agent_steps:,} agent steps of training")
        return agent, weights

    def bar(self, n_episodes: int) -> "tqdm[None]":
        """Return a progress bar over episodes."""
        return tqdm(total=n_episodes, unit="episode", disable=None, leave=False)
