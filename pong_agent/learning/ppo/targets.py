"""What an update of preset `ppo` judges each agent step by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pong_agent.config import PPOConfig
from pong_agent.learning.batch import Batch
from pong_agent.learning.returns import generalized_advantages, live_steps
from pong_agent.network import Floats, Parameters, forward, log_softmax, values
from pong_agent.vision.network_input import SparseRows


@dataclass(frozen=True)
class Targets:
    """What each of N agent steps is judged by, fixed while an update lasts.

    Attributes:
        actions: [N] int64, which action was taken.
        old_probabilities: [N, A] of the actions under the policy before the update.
        advantages: [N] standardized over the batch.
        returns: [N] targets of the value estimates: an advantage plus the old value.
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


def prepare(
    parameters: Parameters, critic: Parameters, batch: Batch, config: PPOConfig
) -> tuple[SparseRows, Targets, float]:
    """Compute what an update learns from.

    The advantages are sums of errors of the values, so chance in the values is chance in them. The
    critic's weights, averaged over the last updates, carry less of it, which lets the advantages
    look less far ahead (`gae_lambda`) than the returns that the values are fitted to
    (`value_lambda`). Two lambdas are the "decoupled GAE" of Y. Yue et al., "VAPO: efficient and
    reliable reinforcement learning for advanced reasoning tasks", arXiv:2504.05118, 2025.

    Args:
        parameters: those that played the batch.
        critic: averaged ones that estimate the values.
        batch: a validated batch.
        config: the preset's values.

    Returns:
        The inputs of the N agent steps that are live (`returns.live_steps`), their targets, and the
        explained variance of their returns.
    """
    parts = [trajectory.network_input(with_next=True) for trajectory in batch.trajectories]
    everything = SparseRows.concatenate(parts)
    _, hidden = forward(critic, everything, mirror=config.mirror)
    estimates = values(critic, hidden, mirror=config.mirror)
    advantages: list[Floats] = []
    returns: list[Floats] = []
    before, rows, live, start = [], [], [], 0
    for trajectory in batch.trajectories:
        length = len(trajectory)
        own = estimates[start : start + length + 1]
        for estimated, decay in (
            (advantages, config.gae_lambda),
            (returns, config.value_lambda),
        ):
            estimated.append(
                generalized_advantages(
                    trajectory.rewards, own, trajectory.ends, config.discount, decay
                )
            )
        returns[-1] += own[:-1]
        before.append(own[:-1])
        rows.append(np.arange(start, start + length))
        start += length + 1
        live.append(
            live_steps(
                trajectory.rewards,
                trajectory.ends,
                config.dead_steps,
                starts_episode=trajectory.steps_before == 0,
            )
        )
    kept = np.flatnonzero(np.concatenate(live))
    if not len(kept):  # a batch without a rally: learn from all of it
        kept = np.arange(batch.n_steps)
    index = np.concatenate(rows)[kept]
    raw, old_values = np.concatenate(advantages)[kept], np.concatenate(before)[kept]
    actions = np.concatenate([trajectory.actions for trajectory in batch.trajectories])[kept]
    fitted = np.concatenate(returns)[kept]
    old = _noted_probabilities(batch)
    if old is None:
        logits, _ = forward(parameters, everything.take(np.concatenate(rows)), mirror=config.mirror)
        old = np.exp(log_softmax(logits))
    dtype = parameters["W1"].dtype
    targets = Targets(
        actions=actions.astype(np.int64),
        old_probabilities=old[kept],
        advantages=((raw - raw.mean()) / (raw.std() + 1e-8)).astype(dtype),
        returns=fitted.astype(dtype),
    )
    variance = float(fitted.var())
    explained = 1 - float((fitted - old_values).var()) / variance if variance else 0.0
    return everything.take(index), targets, explained


def _noted_probabilities(batch: Batch) -> Floats | None:
    """Return the actions' probabilities as they were when the batch was played."""
    noted = [one.probabilities for one in batch.trajectories if one.probabilities is not None]
    return np.concatenate(noted) if len(noted) == len(batch.trajectories) else None
