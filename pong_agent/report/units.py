"""The hidden units that matter most to an agent's decisions, and their weights as pictures."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.learning.batch import Trajectory
from pong_agent.network import forward
from pong_agent.report.games import opening
from pong_agent.report.saliency import decision_weights
from pong_agent.vision.pixels import FIELD_SHAPE

_MOST_STEPS = 5_000  # to look at: the ranking of the first dozen does not change with more


@dataclass(frozen=True)
class Unit:
    """A hidden unit.

    Attributes:
        number: its row of W1, from 0.
        pictures: [1 or 2, 80, 80], its weights for each picture that the network is shown.
        vote: what one unit of its activation adds to the logit of UP minus that of DOWN.
        contribution: mean absolute share in that difference over the steps looked at, in logits;
            with `mirror` that of the unit and of its twin turned upside down together.
        active: share of those steps in which it is above zero, without its twin.
    """

    number: int
    pictures: NDArray[np.floating]
    vote: float
    contribution: float
    active: float


def important_units(
    agent: PongAgent, trajectories: Iterable[Trajectory], count: int
) -> tuple[list[Unit], int]:
    """Rank the hidden units by what they contribute to the decisions of games that were played.

    Args:
        agent: whose units.
        trajectories: games of this agent.
        count: how many units to return at most.

    Returns:
        The units, the one that contributes most first, and the number of steps looked at.
    """
    W1 = agent.parameters["W1"]
    weights, _ = decision_weights(agent.parameters)
    total, active, steps = np.zeros(len(W1)), np.zeros(len(W1)), 0
    for trajectory in trajectories:
        if steps >= _MOST_STEPS:
            break
        inputs = opening(trajectory, _MOST_STEPS - steps).network_input()
        _, hidden = forward(dict(agent.parameters), inputs, mirror=agent.config.mirror)
        total += hidden.reshape(len(inputs), -1, len(W1)).sum(axis=(0, 1))
        active += (hidden[:, : len(W1)] > 0).sum(axis=0)
        steps += len(inputs)
    contributions = total * np.abs(weights) / max(steps, 1)
    units = [
        Unit(
            number=int(number),
            pictures=W1[number].reshape(-1, *FIELD_SHAPE),
            vote=float(weights[number]),
            contribution=float(contributions[number]),
            active=float(active[number] / max(steps, 1)),
        )
        for number in np.argsort(-contributions, kind="stable")[:count]
    ]
    return units, steps
