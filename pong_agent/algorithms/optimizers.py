"""Optimizers: RMSProp as the notebook has it, and Adam in place."""

from collections.abc import Sequence

import numpy as np

from pong_agent.algorithms.blocks import Block, add_spread, pool
from pong_agent.network import Parameters

_CACHE_ITEMS = 32_768  # of float32: five arrays of 128 kB


class LearningError(ArithmeticError):
    """An update would have given weights that are not finite."""


def rmsprop_ascent(
    parameters: Parameters,
    gradients: Parameters,
    mean_squares: Parameters,
    *,
    learning_rate: float,
    decay: float,
    epsilon: float,
) -> tuple[Parameters, Parameters]:
    """Take one RMSProp step uphill, with epsilon outside the root as in the notebook.

        v <- decay * v + (1 - decay) * g**2
        w <- w + learning_rate * g / (sqrt(v) + epsilon)

    (`Model.update` of the notebook; the method is Tieleman and Hinton's, lecture 6.5 of "Neural
    Networks for Machine Learning", 2012.) The arguments are left untouched.

    Args:
        parameters: name -> weights w.
        gradients: name -> gradient g of the objective, of the weights' shape.
        mean_squares: name -> running mean v of squared gradients, zeros at the start.
        learning_rate: step size.
        decay: weight of the old running mean, 0 to 1.
        epsilon: added to the root.

    Returns:
        New parameters and new mean squares.
    """
    new_parameters: Parameters = {}
    new_mean_squares: Parameters = {}
    for name, weights in parameters.items():
        gradient = gradients[name]
        mean_square = decay * mean_squares[name] + (1 - decay) * gradient**2
        new_mean_squares[name] = mean_square
        step = learning_rate * gradient / (np.sqrt(mean_square) + epsilon)
        new_parameters[name] = weights + step
    return new_parameters, new_mean_squares


def adam_descent(
    parameters: Parameters,
    gradients: Parameters,
    state: Parameters,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Take one Adam step downhill, in place.

        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g**2
        w <- w - learning_rate * (m / (1 - beta1**k)) / (sqrt(v / (1 - beta2**k)) + epsilon)

    for the k-th step, k = 1, 2, ... (Kingma and Ba, "Adam: a method for stochastic optimization",
    2015, algorithm 1). Arrays are worked on in pieces that fit the processor's cache, which is
    three times as fast as whole ones.

    Args:
        parameters: name -> weights w; changed.
        gradients: name -> gradient g of the loss, of the weights' shape and memory order.
        state: "mean/NAME" m and "square/NAME" v for each weight, zeros at the start, and "step",
            (1,) float64, the number of steps taken before; changed.
        learning_rate: step size.
        beta1: weight of the old mean, 0 to 1.
        beta2: weight of the old mean of squares, 0 to 1.
        epsilon: added to the root.
    """
    state["step"] += 1
    step = float(state["step"][0])
    rate = learning_rate / (1 - beta1**step)
    root_of_correction = float(np.sqrt(1 - beta2**step))
    for name, weights in parameters.items():
        arrays = (weights, gradients[name], state[f"mean/{name}"], state[f"square/{name}"])
        flat = [array.reshape(-1, order="A") for array in arrays]
        for start in range(0, weights.size, _CACHE_ITEMS):
            w, g, m, v = (array[start : start + _CACHE_ITEMS] for array in flat)
            scratch = np.multiply(g, 1 - beta1)
            m *= beta1
            m += scratch
            np.square(g, out=scratch)
            scratch *= 1 - beta2
            v *= beta2
            v += scratch
            denominator = np.sqrt(v, out=scratch)
            denominator /= root_of_correction
            denominator += epsilon
            scaled = np.divide(m, denominator, out=scratch)
            scaled *= rate
            w -= scaled


def multiresolution_adam_descent(
    parameters: Parameters,
    gradients: Parameters,
    state: Parameters,
    blocks: Sequence[Block],
    **options: float,
) -> None:
    """Take one Adam step downhill with block weights beside W1's own, in place.

        W1 <- W1 + step + sum over b of spread(step_b)

    where step is Adam's for each pixel's gradient and step_b Adam's for the gradients summed over
    each kind of block (`blocks.pool`).

    Args:
        parameters: name -> weights, "W1" among them; changed.
        gradients: name -> gradient of the loss.
        state: as for `adam_descent`, with "mean/W1/B" and "square/W1/B" for each kind B; changed.
        blocks: kinds of blocks.
        **options: the other arguments of `adam_descent`.
    """
    names = [f"W1/{block}" for block in blocks]
    sums = dict(zip(names, pool(gradients["W1"], blocks), strict=True))
    steps = {name: np.zeros_like(array) for name, array in sums.items()}
    adam_descent(parameters | steps, gradients | sums, state, **options)
    add_spread(parameters["W1"], list(steps.values()), blocks)


def check_finite(*groups: Parameters) -> None:
    """Refuse arrays that hold a NaN or an infinity.

    Raises:
        LearningError: the first such array is named.
    """
    for arrays in groups:
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise LearningError(f"{name}: the update gives values that are not finite")
