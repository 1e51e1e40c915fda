"""The first weights of preset `ppo`."""

import numpy as np

from pong_agent.actions import STAY
from pong_agent.config import PPOConfig
from pong_agent.learning.ppo.blocks import add_spread, pool
from pong_agent.network import Floats, Parameters, stand_in
from pong_agent.vision.network_input import INPUT_SIZES
from pong_agent.vision.pixels import FIELD_SHAPE

_LIT_PIXELS = 50  # of two pictures, about: what a pre-activation is a sum over


def expected_parameters(config: PPOConfig) -> Parameters:
    """Return stand-ins of the parameters' names, shapes and dtypes."""
    units = _own_units(config)
    shapes = {
        "W1": (units, INPUT_SIZES[config.observation]),
        "W2": (config.n_actions, units),
        "b2": (config.n_actions,),
        "Wv": (units,),
        "bv": (1,),
    }
    return {name: stand_in(shape, np.float32) for name, shape in shapes.items()}


def init_parameters(config: PPOConfig, generator: np.random.Generator) -> Parameters:
    """Draw the initial weights, normal numbers all.

    Those of the first layer are the sum of a number for each pixel and one for each block, so that
    a ball moved by a pixel excites nearly the same units from the first update on. The heads are
    small, so that the first policy is near a fair die.

    Returns:
        "W1" (units, input_size), "W2" (n_actions, units), "b2" (n_actions,), "Wv" (units,) and
        "bv" (1,), float32, for the units that have weights of their own.
    """
    shapes = {name: array.shape for name, array in expected_parameters(config).items()}
    sizes = config.first_layer_blocks
    W1: Floats = generator.standard_normal(shapes["W1"])
    if config.first_layer_smoothing:
        W1 = _blurred(W1, config.first_layer_smoothing)
    W1 = np.asfortranarray(W1)
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
    """Return what the schedule adds to the actions' logits, [A] float32; it is not learned."""
    added = np.zeros(config.n_actions, np.float32)
    added[STAY:] = config.stay_logit
    return added


def _blurred(W1: Floats, smoothing: float) -> Floats:
    """Blur each picture of the weights and bring them back to unit variance."""
    from scipy.ndimage import gaussian_filter  # only a new agent needs it

    pictures = W1.reshape(len(W1), -1, *FIELD_SHAPE)
    blurred = gaussian_filter(pictures, (0, 0, smoothing, smoothing), mode="nearest")
    return np.asarray((blurred / blurred.std()).reshape(W1.shape))


def _own_units(config: PPOConfig) -> int:
    """Return the number of hidden units that have weights of their own."""
    return config.hidden_units // 2 if config.mirror else config.hidden_units
