"""Weights from one moment of a training run, with the score that the agent had then."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """An agent at one moment of its training."""

    weights: Path  # checkpoint or exported weights
    agent_steps: int  # learned from so far
    seconds: float  # of training so far
    score: float | None  # mean return of the latest training episodes, None before the first ends
