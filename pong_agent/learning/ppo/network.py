"""The layers after the hidden one, forwards and backwards, for the minibatches of preset `ppo`.

They are those of `network.forward` and `network.values`, with all outputs in one array.
"""

import numpy as np

from pong_agent.actions import MIRRORED
from pong_agent.network import Floats, Parameters


def outputs(parameters: Parameters, hidden: Floats, *, mirror: bool) -> Floats:
    """Compute [N, A + 1] outputs, the logits and then the value, from hidden states.

    Args:
        parameters: "W2" (A, units), "b2" (A,), "Wv" (units,) and "bv" (1,).
        hidden: [N, units], or with `mirror` [N, 2 * units], upright and then turned.
        mirror: whether the policy is mirror-symmetric (`network.forward`).
    """
    # Unlike a matrix product, einsum adds up in one order, whatever the number of threads.
    result: Floats = np.einsum("nu,au->na", hidden, _heads(parameters, mirror))
    result[:, :-1] += parameters["b2"]
    result[:, -1] += parameters["bv"]
    return result


def backward(
    parameters: Parameters, hidden: Floats, output_gradients: Floats, *, mirror: bool
) -> tuple[Parameters, Floats]:
    """Carry gradients at the outputs back to the heads and the hidden pre-activations.

    Args:
        parameters: as for `outputs`.
        hidden: likewise.
        output_gradients: [N, A + 1].
        mirror: as for `outputs`.

    Returns:
        The gradients of "W2", "Wv" and "bv", summed over the rows, zeros for "b2", which is not
        learned, and [N, units or 2 * units]
        at the pre-activations.
    """
    at_hidden = np.einsum("na,au->nu", output_gradients, _heads(parameters, mirror))
    at_hidden *= hidden > 0
    at_heads = np.einsum("na,nu->au", output_gradients, hidden)
    if mirror:
        upright, turned = np.split(at_heads, 2, axis=1)
        at_heads = upright + turned[_turned_over(len(at_heads))]
    gradients = {
        "W2": np.asfortranarray(at_heads[:-1]),
        "b2": np.zeros_like(parameters["b2"]),
        "Wv": at_heads[-1],
        "bv": output_gradients[:, -1].sum(keepdims=True),
    }
    return gradients, at_hidden


def _heads(parameters: Parameters, mirror: bool) -> Floats:
    """Return each output's weights for units upright and, after them, turned."""
    heads = np.concatenate([parameters["W2"], parameters["Wv"][np.newaxis]])
    return np.concatenate([heads, heads[_turned_over(len(heads))]], axis=1) if mirror else heads


def _turned_over(n_outputs: int) -> list[int]:
    """Return which output each one becomes when the picture is turned: the value stays."""
    return [*MIRRORED[: n_outputs - 1], n_outputs - 1]
