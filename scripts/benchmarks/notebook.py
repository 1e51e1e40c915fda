"""The notebook's own training loop: its workers compute gradients where they play."""

import time
from collections.abc import Mapping

import notebook_oracle as oracle
import numpy as np

from pong_agent.config import AgentConfig, ReinforceConfig
from pong_agent.envs.make import make_env
from pong_agent.training.ray_collector import RayCollector


class NotebookWorker:
    """The notebook's actor.

    Args:
        config: names the environment.
    """

    def __init__(self, config: AgentConfig) -> None:
        self._env = make_env(config.env_id)

    def compute_gradient(
        self, weights: Mapping[str, oracle.Dense], seed: int
    ) -> tuple[oracle.Weights, float, int]:
        """Play an episode; return its gradient, its return and its number of decisions."""
        model = oracle.Model(weights["W1"], weights["W2"])
        xs, hs, dlogps, drs = oracle.rollout(model, self._env, np.random.default_rng(seed))
        return oracle.compute_gradient(model, xs, hs, dlogps, drs), sum(drs), len(drs)


def notebook_rate(config: ReinforceConfig, n_workers: int, seconds: float) -> float:
    """Train as the notebook does and return decisions/s.

    Episodes go to whichever worker is free. The first update does not count; the measurement ends
    with the first update after `seconds`.

    Args:
        config: environment, step size and episodes per update.
        n_workers: Ray actors.
        seconds: least duration of the measurement.
    """
    collector = RayCollector(config, n_workers, worker_class=NotebookWorker)
    try:
        return _train(collector, config, seconds)
    finally:
        collector.close()


def _train(collector: RayCollector, config: ReinforceConfig, seconds: float) -> float:
    generator = np.random.default_rng(0)
    W1 = generator.standard_normal((oracle.H, oracle.D)) / np.sqrt(oracle.D)
    model = oracle.Model(W1, generator.standard_normal(oracle.H) / np.sqrt(oracle.H))
    cache = {k: np.zeros_like(v) for k, v in model.weights.items()}
    n_episodes = config.episodes_per_update
    update, decisions, started = 0, 0, time.perf_counter()
    while update < 2 or time.perf_counter() - started < seconds:
        if update == 1:
            decisions, started = 0, time.perf_counter()
        seeds = range(update * n_episodes, (update + 1) * n_episodes)
        grad_buffer = {k: np.zeros_like(v) for k, v in model.weights.items()}
        sent = {k: v.copy() for k, v in model.weights.items()}  # `update` writes into the arrays
        for grad, _, steps in collector.map(NotebookWorker.compute_gradient, seeds, sent):
            for k in model.weights:
                grad_buffer[k] += grad[k]
            decisions += steps
        model.update(grad_buffer, cache, config.learning_rate, config.rmsprop_decay)
        update += 1
    return decisions / (time.perf_counter() - started)
