"""Proximal policy optimization: several clipped policy-gradient epochs over one batch.

J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov, "Proximal policy optimization
algorithms", arXiv:1707.06347, 2017. The step size follows the policy's change, as the penalty does
in section 4 there and as the learning rate does in RSL-RL and Isaac Gym.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.algorithms.optimizers import adam_descent, check_finite
from pong_agent.algorithms.returns import generalized_advantages
from pong_agent.batch import Batch
from pong_agent.network import (
    Floats,
    Parameters,
    backward,
    bernoulli_entropy,
    forward,
    init_actor_critic,
    sigmoid,
    values,
)
from pong_agent.observation import INPUT_SIZES, SparseRows
from pong_agent.presets import PPOConfig


@dataclass(frozen=True)
class Targets:
    """What each of N agent steps is judged by, fixed while an update lasts.

    Attributes:
        ups: [N] 1 where UP was taken and 0 where DOWN was.
        old_probabilities: [N] probability of UP under the policy before the update.
        advantages: [N] standardized over the batch.
        returns: [N] targets of the value estimates: advantage plus old value.
    """

    ups: Floats
    old_probabilities: Floats
    advantages: Floats
    returns: Floats

    def take(self, rows: NDArray[np.int64]) -> "Targets":
        """Return the targets of some steps."""
        return Targets(
            self.ups[rows], self.old_probabilities[rows], self.advantages[rows], self.returns[rows]
        )


def empty_parameters(config: PPOConfig) -> Parameters:
    """Return zeros of the parameters' names, shapes and dtypes."""
    units = _own_units(config)
    heads = {"W2": units, "Wv": units, "bv": 1}
    return {
        "W1": np.zeros((units, INPUT_SIZES[config.observation]), np.float32, order="F"),
        **{name: np.zeros(size, np.float32) for name, size in heads.items()},
    }


def init_parameters(config: PPOConfig, generator: np.random.Generator) -> Parameters:
    """Draw the initial weights."""
    return init_actor_critic(
        generator,
        _own_units(config),
        INPUT_SIZES[config.observation],
        scale=config.first_layer_scale,
        smoothing=config.first_layer_smoothing,
    )


def init_optimizer(parameters: Parameters, config: PPOConfig) -> Parameters:
    """Return Adam's state before the first step, and the step size that an update adapts."""
    return {
        **{f"mean/{name}": np.zeros_like(weights) for name, weights in parameters.items()},
        **{f"square/{name}": np.zeros_like(weights) for name, weights in parameters.items()},
        "step": np.zeros(1),
        "agent_steps": np.zeros(1),
        "learning_rate": np.array([config.learning_rate]),
    }


def loss_and_gradient(
    parameters: Parameters, inputs: SparseRows, targets: Targets, config: PPOConfig
) -> tuple[dict[str, float], Parameters]:
    """Compute the PPO loss of a minibatch and its gradient.

        rho_t  = pi(a_t | x_t) / pi_old(a_t | x_t)
        L_clip = -mean_t min(rho_t adv_t, clip(rho_t, 1 - eps, 1 + eps) adv_t)
        L_v    = mean_t (V(x_t) - R_t)**2 / 2
        L      = L_clip + value_coefficient L_v - entropy_coefficient mean_t H(pi(. | x_t))

    (equations 7 and 9 of the paper; eps is `clip_range`, H the entropy of UP or DOWN in nats.)

    Args:
        parameters: "W1", "W2", "Wv" and "bv".
        inputs: N sparse rows.
        targets: of the same N steps.
        config: the preset's values.

    Returns:
        "loss", "policy_loss", "value_loss", "entropy", "clip_fraction" and "kl" (of the old policy
        from the new one, nats), and the gradient of L for each parameter.
    """
    logits, hidden = forward(parameters, inputs, mirror=config.mirror)
    estimates = values(parameters, hidden, mirror=config.mirror)
    p = sigmoid(logits)
    old, n = targets.old_probabilities, len(logits)
    up = targets.ups > 0
    ratio = np.where(up, p, 1 - p) / np.where(up, old, 1 - old)
    limited = np.clip(ratio, 1 - config.clip_range, 1 + config.clip_range)
    surrogate = np.minimum(ratio * targets.advantages, limited * targets.advantages)
    # Where the clipped term is the smaller one the objective is flat.
    active = ratio * targets.advantages <= limited * targets.advantages
    entropy = bernoulli_entropy(p)
    errors = estimates - targets.returns

    # d rho / d logit = rho (a - p);  d H / d logit = -p (1 - p) logit
    policy_gradients = -np.where(active, targets.advantages * ratio, 0) * (targets.ups - p)
    entropy_gradients = config.entropy_coefficient * p * (1 - p) * logits
    gradients = backward(
        parameters,
        inputs,
        hidden,
        (policy_gradients + entropy_gradients) / n,
        config.value_coefficient * errors / n,
        mirror=config.mirror,
    )
    policy_loss, value_loss = -float(surrogate.mean()), float(np.square(errors).mean()) / 2
    statistics = {
        "loss": policy_loss
        + config.value_coefficient * value_loss
        - config.entropy_coefficient * float(entropy.mean()),
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "entropy": float(entropy.mean()),
        "clip_fraction": float(1 - active.mean()),
        "kl": float(bernoulli_divergence(old, p).mean()),
    }
    return statistics, gradients


def update(
    parameters: Parameters,
    optimizer_state: Parameters,
    batch: Batch,
    config: PPOConfig,
    generator: np.random.Generator,
) -> tuple[Parameters, Parameters, dict[str, float]]:
    """Make one update: several epochs of minibatches in random order, one Adam step for each.

    The batch must come from the given parameters: the old probabilities and values are computed
    from them. Afterwards the step size is divided by `learning_rate_factor` if the policy moved,
    over the last epoch, more than twice `target_kl`, and multiplied by it below half of it. Target,
    bound and entropy weight are those that `annealed` gives for the agent steps learned from.

    Args:
        parameters: "W1", "W2", "Wv" and "bv"; left untouched, as all arguments are.
        optimizer_state: Adam's moments, "step", "agent_steps" and "learning_rate".
        batch: a validated batch.
        config: the preset's values.
        generator: source of the minibatches' order.

    Returns:
        New parameters, new optimizer state, and metrics: the means of what `loss_and_gradient`
        tells over the last epoch, "grad_norm" before clipping, "explained_variance" of the returns
        by the values, and the "learning_rate" of this update.

    Raises:
        LearningError: a new weight is not finite.
    """
    inputs, targets, explained_variance = prepare(parameters, batch, config)
    parameters = {name: array.copy(order="K") for name, array in parameters.items()}
    optimizer_state = {name: array.copy(order="K") for name, array in optimizer_state.items()}
    config = annealed(config, float(optimizer_state["agent_steps"][0]))
    learning_rate = float(optimizer_state["learning_rate"][0])
    n_minibatches = max(1, len(inputs) // config.minibatch_size)
    for _ in range(config.epochs):
        epoch: list[dict[str, float]] = []
        for rows in np.array_split(generator.permutation(len(inputs)), n_minibatches):
            statistics, gradients = loss_and_gradient(
                parameters, inputs.take(rows), targets.take(rows), config
            )
            norm = clip_norm(gradients, config.max_grad_norm)
            adam_descent(
                parameters,
                gradients,
                optimizer_state,
                learning_rate=learning_rate,
                beta1=config.adam_beta1,
                beta2=config.adam_beta2,
                epsilon=config.adam_epsilon,
            )
            epoch.append({**statistics, "grad_norm": norm})
    check_finite(parameters, optimizer_state)
    metrics = {name: float(np.mean([one[name] for one in epoch])) for name in epoch[0]}
    optimizer_state["agent_steps"] += batch.n_steps
    optimizer_state["learning_rate"][0] = adapted(learning_rate, metrics["kl"], config)
    metrics |= {"explained_variance": explained_variance, "learning_rate": learning_rate}
    return parameters, optimizer_state, metrics


def prepare(
    parameters: Parameters, batch: Batch, config: PPOConfig
) -> tuple[SparseRows, Targets, float]:
    """Compute what an update learns from, with the parameters that played the batch.

    Returns:
        The inputs of all N agent steps, their targets, and the explained variance of the returns.
    """
    parts = [trajectory.network_input(with_next=True) for trajectory in batch.trajectories]
    everything = SparseRows.concatenate(parts)
    logits, hidden = forward(parameters, everything, mirror=config.mirror)
    estimates = values(parameters, hidden, mirror=config.mirror)
    advantages, before, rows, start = [], [], [], 0
    for trajectory in batch.trajectories:
        length = len(trajectory)
        own = estimates[start : start + length + 1]
        advantages.append(
            generalized_advantages(
                trajectory.rewards, own, trajectory.ends, config.discount, config.gae_lambda
            )
        )
        before.append(own[:-1])
        rows.append(np.arange(start, start + length))
        start += length + 1
    index = np.concatenate(rows)
    raw, old_values = np.concatenate(advantages), np.concatenate(before)
    returns = raw + old_values
    dtype = logits.dtype
    targets = Targets(
        ups=np.concatenate([t.actions for t in batch.trajectories]).astype(dtype),
        old_probabilities=sigmoid(logits[index]),
        advantages=((raw - raw.mean()) / (raw.std() + 1e-8)).astype(dtype),
        returns=returns.astype(dtype),
    )
    variance = float(returns.var())
    explained = 1 - float((returns - old_values).var()) / variance if variance else 0.0
    return everything.take(index), targets, explained


def _own_units(config: PPOConfig) -> int:
    """Return the number of hidden units that have weights of their own."""
    return config.hidden_units // 2 if config.mirror else config.hidden_units


def bernoulli_divergence(old: Floats, new: Floats) -> Floats:
    """Compute `KL(old || new)` of two probabilities of UP, in nats."""
    tiny = np.finfo(new.dtype).tiny
    terms: Any = 0
    for before, after in ((old, new), (1 - old, 1 - new)):
        terms = terms + before * np.log(np.maximum(before, tiny) / np.maximum(after, tiny))
    return np.asarray(terms)


def clip_norm(gradients: Parameters, max_norm: float) -> float:
    """Scale gradients in place so that their common Euclidean norm is at most `max_norm`.

    Returns:
        The norm before.
    """
    squares = [np.square(gradient).sum(dtype=np.float64) for gradient in gradients.values()]
    norm = float(np.sqrt(sum(squares)))
    if norm > max_norm:
        for gradient in gradients.values():
            gradient *= max_norm / norm
    return norm


def adapted(learning_rate: float, kl: float, config: PPOConfig) -> float:
    """Return the next update's step size after one that moved the policy by `kl` nats."""
    if kl > 2 * config.target_kl:
        learning_rate /= config.learning_rate_factor
    elif kl < config.target_kl / 2:
        learning_rate *= config.learning_rate_factor
    return min(max(learning_rate, config.min_learning_rate), config.max_learning_rate)


def annealed(config: PPOConfig, agent_steps: float) -> PPOConfig:
    """Return the configuration with the values that hold after some agent steps.

    Entropy weight, KL target and largest step size go from their first to their final values on a
    straight line that ends at `anneal_steps`.
    """
    left = max(0.0, 1 - agent_steps / config.anneal_steps)

    def between(first: float, final: float) -> float:
        return final + left * (first - final)

    return replace(
        config,
        entropy_coefficient=between(config.entropy_coefficient, config.final_entropy_coefficient),
        target_kl=between(config.target_kl, config.final_target_kl),
        max_learning_rate=between(config.max_learning_rate, config.min_learning_rate),
    )
