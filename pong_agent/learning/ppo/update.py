"""Proximal policy optimization: several clipped policy-gradient epochs over one batch.

J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov, "Proximal policy optimization
algorithms", arXiv:1707.06347, 2017. The step size follows the policy's change, as the penalty does
in section 4 there and as the learning rate does in RSL-RL and Isaac Gym.
"""

import numpy as np

from pong_agent.actions import STAY
from pong_agent.config import PPOConfig
from pong_agent.learning.adam import check_finite
from pong_agent.learning.batch import Batch
from pong_agent.learning.ppo import network as heads
from pong_agent.learning.ppo.actor_critic import expected_parameters, init_parameters, offsets
from pong_agent.learning.ppo.blocks import lit_blocks, pool
from pong_agent.learning.ppo.multiresolution import (
    multiresolution_adam_descent,
    narrowed,
    widened,
)
from pong_agent.learning.ppo.sparse_first_layer import LitRows, lit_rows
from pong_agent.learning.ppo.targets import Targets, prepare
from pong_agent.network import Floats, Parameters, log_softmax

# Begin the names, in the optimizer's state, of parameters averaged for playing and for the values.
_AVERAGE, _CRITIC = "average/", "critic/"

# What an agent calls, beside the functions below.
__all__ = ["averaged", "expected_parameters", "init_optimizer", "init_parameters", "update"]


def init_optimizer(parameters: Parameters, config: PPOConfig) -> Parameters:
    """Return what goes on from update to update besides the parameters.

    Adam's state before its first step, two running averages of the parameters, the number of agent
    steps learned from, and the step size that an update adapts.
    """
    sizes = config.first_layer_blocks
    blocks = {f"W1/{b}": a for b, a in zip(sizes, pool(parameters["W1"], sizes), strict=True)}
    moments = {**parameters, **blocks}
    return {
        **{f"mean/{name}": np.zeros_like(weights) for name, weights in moments.items()},
        **{f"square/{name}": np.zeros_like(weights) for name, weights in moments.items()},
        **{f"{_AVERAGE}{name}": weights.copy(order="K") for name, weights in parameters.items()},
        **{f"{_CRITIC}{name}": weights.copy(order="K") for name, weights in parameters.items()},
        "step": np.zeros(1),
        "agent_steps": np.zeros(1),
        "learning_rate": np.array([config.learning_rate]),
    }


def loss_and_gradient(
    parameters: Parameters, inputs: LitRows, targets: Targets, config: PPOConfig
) -> tuple[dict[str, float], Parameters]:
    """Compute the PPO loss of a minibatch and its gradient.

        rho_t  = pi(a_t | x_t) / pi_old(a_t | x_t)
        L_clip = -mean_t min(rho_t adv_t, clip(rho_t, 1 - eps, 1 + eps) adv_t)
        L_v    = mean_t (V(x_t) - R_t)**2 / 2
        L      = L_clip + value_coefficient L_v - entropy_coefficient mean_t H(pi(. | x_t))

    (equations 7 and 9 of the paper; eps is `clip_range`, H the entropy of the actions in nats.)

    Args:
        parameters: "W1", only the lit columns of it, "W2", "b2", "Wv" and "bv".
        inputs: N rows.
        targets: of the same N steps.
        config: the preset's values.

    Returns:
        "loss" L, "policy_gradient_loss" L_clip, "value_loss" L_v, "entropy_loss" (minus the mean
        entropy), "clip_fraction" (of steps with |rho_t - 1| > eps) and "approx_kl" (mean of
        KL(pi_old || pi) in nats, summed over all actions: what Stable-Baselines3 estimates from
        the actions taken), and the gradient of L for each parameter.
    """
    hidden = inputs.times(parameters["W1"])
    np.maximum(hidden, 0, out=hidden)
    outputs = heads.outputs(parameters, hidden, mirror=config.mirror)
    logits, estimates = outputs[:, :-1], outputs[:, -1]
    log_p = log_softmax(logits)
    p, n = np.exp(log_p), len(logits)
    taken = np.arange(logits.shape[1]) == targets.actions[:, np.newaxis]
    ratio = p[taken] / targets.old_probabilities[taken]
    limited = np.clip(ratio, 1 - config.clip_range, 1 + config.clip_range)
    surrogate = np.minimum(ratio * targets.advantages, limited * targets.advantages)
    # Where the clipped term is the smaller one the objective is flat.
    active = ratio * targets.advantages <= limited * targets.advantages
    entropies = -(p * log_p).sum(axis=1)
    errors = estimates - targets.returns

    # d rho / d l_b = rho ([b = a] - p_b);  d H / d l_b = -p_b (log p_b + H)
    gains = np.where(active, targets.advantages * ratio, 0)
    policy_gradients = gains[:, np.newaxis] * (p - taken)
    entropy_gradients = config.entropy_coefficient * p * (log_p + entropies[:, np.newaxis])
    output_gradients = np.empty_like(outputs)
    output_gradients[:, :-1] = (policy_gradients + entropy_gradients) / n
    output_gradients[:, -1] = config.value_coefficient * errors / n
    gradients, at_hidden = heads.backward(
        parameters, hidden, output_gradients, mirror=config.mirror
    )
    gradients["W1"] = inputs.transposed_times(at_hidden)
    policy_loss, value_loss = -float(surrogate.mean()), float(np.square(errors).mean()) / 2
    entropy_loss = -float(entropies.mean())
    statistics = {
        "loss": policy_loss
        + config.value_coefficient * value_loss
        + config.entropy_coefficient * entropy_loss,
        "policy_gradient_loss": policy_loss,
        "value_loss": value_loss,
        "entropy_loss": entropy_loss,
        "clip_fraction": float((np.abs(ratio - 1) > config.clip_range).mean()),
        "approx_kl": float(divergence(targets.old_probabilities, log_p).mean()),
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

    The old probabilities are those that the trajectories noted; without, the batch must come from
    the given parameters, and they are computed from these. The old values come from the critic's
    running average of the parameters. The weights of STAY rest while `stay_logit` is below
    `stay_from_logit`. Afterwards the step size is divided by `learning_rate_factor`
    if the policy moved, over the last epoch, more than twice `target_kl`, and multiplied by it
    below half of it.

    Args:
        parameters: "W1", "W2", "b2", "Wv" and "bv"; left untouched, as all arguments are.
        optimizer_state: Adam's moments, "step", "agent_steps" and "learning_rate".
        batch: a validated batch.
        config: the preset's values as they hold now (`PPOConfig.annealed`).
        generator: source of the minibatches' order.

    Returns:
        New parameters, new optimizer state, and metrics: the means of what `loss_and_gradient`
        tells over the last epoch, "grad_norm" before clipping, "explained_variance" of the returns
        by the values, and the "learning_rate" and "clip_range" of this update.

    Raises:
        LearningError: a new weight is not finite.
    """
    critic = _averages(_CRITIC, parameters, optimizer_state)
    inputs, targets, explained_variance = prepare(parameters, critic, batch, config)
    blocks, learning_rate = config.first_layer_blocks, float(optimizer_state["learning_rate"][0])
    options = {
        "learning_rate": learning_rate,
        "beta1": config.adam_beta1,
        "beta2": config.adam_beta2,
        "epsilon": config.adam_epsilon,
    }
    lit = lit_rows(inputs, mirror=config.mirror)
    blocks_of_lit = lit_blocks(lit.columns, blocks, inputs.width)
    weights, moments = narrowed(parameters, optimizer_state, lit.columns, blocks)
    n_minibatches = min(config.minibatches, len(inputs))
    for _ in range(config.epochs):
        epoch: list[dict[str, float]] = []
        for rows in np.array_split(generator.permutation(len(inputs)), n_minibatches):
            statistics, gradients = loss_and_gradient(
                weights, lit.take(rows), targets.take(rows), config
            )
            if config.stay_logit < config.stay_from_logit:
                gradients["W2"][STAY:] = 0
            norm = clip_norm(gradients, config.max_grad_norm)
            multiresolution_adam_descent(weights, gradients, moments, blocks_of_lit, **options)
            epoch.append({**statistics, "grad_norm": norm})
    new_parameters, adam_state = widened(
        parameters, optimizer_state, weights, moments, lit.columns, blocks, **options
    )
    new_parameters["b2"] = offsets(config)
    check_finite(new_parameters, adam_state)
    metrics = {name: float(np.mean([one[name] for one in epoch])) for name in epoch[0]}
    new_state = {
        **optimizer_state,
        **adam_state,
        "agent_steps": optimizer_state["agent_steps"] + batch.n_steps,
        "learning_rate": np.array([adapted(learning_rate, metrics["approx_kl"], config)]),
    }
    new_state |= updated_averages(new_parameters, new_state, batch.n_steps, config)
    metrics |= {
        "explained_variance": explained_variance,
        "learning_rate": learning_rate,
        "clip_range": config.clip_range,
    }
    return new_parameters, new_state, metrics


def averaged(parameters: Parameters, optimizer_state: Parameters) -> Parameters:
    """Return the running average of the parameters: what to play with when nothing is learned.

    An exponential average over about `averaging_steps` agent steps (B. Polyak and A. Juditsky,
    "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992).
    """
    return _averages(_AVERAGE, parameters, optimizer_state)


def _averages(prefix: str, parameters: Parameters, optimizer_state: Parameters) -> Parameters:
    return {name: optimizer_state[f"{prefix}{name}"] for name in parameters}


def updated_averages(
    parameters: Parameters, optimizer_state: Parameters, n_steps: int, config: PPOConfig
) -> Parameters:
    """Return the running averages of the optimizer's state, moved towards new parameters.

    At the beginning they are the plain mean, so that the first weights do not linger.
    """
    total = float(optimizer_state["agent_steps"][0])
    updated: Parameters = {}
    for prefix, steps in (
        (_AVERAGE, config.averaging_steps),
        (_CRITIC, config.critic_averaging_steps),
    ):
        share = n_steps / max(n_steps, min(total, steps))
        for name, mean in _averages(prefix, parameters, optimizer_state).items():
            new = parameters[name] - mean
            new *= share
            new += mean
            updated[f"{prefix}{name}"] = new
    return updated


def divergence(old: Floats, new_log: Floats) -> Floats:
    """Compute `KL(old || new)` of each row in nats, from probabilities and log probabilities.

    Args:
        old: [N, A] probabilities.
        new_log: [N, A] logarithms of the others.

    Returns:
        [N].
    """
    tiny = np.finfo(old.dtype).tiny  # 0 log 0 is 0
    return np.asarray((old * (np.log(np.maximum(old, tiny)) - new_log)).sum(axis=1))


def clip_norm(gradients: Parameters, max_norm: float) -> float:
    """Scale gradients in place so that their common Euclidean norm is at most `max_norm`.

    Returns:
        The norm before.
    """
    norm = float(np.sqrt(sum(_sum_of_squares(gradient) for gradient in gradients.values())))
    if norm > max_norm:
        for gradient in gradients.values():
            gradient *= max_norm / norm
    return norm


def _sum_of_squares(array: Floats) -> float:
    """Sum in float32 over the units, which are few, and in float64 beyond."""
    columns = np.atleast_2d(array.T)
    return float(np.einsum("cu,cu->c", columns, columns).sum(dtype=np.float64))


def adapted(learning_rate: float, kl: float, config: PPOConfig) -> float:
    """Return the next update's step size after one that moved the policy by `kl` nats."""
    if kl > 2 * config.target_kl:
        learning_rate /= config.learning_rate_factor
    elif kl < config.target_kl / 2:
        learning_rate *= config.learning_rate_factor
    return min(max(learning_rate, config.min_learning_rate), config.max_learning_rate)
