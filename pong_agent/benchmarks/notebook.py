"""The notebook's system restated step by step, dense and slow: an oracle, and a loop to measure.

Frames become dense float64 rows in place, each step's row is kept in a list, and the gradient of an
episode is computed where it was played. Differences from the notebook: random numbers come from
generators that are passed in, `reset` and `step` follow Gymnasium, and `train` hands episodes to
whichever of the workers is free, as the trainer does.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.config import AgentConfig, ReinforceConfig
from pong_agent.envs.make import make_env
from pong_agent.training.worker_pool import WorkerPool

Dense = NDArray[np.float64]
Weights = dict[str, Dense]
Episode = tuple[list[Dense], list[Dense], list[float], list[float]]

H = 200  # hidden units
D = 80 * 80  # pixels
GAMMA = 0.99


def preprocess(img: NDArray[np.uint8]) -> Dense:
    """Reduce a raw frame to [6400] zeros and ones, writing into the frame itself."""
    img = img[35:195]
    img = img[::2, ::2, 0]
    img[img == 144] = 0
    img[img == 109] = 0
    img[img != 0] = 1
    return img.astype(np.float64).ravel()


def process_rewards(rewards: Dense, gamma: float = GAMMA) -> Dense:
    """Discount the rewards of an episode from back to front, anew at each point."""
    discounted = np.zeros_like(rewards)
    running: Any = 0
    for t in reversed(range(rewards.size)):
        if rewards[t] != 0:
            running = 0
        running = running * gamma + rewards[t]
        discounted[t] = running
    return discounted


class Model:
    """The notebook's network.

    Args:
        W1: (200, 6400), first layer.
        W2: (200,), second layer.
    """

    def __init__(self, W1: Dense, W2: Dense) -> None:
        self.weights = {"W1": W1.copy(), "W2": W2.copy()}

    def policy_forward(self, x: Dense) -> tuple[float, Dense]:
        """Return the probability of action 2 (UP) and the [200] hidden states."""
        h = np.dot(self.weights["W1"], x)
        h[h < 0] = 0
        logp = np.dot(self.weights["W2"], h)
        return 1.0 / (1.0 + np.exp(-logp)), h

    def policy_backward(self, eph: Dense, epx: Dense, epdlogp: Dense) -> Weights:
        """Return the gradient from an episode's hidden states, inputs and weighted errors."""
        dW2 = np.dot(eph.T, epdlogp).ravel()
        dh = np.outer(epdlogp, self.weights["W2"])
        dh[eph <= 0] = 0
        return {"W1": np.dot(dh.T, epx), "W2": dW2}

    def update(self, grad_buffer: Weights, cache: Weights, lr: float, decay: float) -> None:
        """Apply summed gradients by RMSProp."""
        for k in self.weights:
            g = grad_buffer[k]
            cache[k] = decay * cache[k] + (1 - decay) * g**2
            self.weights[k] += lr * g / (np.sqrt(cache[k]) + 1e-5)


def rollout(
    model: Model, env: Any, generator: np.random.Generator, seed: int | None = None
) -> Episode:
    """Play one episode; return its inputs, hidden states, errors and rewards as lists."""
    observation, _ = env.reset(seed=seed)
    prev_x = None
    xs, hs, dlogps, drs = [], [], [], []
    done = False
    while not done:
        cur_x = preprocess(observation)
        x = cur_x - prev_x if prev_x is not None else np.zeros(D)
        prev_x = cur_x
        aprob, h = model.policy_forward(x)
        action = 2 if generator.uniform() < aprob else 3
        xs.append(x)
        hs.append(h)
        y = 1 if action == 2 else 0
        dlogps.append(y - aprob)
        observation, reward, terminated, truncated, _ = env.step(action)
        done = terminated or truncated
        drs.append(reward)
    return xs, hs, dlogps, drs


def compute_gradient(
    model: Model, xs: list[Dense], hs: list[Dense], dlogps: list[float], drs: list[float]
) -> Weights:
    """Return the gradient of one episode."""
    epx = np.vstack(xs)
    eph = np.vstack(hs)
    epdlogp = np.vstack(dlogps)
    epr = np.vstack(drs)
    discounted_epr = process_rewards(epr)
    discounted_epr -= np.mean(discounted_epr)
    discounted_epr /= np.std(discounted_epr)
    epdlogp *= discounted_epr
    return model.policy_backward(eph, epx, epdlogp)


class NotebookWorker:
    """The notebook's actor, made and called as the trainer's `RolloutWorker`.

    Args:
        config: names the environment.
    """

    def __init__(self, config: AgentConfig) -> None:
        self._env = make_env(config.env_id)

    def compute_gradient(
        self, weights: Mapping[str, Dense], seed: int
    ) -> tuple[Weights, float, int]:
        """Play an episode; return its gradient, its return and its number of decisions."""
        model = Model(weights["W1"], weights["W2"])
        xs, hs, dlogps, drs = rollout(model, self._env, np.random.default_rng(seed))
        return compute_gradient(model, xs, hs, dlogps, drs), sum(drs), len(drs)


def notebook_rate(config: ReinforceConfig, n_workers: int, seconds: float) -> float:
    """Train as the notebook does, with one process per worker; return decisions/s.

    The first update is not counted; the measurement ends with the first one after `seconds`.

    Args:
        config: names the environment, the step size and the number of episodes of an update.
        n_workers: processes.
        seconds: how long to measure at least.
    """
    pool = WorkerPool(NotebookWorker, config, n_workers)
    try:
        return _train(pool, config, seconds)
    finally:
        pool.close()


def _train(pool: WorkerPool, config: ReinforceConfig, seconds: float) -> float:
    generator = np.random.default_rng(0)
    W1 = generator.standard_normal((H, D)) / np.sqrt(D)
    model = Model(W1, generator.standard_normal(H) / np.sqrt(H))
    cache = {k: np.zeros_like(v) for k, v in model.weights.items()}
    update, decisions, started = 0, 0, time.perf_counter()
    while update < 2 or time.perf_counter() - started < seconds:
        if update == 1:
            decisions, started = 0, time.perf_counter()
        seeds = [update * config.episodes_per_update + i for i in range(config.episodes_per_update)]
        grad_buffer = {k: np.zeros_like(v) for k, v in model.weights.items()}
        sent = {k: v.copy() for k, v in model.weights.items()}  # `update` writes into the arrays
        for grad, _, steps in pool.map(NotebookWorker.compute_gradient, seeds, sent):
            for k in model.weights:
                grad_buffer[k] += grad[k]
            decisions += steps
        model.update(grad_buffer, cache, config.learning_rate, config.rmsprop_decay)
        update += 1
    return decisions / (time.perf_counter() - started)
