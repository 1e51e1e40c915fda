import math
from dataclasses import replace

import notebook_oracle as notebook
import numpy as np
import pytest
import toy

from pong_agent import (
    PRESETS,
    Batch,
    BatchError,
    LearningError,
    PongAgent,
    make_env,
    rollout,
)
from pong_agent.learning.reinforce import episode_gradient, init_optimizer, update
from pong_agent.learning.returns import discounted_returns, standardize
from pong_agent.seeding import Stream, generator

CONFIG = PRESETS["reinforce"]


def objective(weights, x, actions, advantages):
    """Sum of adv_t * log pi(a_t | x_t), written for dense inputs and summed without rounding."""
    logits = np.maximum(x @ weights["W1"].T, 0) @ weights["W2"]
    log_up, log_down = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    return math.fsum(advantages * np.where(actions == 1, log_up, log_down))


@pytest.mark.parametrize("layer", ["W1", "W2"])
def test_the_gradient_agrees_with_central_differences(layer):
    """200 coordinates of each layer, relative error below 1e-6, in float64 on real frames."""
    env = make_env("ALE/Pong-v5", max_num_frames_per_episode=1200)
    agent = PongAgent("reinforce", seed=4)
    [trajectory] = rollout(agent, [env], [0])
    env.close()
    gradient, _ = episode_gradient(dict(agent.parameters), trajectory, CONFIG.discount)

    dense = trajectory.network_input().toarray().astype(np.float64)
    pixels = np.flatnonzero(dense.any(axis=0))  # the others' columns of W1 do not matter
    weights = {"W1": agent.parameters["W1"][:, pixels], "W2": agent.parameters["W2"]}
    analytic = {"W1": gradient["W1"][:, pixels], "W2": gradient["W2"]}[layer]
    advantages = standardize(discounted_returns(trajectory.rewards, CONFIG.discount))

    coordinates = np.argwhere(np.abs(analytic) > 1e-3)
    np.random.default_rng(0).shuffle(coordinates)
    assert len(coordinates) >= 200
    errors, epsilon = [], 1e-5
    for coordinate in map(tuple, coordinates[:200]):
        values = []
        for sign in (1, -1):
            moved = weights | {layer: weights[layer].copy()}
            moved[layer][coordinate] += sign * epsilon
            values.append(objective(moved, dense[:, pixels], trajectory.actions, advantages))
        numeric = (values[0] - values[1]) / (2 * epsilon)
        errors.append(abs(numeric / analytic[coordinate] - 1))
    assert max(errors) < 1e-6


def test_pixels_that_are_never_lit_have_no_gradient(trajectories):
    """The gradient of W1 is exactly zero outside the pixels that changed in the episode."""
    trajectory = trajectories[0]
    parameters = dict(PongAgent("reinforce", seed=4).parameters)
    gradient, _ = episode_gradient(parameters, trajectory, CONFIG.discount)
    touched = np.zeros(6400, dtype=bool)
    touched[trajectory.network_input().indices] = True
    assert not gradient["W1"][:, ~touched].any()
    assert gradient["W1"][:, touched].any(axis=0).mean() > 0.9


def test_two_updates_equal_the_notebooks():
    """Episodes, gradients and weights after two updates are those of the restated notebook."""
    agent = PongAgent(replace(CONFIG, learning_rate=1e-3), seed=1)
    model = notebook.Model(agent.parameters["W1"], agent.parameters["W2"])
    cache = {name: np.zeros_like(weights) for name, weights in model.weights.items()}
    env = make_env("Pong-v0", max_num_frames_per_episode=1500)
    for seeds in ([0, 1], [2, 3]):
        played = [rollout(agent, [env], [seed])[0] for seed in seeds]
        buffer = {name: np.zeros_like(weights) for name, weights in model.weights.items()}
        for seed, trajectory in zip(seeds, played, strict=True):
            episode = notebook.rollout(model, env, generator(seed, Stream.EPISODE_ACTIONS), seed)
            assert ((np.array(episode[2]) > 0) == (trajectory.actions == 1)).all()
            assert trajectory.rewards.tolist() == episode[-1]
            for name, gradient in notebook.compute_gradient(model, *episode).items():
                buffer[name] += gradient
        model.update(buffer, cache, lr=1e-3, decay=0.99)
        agent.learn_from_batch(Batch(played))
        for name, weights in model.weights.items():
            np.testing.assert_allclose(agent.parameters[name], weights, rtol=0, atol=1e-11)
    env.close()
    assert (
        np.abs(agent.parameters["W2"] - PongAgent("reinforce", seed=1).parameters["W2"]).max()
        > 1e-3
    )


def test_gradients_are_summed_over_the_batch(trajectories):
    """From zero mean squares, a batch moves the weights as the sum of its gradients says."""
    parameters = dict(PongAgent("reinforce", seed=0).parameters)
    new, _, metrics = update(
        parameters, init_optimizer(parameters, CONFIG), Batch(trajectories), CONFIG
    )
    total = sum(
        episode_gradient(parameters, trajectory, CONFIG.discount)[0]["W2"]
        for trajectory in trajectories
    )
    expected = 1e-4 * total / (np.sqrt(0.01 * total**2) + 1e-5)
    np.testing.assert_allclose(new["W2"] - parameters["W2"], expected, rtol=1e-6)
    assert 0.6 < -metrics["entropy_loss"] <= np.log(2)


def test_an_update_that_overflows_is_refused(trajectories):
    """Weights that would become infinite raise LearningError."""
    parameters = dict(PongAgent("reinforce", seed=0).parameters)
    huge = replace(CONFIG, rmsprop_decay=1.0, rmsprop_epsilon=0.0)
    with np.errstate(all="ignore"), pytest.raises(LearningError, match=r"W[12]: .* not finite"):
        update(parameters, init_optimizer(parameters, CONFIG), Batch(trajectories), huge)


def test_a_fragment_is_refused(trajectories):
    """Returns are standardized over whole episodes: anything else is refused by name."""
    ends = trajectories[0].ends.copy()
    ends[-1] = False
    fragment = replace(trajectories[0], ends=ends)
    with pytest.raises(BatchError, match=r"trajectories\[1\]\.ends: expected one whole episode"):
        PongAgent("reinforce").learn_from_batch(Batch([trajectories[1], fragment]))


def test_a_toy_game_is_learned():
    """From a coin's score the agent comes to win nearly every step of `toy.UpOrDown`."""
    agent = PongAgent(replace(CONFIG, learning_rate=1e-3), seed=0)
    environments = [toy.UpOrDown() for _ in range(8)]

    def play(first_seed):
        played = rollout(agent, environments, range(first_seed, first_seed + 8))
        return Batch(played), np.mean([trajectory.episode_return for trajectory in played])

    _, before = play(0)
    assert abs(before) < 15  # of 50, a coin's
    for number in range(40):
        agent.learn_from_batch(play(100 + 8 * number)[0])
    _, after = play(0)
    assert after > 42  # where the ball stays in its row, one step in 16, nothing can be seen
