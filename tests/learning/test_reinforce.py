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
from pong_agent.learning.reinforce import (
    Reinforce,
    episode_gradient,
    init_policy,
    policy_backward,
    policy_forward,
    rmsprop_ascent,
    sigmoid,
)
from pong_agent.learning.returns import discounted_returns, standardize
from pong_agent.seeding import Stream, generator
from pong_agent.vision.network_input import observe
from pong_agent.vision.pixels import lit_pixels

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
    algorithm = Reinforce(CONFIG)
    new, _, metrics = algorithm.update(
        parameters, algorithm.init_optimizer(parameters), Batch(trajectories)
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
    agent = PongAgent(replace(CONFIG, rmsprop_decay=1.0, rmsprop_epsilon=0.0))
    before = dict(agent.parameters)
    with np.errstate(all="ignore"), pytest.raises(LearningError, match=r"W[12]: .* not finite"):
        agent.learn_from_batch(Batch(trajectories))
    assert all(agent.parameters[name] is array for name, array in before.items())


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


def test_a_policy_is_drawn_as_in_the_notebook():
    """W1 then W2 are standard normal numbers over the root of their fan-in, in float64."""
    parameters = init_policy(np.random.default_rng(5), hidden_units=7)
    generator = np.random.default_rng(5)
    expected = generator.standard_normal((7, 6400)) / 80.0
    np.testing.assert_array_equal(parameters["W1"], expected)
    np.testing.assert_array_equal(parameters["W2"], generator.standard_normal(7) / np.sqrt(7))


def test_forward_and_backward_agree_with_the_dense_products(frames):
    """Probabilities, hidden states and gradients are those of dense matrix products."""
    lit = [lit_pixels(frame) for frame in frames]
    rows = observe("difference", lit[1:], lit[:-1])
    parameters = init_policy(np.random.default_rng(1), 200)
    up, hidden = policy_forward(parameters, rows)
    x = rows.toarray().astype(np.float64)
    h = np.maximum(x @ parameters["W1"].T, 0)
    np.testing.assert_allclose(hidden, h, rtol=0, atol=1e-13)
    np.testing.assert_allclose(up, sigmoid(h @ parameters["W2"]), rtol=0, atol=1e-13)
    assert 0 < (hidden == 0).mean() < 1
    at_logits = np.random.default_rng(2).standard_normal(len(rows))
    gradients = policy_backward(parameters, rows, hidden, at_logits)
    at_hidden = np.outer(at_logits, parameters["W2"]) * (h > 0)
    expected = {"W1": at_hidden.T @ x, "W2": at_logits @ h}
    assert set(gradients) == set(parameters)
    for name, gradient in gradients.items():
        assert gradient.shape == parameters[name].shape
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(gradient / scale, expected[name] / scale, atol=1e-13)


def test_sigmoid_neither_overflows_nor_loses_small_values():
    """Logits of any size give probabilities from 0 to 1, exact at the ends."""
    logits = np.array([-1000.0, -30.0, 0.0, 2.0, 1000.0])
    expected = [0.0, np.exp(-30) / (1 + np.exp(-30)), 0.5, 1 / (1 + np.exp(-2)), 1.0]
    np.testing.assert_allclose(sigmoid(logits), expected, rtol=1e-15)


def step(weight, gradient, mean_square):
    weights, mean_squares = rmsprop_ascent(
        np.array([weight]),
        np.array([gradient]),
        np.array([mean_square]),
        learning_rate=0.1,
        decay=0.75,
        epsilon=0.5,
    )
    return float(weights[0]), float(mean_squares[0])


def test_two_steps_worked_out_by_hand():
    """Two RMSProp steps give the numbers computed on paper."""
    # v = 0.25 * 2**2 = 1; w = 1 + 0.1 * 2 / (1 + 0.5)
    weight, mean_square = step(1.0, 2.0, 0.0)
    assert mean_square == 1.0
    assert weight == pytest.approx(1.0 + 0.2 / 1.5, rel=1e-15)
    # v = 0.75 * 1 + 0.25 * 25 = 7; w += 0.1 * (-5) / (sqrt(7) + 0.5), sqrt(7) = 2.6457513110645906
    weight, mean_square = step(weight, -5.0, mean_square)
    assert mean_square == 7.0
    assert weight == pytest.approx(1.0 + 0.2 / 1.5 - 0.5 / 3.1457513110645906, rel=1e-15)


def test_epsilon_stands_outside_the_root():
    """With a tiny gradient the step is learning_rate * g / epsilon, not / sqrt(epsilon)."""
    weight, _ = step(0.0, 1e-12, 0.0)
    assert weight == pytest.approx(0.1 * 1e-12 / 0.5, rel=1e-9)


def test_no_gradient_moves_nothing():
    """A zero gradient leaves the weight and lets the mean square decay."""
    assert step(3.0, 0.0, 1.0) == (3.0, 0.75)


def test_the_arguments_are_untouched():
    """The step makes new arrays; the old ones keep their values."""
    arrays = [np.array([value]) for value in (1.0, 2.0, 3.0)]
    rmsprop_ascent(*arrays, learning_rate=0.1, decay=0.9, epsilon=1e-5)
    assert [float(array[0]) for array in arrays] == [1.0, 2.0, 3.0]
