"""The PPO loss of a minibatch, term by term, and its gradient.

    rho_t  = pi(a_t | x_t) / pi_old(a_t | x_t)
    L_clip = -mean_t min(rho_t adv_t, clip(rho_t, 1 - eps, 1 + eps) adv_t)
    L_v    = mean_t (V(x_t) - R_t)**2 / 2
    L_H    = -mean_t H(pi(. | x_t))
    L      = L_clip + value_coefficient L_v + entropy_coefficient L_H

(J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347, 2017, equations 7
and 9; eps is `clip_range`, H the entropy of the actions in nats.)
"""

from typing import NamedTuple

import numpy as np

from pong_agent.config import PPOConfig
from pong_agent.learning.ppo import network
from pong_agent.learning.ppo.sparse_first_layer import LitRows
from pong_agent.learning.ppo.targets import Targets
from pong_agent.network import Floats, Parameters, log_softmax


class Term(NamedTuple):
    """A term of the loss: its mean over N steps, and the gradient of it at the network's outputs.

    Attributes:
        loss: the mean.
        gradient: [N, A] at the logits, or [N] at the values.
    """

    loss: float
    gradient: Floats


def surrogate_loss(p: Floats, targets: Targets, clip_range: float) -> tuple[Term, float]:
    """Compute L_clip from [N, A] probabilities, and the fraction of steps with |rho_t - 1| > eps.

    d rho / d l_b = rho ([b = a] - p_b)
    """
    taken = np.arange(p.shape[1]) == targets.actions[:, np.newaxis]
    ratio = p[taken] / targets.old_probabilities[taken]
    plain = ratio * targets.advantages
    limited = np.clip(ratio, 1 - clip_range, 1 + clip_range) * targets.advantages
    # Where the clipped term is the smaller one the objective is flat.
    gains = np.where(plain <= limited, plain, 0)
    gradient = gains[:, np.newaxis] * (p - taken) / len(p)
    clipped = float((np.abs(ratio - 1) > clip_range).mean())
    return Term(-float(np.minimum(plain, limited).mean()), gradient), clipped


def value_loss(estimates: Floats, returns: Floats) -> Term:
    """Compute L_v from [N] value estimates V and their targets R."""
    errors = estimates - returns
    return Term(float(np.square(errors).mean()) / 2, errors / len(errors))


def entropy_loss(p: Floats, log_p: Floats) -> Term:
    """Compute L_H from [N, A] probabilities and their logarithms.

    d H / d l_b = -p_b (log p_b + H)
    """
    entropies = -(p * log_p).sum(axis=1)
    return Term(-float(entropies.mean()), p * (log_p + entropies[:, np.newaxis]) / len(p))


def divergence(old: Floats, new_log: Floats) -> Floats:
    """Compute [N] `KL(old || new)` in nats from [N, A] probabilities and log probabilities."""
    tiny = np.finfo(old.dtype).tiny  # 0 log 0 is 0
    return np.asarray((old * (np.log(np.maximum(old, tiny)) - new_log)).sum(axis=1))


def loss_and_gradient(
    parameters: Parameters, inputs: LitRows, targets: Targets, config: PPOConfig
) -> tuple[dict[str, float], Parameters]:
    """Compute the loss L of a minibatch and its gradient.

    Args:
        parameters: "W1", only the lit columns of it, "W2", "b2", "Wv" and "bv".
        inputs: N rows.
        targets: of the same N steps.
        config: the preset's values.

    Returns:
        "loss" L, "policy_gradient_loss" L_clip, "value_loss" L_v, "entropy_loss" L_H,
        "clip_fraction" and "approx_kl" (mean of KL(pi_old || pi) in nats, summed over all actions,
        which Stable-Baselines3 estimates from the actions taken); and the gradient of L for each
        parameter.
    """
    hidden = inputs.times(parameters["W1"])
    np.maximum(hidden, 0, out=hidden)
    outputs = network.outputs(parameters, hidden, mirror=config.mirror)
    log_p = log_softmax(outputs[:, :-1])
    p = np.exp(log_p)

    policy, clip_fraction = surrogate_loss(p, targets, config.clip_range)
    value = value_loss(outputs[:, -1], targets.returns)
    entropy = entropy_loss(p, log_p)
    gradient = np.empty_like(outputs)
    gradient[:, :-1] = policy.gradient + config.entropy_coefficient * entropy.gradient
    gradient[:, -1] = config.value_coefficient * value.gradient

    gradients, at_hidden = network.backward(parameters, hidden, gradient, mirror=config.mirror)
    gradients["W1"] = inputs.transposed_times(at_hidden)
    statistics = {
        "loss": policy.loss
        + config.value_coefficient * value.loss
        + config.entropy_coefficient * entropy.loss,
        "policy_gradient_loss": policy.loss,
        "value_loss": value.loss,
        "entropy_loss": entropy.loss,
        "clip_fraction": clip_fraction,
        "approx_kl": float(divergence(targets.old_probabilities, log_p).mean()),
    }
    return statistics, gradients


def clip_norm(gradients: Parameters, max_norm: float) -> float:
    """Scale gradients in place to a common Euclidean norm of at most `max_norm`; return it."""
    norm = float(np.sqrt(sum(_sum_of_squares(gradient) for gradient in gradients.values())))
    if norm > max_norm:
        for gradient in gradients.values():
            gradient *= max_norm / norm
    return norm


def _sum_of_squares(array: Floats) -> float:
    """Sum in float32 over the units, which are few, and in float64 beyond."""
    columns = np.atleast_2d(array.T)
    return float(np.einsum("cu,cu->c", columns, columns).sum(dtype=np.float64))
