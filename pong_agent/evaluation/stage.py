"""Weights from one moment of a training run, with the score that the agent had then."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """An agent at one moment of its training.

    Attributes:
        weights: weights file, a checkpoint or exported weights.
        agent_steps: agent steps learned from so far.
        seconds: seconds of training so far.
        score: mean return of the latest training episodes, None before the first has ended.
    """

    weights: Path
    agent_steps: int
    seconds: float
    score: float | None
