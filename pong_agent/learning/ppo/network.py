"""The actor-critic network of preset `ppo`: its first weights, its outputs and their gradients.

    h_n = max(W1 x_n, 0)         hidden states, [units]
    l_n = W2 h_n + b2            logits of DOWN, UP and perhaps STAY
    v_n = Wv . h_n + bv          value estimate

With `mirror` each unit also sees the field upside down: `network.forward` has the equations, and
`v_n = Wv . (h_n + h'_n) + bv`, since a flipped field is worth the same.
"""

import numpy as np

from pong_agent.actions import MIRRORED, STAY
from pong_agent.config import PPOConfig
from pong_agent.learning.ppo.multiresolution import add_spread, pool
from pong_agent.network import Floats, Parameters, stand_in
from pong_agent.vision.network_input import INPUT_SIZES

_LIT_PIXELS = 50  # of two fields, about: the number of terms in a pre-activation


def expected_parameters(config: PPOConfig) -> Parameters:
    """Return stand-ins of the parameters' names, shapes and dtypes."""
    units = config.hidden_units // 2 if config.mirror else config.hidden_units
    shapes = {
        "W1": (units, INPUT_SIZES[config.observation]),
        "W2": (config.n_actions, units),
        "b2": (config.n_actions,),
        "Wv": (units,),
        "bv": (1,),
    }
    return {name: stand_in(shape, np.float32) for name, shape in shapes.items()}


def init_parameters(config: PPOConfig, generator: np.random.Generator) -> Parameters:
    """Draw the initial weights, all normal.

    A weight of the first layer is the sum of a number for its pixel and one for each block, so a
    ball moved by a pixel excites nearly the same units from the first update on. The heads are
    small, so the first policy is nearly uniform over UP and DOWN.

    Returns:
        "W1" (units, input_size), "W2" (n_actions, units), "b2" (n_actions,), "Wv" (units,) and
        "bv" (1,), float32, for the units that have weights of their own.
    """
    shapes = {name: array.shape for name, array in expected_parameters(config).items()}
    sizes = config.first_layer_blocks
    W1 = np.asfortranarray(generator.standard_normal(shapes["W1"]))
    if sizes:
        W1 *= np.sqrt(1 - config.block_share)
        share = np.sqrt(config.block_share / len(sizes))
        blocks = [
            np.asfortranarray(share * generator.standard_normal(array.shape))
            for array in pool(W1, sizes)
        ]
        add_spread(W1, blocks, sizes)
    head = 0.1 / np.sqrt(config.hidden_units)
    parameters = {
        "W1": W1 * (config.first_layer_scale / np.sqrt(_LIT_PIXELS)),
        "W2": generator.standard_normal(shapes["W2"]) * head,
        "b2": offsets(config),
        "Wv": generator.standard_normal(shapes["Wv"]) * head,
        "bv": np.zeros(shapes["bv"]),
    }
    return {name: np.asarray(array, np.float32, order="F") for name, array in parameters.items()}


def offsets(config: PPOConfig) -> Floats:
    """Return "b2", [A] float32: what the schedule adds to the logits; it is not learned."""
    added = np.zeros(config.n_actions, np.float32)
    added[STAY:] = config.stay_logit
    return added


def outputs(parameters: Parameters, hidden: Floats, *, mirror: bool) -> Floats:
    """Compute [N, A + 1] outputs, the logits and then the value, from hidden states.

    Args:
        parameters: "W2" (A, units), "b2" (A,), "Wv" (units,) and "bv" (1,).
        hidden: [N, units], or with `mirror` [N, 2 * units], upright and then flipped.
        mirror: whether the network is mirror-symmetric.
    """
    # Unlike a matrix product, einsum adds up in one order, whatever the number of threads.
    result: Floats = np.einsum("nu,au->na", hidden, _heads(parameters, mirror))
    result[:, :-1] += parameters["b2"]
    result[:, -1] += parameters["bv"]
    return result


def backward(
    parameters: Parameters, hidden: Floats, output_gradients: Floats, *, mirror: bool
) -> tuple[Parameters, Floats]:
    """Carry gradients at the outputs, [N, A + 1], back through `outputs`.

    Returns:
        The gradients of "W2", "Wv" and "bv", summed over the rows, with zeros for "b2", which is
        not learned; and the gradients at the pre-activations, of the shape of `hidden`.
    """
    at_hidden = np.einsum("na,au->nu", output_gradients, _heads(parameters, mirror))
    at_hidden *= hidden > 0
    at_heads = np.einsum("na,nu->au", output_gradients, hidden)
    if mirror:
        upright, flipped = np.split(at_heads, 2, axis=1)
        at_heads = upright + flipped[_mirrored(len(at_heads))]
    gradients = {
        "W2": np.asfortranarray(at_heads[:-1]),
        "b2": np.zeros_like(parameters["b2"]),
        "Wv": at_heads[-1],
        "bv": output_gradients[:, -1].sum(keepdims=True),
    }
    return gradients, at_hidden


def values(parameters: Parameters, hidden: Floats, *, mirror: bool) -> Floats:
    """Compute [N] value estimates alone, from hidden states as for `outputs`."""
    head = parameters["Wv"]
    head = np.concatenate([head, head]) if mirror else head
    return np.asarray((hidden * head).sum(axis=1) + parameters["bv"])


def _heads(parameters: Parameters, mirror: bool) -> Floats:
    """Return each output's weights for units upright and, after them, flipped."""
    heads = np.concatenate([parameters["W2"], parameters["Wv"][np.newaxis]])
    return np.concatenate([heads, heads[_mirrored(len(heads))]], axis=1) if mirror else heads


def _mirrored(n_outputs: int) -> list[int]:
    """Return which output each one becomes when the field is flipped: the value stays."""
    return [*MIRRORED[: n_outputs - 1], n_outputs - 1]
