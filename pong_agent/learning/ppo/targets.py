"""Advantages, value targets and old probabilities for a PPO update."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pong_agent.config import PPOConfig
from pong_agent.learning.batch import Batch
from pong_agent.learning.ppo.network import values
from pong_agent.network import Floats, Parameters, forward, softmax
from pong_agent.vision.network_input import SparseRows


@dataclass(frozen=True)
class Targets:
    """Targets of N agent steps, fixed during an update.

    Attributes:
        actions: [N] int64, action taken.
        old_probabilities: [N, A] of the actions under the policy before the update.
        advantages: [N], standardized over the batch.
        returns: [N], targets of the value estimates: an advantage plus the old value.
    """

    actions: NDArray[np.int64]
    old_probabilities: Floats
    advantages: Floats
    returns: Floats

    def take(self, rows: NDArray[np.int64]) -> "Targets":
        """Return the targets of some steps."""
        return Targets(
            self.actions[rows],
            self.old_probabilities[rows],
            self.advantages[rows],
            self.returns[rows],
        )


def generalized_advantages(
    rewards: ArrayLike,
    value_estimates: ArrayLike,
    ends: ArrayLike,
    discount: float,
    gae_lambda: float,
) -> NDArray[np.float64]:
    """Estimate advantages with GAE, cut at every point and at every episode's end.

        delta_t = r_t + discount * c_t * V_{t+1} - V_t
        adv_t   = delta_t + discount * gae_lambda * c_t * adv_{t+1}

    for t = T-1, ..., 0 with adv_T = 0, where c_t is 0 if r_t != 0 or the episode ended with step
    t, else 1 (Schulman et al., "High-dimensional continuous control using generalized advantage
    estimation", 2016, eq. 16, with the cut of `discounted_returns`).

    Args:
        rewards: [T] numbers, reward after each action.
        value_estimates: [T + 1] numbers, V of each step's observation and of the one after them.
        ends: [T] bool, whether the episode ended with the step.
        discount: discount per step, 0 to 1.
        gae_lambda: 0 looks one step ahead, 1 to the point or the last step.

    Returns:
        [T] float64.

    Example:
        >>> generalized_advantages([0, 1], [0.5, 0.5, 9.0], [False, False], 0.5, 1.0).tolist()
        [0.0, 0.5]
    """
    reward_list = np.asarray(rewards, dtype=np.float64).tolist()
    value_list = np.asarray(value_estimates, dtype=np.float64).tolist()
    end_list = np.asarray(ends).tolist()
    advantages = np.empty(len(reward_list))
    running = 0.0
    for t in range(len(reward_list) - 1, -1, -1):
        if reward_list[t] != 0 or end_list[t]:
            running = reward_list[t] - value_list[t]
        else:
            running = discount * (value_list[t + 1] + gae_lambda * running) - value_list[t]
        advantages[t] = running
    return advantages


def prepare(
    parameters: Parameters, critic: Parameters, batch: Batch, config: PPOConfig
) -> tuple[SparseRows, Targets, float]:
    """Compute the inputs and targets of an update.

    Advantages are sums of errors of the values, so they inherit the values' noise. The critic's
    weights, averaged over the last updates, are less noisy, which lets the advantages look less far
    ahead (`gae_lambda`) than the returns that the values are fitted to (`value_lambda`). Two
    lambdas are the "decoupled GAE" of Y. Yue et al., "VAPO: efficient and reliable reinforcement
    learning for advanced reasoning tasks", arXiv:2504.05118, 2025.

    Args:
        parameters: weights that played the batch.
        critic: averaged weights that estimate the values.
        batch: a validated batch.
        config: the preset's values.

    Returns:
        The inputs of the N agent steps, their targets, and the explained variance of their returns.
    """
    parts = [trajectory.network_input(with_next=True) for trajectory in batch.trajectories]
    everything = SparseRows.concatenate(parts)
    _, hidden = forward(critic, everything, mirror=config.mirror)
    estimates = values(critic, hidden, mirror=config.mirror)
    raw, fitted, before, rows, start = [], [], [], [], 0
    for trajectory in batch.trajectories:
        stop = start + len(trajectory)
        own = estimates[start : stop + 1]
        advantages, value_advantages = (
            generalized_advantages(trajectory.rewards, own, trajectory.ends, config.discount, decay)
            for decay in (config.gae_lambda, config.value_lambda)
        )
        raw.append(advantages)
        fitted.append(value_advantages + own[:-1])
        before.append(own[:-1])
        rows.append(np.arange(start, stop))
        start = stop + 1
    inputs = everything.take(np.concatenate(rows))
    advantages, returns = np.concatenate(raw), np.concatenate(fitted)
    old = _noted_probabilities(batch)
    if old is None:
        old = softmax(forward(parameters, inputs, mirror=config.mirror)[0])
    actions = np.concatenate([trajectory.actions for trajectory in batch.trajectories])
    dtype = parameters["W1"].dtype
    standardized = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    targets = Targets(
        actions=actions.astype(np.int64),
        old_probabilities=old,
        advantages=standardized.astype(dtype),
        returns=returns.astype(dtype),
    )
    variance = float(returns.var())
    residual = float((returns - np.concatenate(before)).var())
    return inputs, targets, 1 - residual / variance if variance else 0.0


def _noted_probabilities(batch: Batch) -> Floats | None:
    """Return the actions' probabilities noted when the batch was played; None if one is missing."""
    noted = [one.probabilities for one in batch.trajectories if one.probabilities is not None]
    return np.concatenate(noted) if len(noted) == len(batch.trajectories) else None
