"""Saliency: the exact gradient of a decision with respect to the pixels.

The decision is the margin `m`: the logit of UP minus that of DOWN, which is the only logit of
preset `reinforce`. With `x` the network's input, `a = W1 x` and `h = max(a, 0)`, the margin is
`m = w . h + b`, `w = W2_up - W2_down`, and so

    dm/dx_i = sum_j w_j [a_j > 0] W1_ji

With `mirror` the vertically flipped units add `sum_j -w_j [a'_j > 0] W1_j,flip(i)`, where
`a' = W1 flip(x)`. No hidden unit has a bias, so `m = sum_i x_i dm/dx_i + b` holds exactly: each lit
pixel has its share in the decision.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import DOWN, UP
from pong_agent.agent import PongAgent
from pong_agent.network import Floats
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import FIELD_SHAPE, Pixels


def decision_weights(parameters: Mapping[str, Floats]) -> tuple[NDArray[np.float64], float]:
    """Return the weight of each row of W1 in the margin, and the margin's offset, 0 without b2.

    Example:
        >>> weights, offset = decision_weights({"W2": np.array([[1.0, 0.0], [3.0, 0.5]])})
        >>> weights.tolist(), offset
        ([2.0, 0.5], 0.0)
    """
    W2 = np.asarray(parameters["W2"], dtype=np.float64)
    if W2.ndim == 1:
        return W2, 0.0
    b2 = np.asarray(parameters.get("b2", np.zeros(len(W2))), dtype=np.float64)
    return W2[UP] - W2[DOWN], float(b2[UP] - b2[DOWN])


def margin_gradient(
    agent: PongAgent, current: Pixels, previous: Pixels
) -> tuple[NDArray[np.float64], float]:
    """Differentiate the margin of UP over DOWN with respect to both fields' pixels.

    Returns the gradient at the current and the previous field, [2, 80, 80] float64 in logits per
    pixel, and the margin.

    Example:
        >>> field = np.array([3280], dtype=np.uint16)  # a ball in the middle
        >>> gradient, margin = margin_gradient(PongAgent("ppo"), field, field)
        >>> bool(np.isclose(gradient[:, 41, 0].sum(), margin))  # 3280 = 41 * 80 + 0
        True
    """
    config, W1 = agent.config, agent.parameters["W1"]
    hidden = agent.examine(FieldHistory([current], [previous])).hidden
    weights, offset = decision_weights(agent.parameters)
    upright = hidden[0, : len(W1)]
    gradient = (((upright > 0) * weights) @ W1).reshape(-1, *FIELD_SHAPE)
    margin = float(upright @ weights) + offset
    if config.mirror:
        turned = hidden[0, len(W1) :]
        images = (((turned > 0) * weights) @ W1).reshape(-1, *FIELD_SHAPE)
        gradient = gradient - images[:, ::-1]
        margin -= float(turned @ weights)
    if config.observation == "difference":  # x = current - previous
        gradient = np.concatenate([gradient, -gradient])
    return gradient, margin
