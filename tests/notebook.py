"""The notebook's system restated step by step, dense and slow: the oracle of preset `reinforce`.

Differences from the notebook: the caller's frame is copied, random numbers come from generators
that are passed in, and `reset`/`step` follow Gymnasium.
"""

import numpy as np

D = 80 * 80
GAMMA = 0.99


def preprocess(frame):
    image = frame.copy()
    image = image[35:195]
    image = image[::2, ::2, 0]
    image[image == 144] = 0
    image[image == 109] = 0
    image[image != 0] = 1
    return image.astype(np.float64).ravel()


def process_rewards(rewards, gamma=GAMMA):
    discounted = np.zeros_like(rewards)
    running = 0
    for t in reversed(range(rewards.size)):
        if rewards[t] != 0:
            running = 0
        running = running * gamma + rewards[t]
        discounted[t] = running
    return discounted


class Model:
    def __init__(self, W1, W2):
        self.weights = {"W1": W1.copy(), "W2": W2.copy()}

    def policy_forward(self, x):
        h = np.dot(self.weights["W1"], x)
        h[h < 0] = 0
        logp = np.dot(self.weights["W2"], h)
        return 1.0 / (1.0 + np.exp(-logp)), h

    def policy_backward(self, eph, epx, epdlogp):
        dW2 = np.dot(eph.T, epdlogp).ravel()
        dh = np.outer(epdlogp, self.weights["W2"])
        dh[eph <= 0] = 0
        return {"W1": np.dot(dh.T, epx), "W2": dW2}

    def update(self, grad_buffer, cache, lr, decay):
        for k in self.weights:
            g = grad_buffer[k]
            cache[k] = decay * cache[k] + (1 - decay) * g**2
            self.weights[k] += lr * g / (np.sqrt(cache[k]) + 1e-5)


def rollout(model, env, env_seed, generator):
    observation, _ = env.reset(seed=env_seed)
    previous = None
    xs, hs, dlogps, rewards, actions = [], [], [], [], []
    done = False
    while not done:
        current = preprocess(observation)
        x = current - previous if previous is not None else np.zeros(D)
        previous = current
        aprob, h = model.policy_forward(x)
        action = 2 if generator.random() < aprob else 3
        xs.append(x)
        hs.append(h)
        y = 1 if action == 2 else 0
        dlogps.append(y - aprob)
        observation, reward, terminated, truncated, _ = env.step(action)
        done = terminated or truncated
        rewards.append(reward)
        actions.append(action)
    return xs, hs, dlogps, rewards, actions


def compute_gradient(model, xs, hs, dlogps, rewards):
    epx, eph = np.vstack(xs), np.vstack(hs)
    epdlogp, epr = np.vstack(dlogps), np.vstack(rewards)
    discounted = process_rewards(epr)
    discounted -= np.mean(discounted)
    discounted /= np.std(discounted)
    epdlogp *= discounted
    return model.policy_backward(eph, epx, epdlogp)
