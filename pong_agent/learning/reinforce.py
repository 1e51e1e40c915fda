"""REINFORCE as in the notebook: one policy-gradient step from a batch of whole episodes.

    a_n = W1 x_n                 hidden pre-activation, [hidden_units]
    h_n = max(a_n, 0)            hidden state
    l_n = W2 . h_n               logit of UP
    p_n = 1 / (1 + exp(-l_n))    probability of UP; DOWN has the rest

R. J. Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning", Machine Learning 8, 1992; the form is Karpathy's "Pong from Pixels", 2016.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from pong_agent.config import ReinforceConfig
from pong_agent.learning.batch import Batch
from pong_agent.learning.progress import Progress
from pong_agent.learning.returns import discounted_returns, standardize
from pong_agent.learning.trajectory import BatchError, Trajectory
from pong_agent.network import Activations, Floats, Parameters, stand_in
from pong_agent.vision.network_input import SparseRows
from pong_agent.vision.pixels import N_PIXELS


def init_policy(generator: np.random.Generator, hidden_units: int) -> Parameters:
    """Draw a policy: standard normal numbers over the root of the fan-in (`Model.__init__`).

    Args:
        generator: source of the normal numbers; W1 is drawn before W2.
        hidden_units: number of hidden units.

    Returns:
        "W1" of shape (hidden_units, 6400) and "W2" of shape (hidden_units,), float64.
    """
    W1 = generator.standard_normal((hidden_units, N_PIXELS)) / np.sqrt(N_PIXELS)
    W2 = generator.standard_normal(hidden_units) / np.sqrt(hidden_units)
    return {"W1": np.asfortranarray(W1), "W2": W2}


def policy_forward(parameters: Parameters, inputs: SparseRows) -> tuple[Floats, Floats]:
    """Compute the probabilities of UP (`Model.policy_forward`).

    Returns:
        [N] probabilities of UP for N input rows, and [N, hidden_units] hidden states.
    """
    hidden = np.maximum(inputs.times(parameters["W1"].T), 0)
    logits = (hidden * parameters["W2"]).sum(axis=1)
    return sigmoid(logits), hidden


def policy_backward(
    parameters: Parameters, inputs: SparseRows, hidden: Floats, logit_gradients: Floats
) -> Parameters:
    """Carry gradients at the logits back to the weights (`Model.policy_backward`).

    Args:
        parameters: "W1" and "W2".
        inputs: the N rows given to `policy_forward`.
        hidden: [N, hidden_units], its hidden states.
        logit_gradients: [N], gradient of the objective with respect to each logit.

    Returns:
        The gradient of the objective for each parameter, summed over the rows.
    """
    hidden_gradients = np.outer(logit_gradients, parameters["W2"])
    hidden_gradients *= hidden > 0
    return {
        "W1": inputs.transposed_times(hidden_gradients).T,
        "W2": (logit_gradients[:, np.newaxis] * hidden).sum(axis=0),
    }


def sigmoid(logits: Floats) -> Floats:
    """Compute `1 / (1 + exp(-logit))` without overflow."""
    decay = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, decay) / (1.0 + decay)


def episode_gradient(
    parameters: Parameters, trajectory: Trajectory, discount: float
) -> tuple[Parameters, Floats]:
    """Compute the policy gradient of one episode (`compute_gradient`).

        dJ/dl_t = (y_t - p_t) * adv_t,    t = 0, ..., T-1

    where l_t is the logit and p_t the probability of UP, y_t the "fake label", 1 where UP was taken
    and 0 where DOWN was, and adv_t the discounted return (cut at every point), standardized over
    the episode. J is the sum over t of adv_t * log pi(a_t | x_t).

    Args:
        parameters: "W1" and "W2".
        trajectory: a whole episode of T steps.
        discount: discount per step.

    Returns:
        The gradient of J for each parameter, and [T] probabilities of UP.
    """
    inputs = trajectory.network_input()
    probabilities, hidden = policy_forward(parameters, inputs)
    advantages = standardize(discounted_returns(trajectory.rewards, discount))
    labels = trajectory.actions.astype(np.float64)
    gradient = policy_backward(parameters, inputs, hidden, (labels - probabilities) * advantages)
    return gradient, probabilities


def rmsprop_ascent(
    weights: Floats,
    gradient: Floats,
    mean_square: Floats,
    *,
    learning_rate: float,
    decay: float,
    epsilon: float,
) -> tuple[Floats, Floats]:
    """Take one RMSProp step uphill, with epsilon outside the root (`Model.update`).

        v <- decay * v + (1 - decay) * g**2
        w <- w + learning_rate * g / (sqrt(v) + epsilon)

    (Tieleman and Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012.)

    Args:
        weights: w; left untouched, as all arguments are.
        gradient: g of the objective, of the weights' shape.
        mean_square: v, zeros at the start.
        learning_rate: step size.
        decay: weight of the old v, 0 to 1.
        epsilon: added to the root.

    Returns:
        New weights and the new mean square.
    """
    mean_square = decay * mean_square + (1 - decay) * gradient**2
    step = learning_rate * gradient / (np.sqrt(mean_square) + epsilon)
    return weights + step, mean_square


@dataclass(frozen=True)
class Reinforce:
    """REINFORCE behind the `Algorithm` protocol."""

    config: ReinforceConfig
    name: ClassVar[str] = "reinforce"
    fragment_steps: ClassVar[None] = None  # learns from whole episodes
    varied_games: ClassVar[int] = 0

    @property
    def n_games(self) -> int:
        """Number of games whose episodes make a batch."""
        return self.config.episodes_per_update

    def annealed(self, progress: Progress) -> Self:  # noqa: ARG002  # nothing changes in a run
        """Return the algorithm itself: the notebook anneals nothing."""
        return self

    def expected_parameters(self) -> Parameters:
        """Return stand-ins of the parameters' names, shapes and dtypes."""
        units = self.config.hidden_units
        return {
            "W1": stand_in((units, N_PIXELS), np.float64),
            "W2": stand_in((units,), np.float64),
        }

    def init_parameters(self, generator: np.random.Generator) -> Parameters:
        """Draw the initial weights."""
        return init_policy(generator, self.config.hidden_units)

    def init_optimizer(self, parameters: Parameters) -> Parameters:
        """Return RMSProp's mean squares before the first update: zeros."""
        return {name: np.zeros_like(weights) for name, weights in parameters.items()}

    def averaged(self, parameters: Parameters, optimizer_state: Parameters) -> Parameters:  # noqa: ARG002  # protocol
        """Return the parameters themselves: the notebook averages nothing."""
        return parameters

    def act(self, parameters: Parameters, inputs: SparseRows) -> Activations:
        """Compute the probabilities of DOWN and UP and the hidden states of N rows."""
        up, hidden = policy_forward(parameters, inputs)
        return Activations(np.stack([1 - up, up], axis=1), hidden)

    def values(self, parameters: Parameters, hidden: Floats) -> None:
        """Return None: the notebook's network estimates no values."""

    def update(
        self,
        parameters: Parameters,
        optimizer_state: Parameters,
        batch: Batch,
        generator: np.random.Generator | None = None,  # noqa: ARG002  # nothing is drawn
    ) -> tuple[Parameters, Parameters, dict[str, float]]:
        """Sum the gradients of the batch's episodes in their order and take one RMSProp step.

        Args:
            parameters: "W1" and "W2"; left untouched, as all arguments are.
            optimizer_state: RMSProp's mean squares.
            batch: a validated batch.
            generator: not used.

        Returns:
            New parameters, new optimizer state, and metrics: "entropy_loss" (minus the mean entropy
            over the steps, in nats), "grad_norm" (of the summed gradient) and "learning_rate".

        Raises:
            BatchError: a trajectory is not a whole episode.
        """
        config = self.config
        _check_whole_episodes(batch)
        total = {name: np.zeros_like(weights) for name, weights in parameters.items()}
        probabilities = []
        for trajectory in batch.trajectories:
            gradient, up = episode_gradient(parameters, trajectory, config.discount)
            for name in total:
                total[name] += gradient[name]
            probabilities.append(up)
        new_parameters: Parameters = {}
        new_optimizer_state: Parameters = {}
        for name, weights in parameters.items():
            new_parameters[name], new_optimizer_state[name] = rmsprop_ascent(
                weights,
                total[name],
                optimizer_state[name],
                learning_rate=config.learning_rate,
                decay=config.rmsprop_decay,
                epsilon=config.rmsprop_epsilon,
            )
        squared_norm = sum(float(np.square(gradient).sum()) for gradient in total.values())
        metrics = {
            "entropy_loss": -float(_entropy(np.concatenate(probabilities)).mean()),
            "grad_norm": float(np.sqrt(squared_norm)),
            "learning_rate": config.learning_rate,
        }
        return new_parameters, new_optimizer_state, metrics


def _check_whole_episodes(batch: Batch) -> None:
    for index, trajectory in enumerate(batch.trajectories):
        if trajectory.ends[:-1].any() or not trajectory.ends[-1]:
            raise BatchError(
                f"batch.trajectories[{index}].ends: expected one whole episode, "
                f"found ends after the steps {np.flatnonzero(trajectory.ends).tolist()}"
            )


def _entropy(up: Floats) -> Floats:
    """Compute the entropy of UP and DOWN in nats, where 0 log 0 is 0."""
    both, tiny = np.stack([up, 1 - up]), np.finfo(up.dtype).tiny
    return np.asarray(-(both * np.log(np.maximum(both, tiny))).sum(axis=0))
