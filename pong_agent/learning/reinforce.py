"""REINFORCE as in the notebook: one policy-gradient step from a batch of whole episodes.

R. J. Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning", Machine Learning 8, 1992; the form is Karpathy's "Pong from Pixels", 2016.
"""

import numpy as np

from pong_agent.config import ReinforceConfig
from pong_agent.learning.adam import check_finite, rmsprop_ascent
from pong_agent.learning.batch import Batch, BatchError, Trajectory
from pong_agent.learning.returns import discounted_returns, standardize
from pong_agent.network import (
    Floats,
    Parameters,
    backward,
    entropy,
    forward,
    init_policy,
    sigmoid,
    stand_in,
)
from pong_agent.vision.pixels import N_PIXELS


def expected_parameters(config: ReinforceConfig) -> Parameters:
    """Return stand-ins of the parameters' names, shapes and dtypes."""
    return {
        "W1": stand_in((config.hidden_units, N_PIXELS), np.float64),
        "W2": stand_in((config.hidden_units,), np.float64),
    }


def init_parameters(config: ReinforceConfig, generator: np.random.Generator) -> Parameters:
    """Draw the initial weights."""
    return init_policy(generator, config.hidden_units)


def init_optimizer(parameters: Parameters, config: ReinforceConfig) -> Parameters:  # noqa: ARG001  # as for ppo
    """Return RMSProp's state before the first update: a zero for every weight."""
    return {name: np.zeros_like(weights) for name, weights in parameters.items()}


def averaged(parameters: Parameters, optimizer_state: Parameters) -> Parameters:  # noqa: ARG001
    """Return the parameters themselves: the notebook averages nothing."""
    return parameters


def episode_gradient(
    parameters: Parameters, trajectory: Trajectory, discount: float
) -> tuple[Parameters, Floats]:
    """Compute the policy gradient of one episode.

        dJ/dl_t = (y_t - p_t) * adv_t,    t = 0, ..., T-1

    where l_t is the logit and p_t the probability of UP, y_t the "fake label", 1 where UP was taken
    and 0 where DOWN was, and adv_t the discounted return (cut at every point), standardized over
    the episode. J is the sum over t of adv_t * log pi(a_t | x_t).

    Args:
        parameters: "W1" and "W2".
        trajectory: a whole episode of T steps.
        discount: discount per step.

    Returns:
        The gradient of J for each parameter, and [T] float64, the probabilities of UP.
    """
    inputs = trajectory.network_input()
    logits, hidden = forward(parameters, inputs)
    probabilities = sigmoid(logits[:, 0])
    advantages = standardize(discounted_returns(trajectory.rewards, discount))
    labels = trajectory.actions.astype(np.float64)
    logit_gradients = (labels - probabilities) * advantages
    gradient = backward(parameters, inputs, hidden, logit_gradients[:, np.newaxis])
    return gradient, probabilities


def update(
    parameters: Parameters,
    optimizer_state: Parameters,
    batch: Batch,
    config: ReinforceConfig,
    generator: np.random.Generator | None = None,  # noqa: ARG001  # nothing is drawn; as for ppo
) -> tuple[Parameters, Parameters, dict[str, float]]:
    """Sum the gradients of the batch's episodes in their order and take one RMSProp step.

    The arguments are left untouched.

    Args:
        parameters: "W1" and "W2".
        optimizer_state: RMSProp's running means of squared gradients.
        batch: a validated batch.
        config: the preset's values.
        generator: not used.

    Returns:
        New parameters, new optimizer state, and metrics: "entropy_loss" (minus the mean entropy
        over the steps, in nats), "grad_norm" (of the summed gradient) and "learning_rate".

    Raises:
        BatchError: a trajectory is not a whole episode.
        LearningError: a new weight is not finite.
    """
    for index, trajectory in enumerate(batch.trajectories):
        if trajectory.ends[:-1].any() or not trajectory.ends[-1]:
            raise BatchError(
                f"batch.trajectories[{index}].ends: expected one whole episode, "
                f"found ends after the steps {np.flatnonzero(trajectory.ends).tolist()}"
            )
    total = {name: np.zeros_like(weights) for name, weights in parameters.items()}
    entropies = []
    for trajectory in batch.trajectories:
        gradient, probabilities = episode_gradient(parameters, trajectory, config.discount)
        for name in total:
            total[name] += gradient[name]
        entropies.append(entropy(np.stack([1 - probabilities, probabilities], axis=1)))
    new_parameters, new_optimizer_state = rmsprop_ascent(
        parameters,
        total,
        optimizer_state,
        learning_rate=config.learning_rate,
        decay=config.rmsprop_decay,
        epsilon=config.rmsprop_epsilon,
    )
    check_finite(new_parameters, new_optimizer_state)
    squared_norm = sum(float(np.square(gradient).sum()) for gradient in total.values())
    metrics = {
        "entropy_loss": -float(np.concatenate(entropies).mean()),
        "grad_norm": float(np.sqrt(squared_norm)),
        "learning_rate": config.learning_rate,
    }
    return new_parameters, new_optimizer_state, metrics
