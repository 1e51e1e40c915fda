"""Ranking of the hidden units by their contribution to an agent's decisions."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.learning.trajectory import Trajectory
from pong_agent.report.moments import opening
from pong_agent.report.saliency import decision_weights
from pong_agent.vision.pixels import FIELD_SHAPE

_MOST_STEPS = 5_000  # more do not change the ranking of the first dozen


@dataclass(frozen=True)
class HiddenUnit:
    """A hidden unit and its part in an agent's decisions."""

    number: int  # its row of W1, from 0
    weights: NDArray[np.floating]  # [1 or 2, 80, 80], for each input image
    vote: float  # weight of its activation in the logit of UP minus that of DOWN
    contribution: float  # mean absolute share in that difference, in logits, with its mirrored twin
    active: float  # fraction of the steps in which it is above zero, without its twin


def important_units(
    agent: PongAgent, trajectories: Iterable[Trajectory], count: int
) -> tuple[list[HiddenUnit], int]:
    """Return the `count` units that contribute most to these games, and the steps examined."""
    W1 = agent.parameters["W1"]
    votes, _ = decision_weights(agent.parameters)
    total, active, steps = np.zeros(len(W1)), np.zeros(len(W1)), 0
    for trajectory in trajectories:
        if steps >= _MOST_STEPS:
            break
        inputs = opening(trajectory, _MOST_STEPS - steps).network_input()
        hidden = agent.algorithm.act(dict(agent.parameters), inputs).hidden
        total += hidden.reshape(len(inputs), -1, len(W1)).sum(axis=(0, 1))
        active += (hidden[:, : len(W1)] > 0).sum(axis=0)
        steps += len(inputs)
    contributions = total * np.abs(votes) / max(steps, 1)
    units = [
        HiddenUnit(
            number=number,
            weights=W1[number].reshape(-1, *FIELD_SHAPE),
            vote=float(votes[number]),
            contribution=float(contributions[number]),
            active=float(active[number] / max(steps, 1)),
        )
        for number in np.argsort(-contributions, kind="stable")[:count].tolist()
    ]
    return units, steps
