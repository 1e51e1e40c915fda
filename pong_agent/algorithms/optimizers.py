"""Optimizers as pure functions: (parameters, gradients, state) -> (parameters, state)."""

import numpy as np

from pong_agent.network import Parameters


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
    new_parameters, new_mean_squares = {}, {}
    for name, weights in parameters.items():
        gradient = gradients[name]
        mean_square = decay * mean_squares[name] + (1 - decay) * gradient**2
        new_mean_squares[name] = mean_square
        step = learning_rate * gradient / (np.sqrt(mean_square) + epsilon)
        new_parameters[name] = weights + step
    return new_parameters, new_mean_squares
