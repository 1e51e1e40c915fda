"""The notebook "Learning to Play Pong" of Ray's examples, step by step: dense, float64 and slow.

Tests compare the package with it; `scripts/benchmarks throughput` measures it. Two things differ
from the notebook: random numbers come from a generator that is passed in, and `reset` and `step`
follow Gymnasium.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
