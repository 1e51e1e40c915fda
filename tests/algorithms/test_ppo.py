import math
from dataclasses import replace

import numpy as np
import pytest
import toy

from pong_agent import DOWN, PRESETS, STAY, UP, Batch, PongAgent, PPOConfig, make_env, rollout
from pong_agent.algorithms.ppo import (
    adapted,
    averaged,
    clip_norm,
    divergence,
    init_optimizer,
    init_parameters,
    loss_and_gradient,
    prepare,
    update,
    update_averages,
)
from pong_agent.algorithms.returns import generalized_advantages
from pong_agent.network import action_probabilities, forward, values

CONFIG = PPOConfig()


@pytest.fixture(scope="module")
def batch():
    """Two real fragments of 100 steps, played by the agent of seed 4."""
    env = make_env("ALE/Pong-v5", max_num_frames_per_episode=400)
    agent = PongAgent("ppo", seed=4, env=env)
    played = [rollout(agent, [env], [seed])[0] for seed in (0, 1)]
    env.close()
    return Batch(played)


def in_float64(parameters):
    return {name: array.astype(np.float64) for name, array in parameters.items()}


def dense_loss(weights, pictures, targets, config):
    """The PPO loss, written for dense pictures and their mirror images, summed exactly."""
    hidden = [np.maximum(x @ weights["W1"].T, 0) for x in pictures]
    heads = [weights["W2"], weights["W2"][[UP, DOWN, STAY]]]  # upright, upside down
    logits = sum(h @ head.T for h, head in zip(hidden, heads, strict=False))
    estimates = sum(h @ weights["Wv"] for h in hidden) + weights["bv"][0]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = np.arange(len(p))
    ratio = p[rows, targets.actions] / targets.old_probabilities[rows, targets.actions]
    limited = np.minimum(np.maximum(ratio, 1 - config.clip_range), 1 + config.clip_range)
    gain = np.minimum(ratio * targets.advantages, limited * targets.advantages)
    entropy = -(p * np.log(p)).sum(axis=1)
    errors = (estimates - targets.returns) ** 2 / 2
    terms = -gain - config.entropy_coefficient * entropy + config.value_coefficient * errors
    return math.fsum(terms) / len(terms)


@pytest.mark.parametrize("mirror", [True, False])
def test_the_gradient_agrees_with_central_differences(batch, mirror):
    """200 coordinates of W1 and nearly all others, error below 1e-6, through the whole loss."""
    config = replace(
        CONFIG, hidden_units=40, mirror=mirror, entropy_coefficient=0.5, first_layer_scale=0.4
    )
    parameters = in_float64(init_parameters(config, np.random.default_rng(4)))
    inputs, targets, _ = prepare(parameters, parameters, batch, config)
    # As in a later epoch: the policy has moved, here and there beyond the clip range.
    generator = np.random.default_rng(0)
    old = targets.old_probabilities * generator.uniform(0.6, 1.4, (len(inputs), 3))
    old /= old.sum(axis=1, keepdims=True)
    targets = replace(targets, old_probabilities=old)
    statistics, gradients = loss_and_gradient(parameters, inputs, targets, config)
    pictures = [inputs.toarray(), inputs.flipped().toarray()][: 1 + mirror]
    lit = np.flatnonzero(np.any(pictures, axis=(0, 1)))  # the others' columns do not matter
    pictures = [picture[:, lit].astype(np.float64) for picture in pictures]
    parameters, gradients = (
        arrays | {"W1": arrays["W1"][:, lit]} for arrays in (parameters, gradients)
    )
    assert 0.05 < statistics["clip_fraction"] < 0.95
    assert statistics["loss"] == pytest.approx(dense_loss(parameters, pictures, targets, config))

    errors, epsilon = [], 1e-5
    for name, gradient in gradients.items():
        coordinates = np.argwhere(np.abs(gradient) > 0.02 * np.abs(gradient).max())
        generator.shuffle(coordinates)
        assert len(coordinates) >= {"W1": 200, "bv": 1}.get(name, 15)
        for coordinate in map(tuple, coordinates[:200]):
            differences = []
            for sign in (1, -1):
                moved = parameters | {name: parameters[name].copy()}
                moved[name][coordinate] += sign * epsilon
                differences.append(sign * dense_loss(moved, pictures, targets, config))
            numeric = math.fsum(differences) / (2 * epsilon)
            errors.append(abs(numeric / gradient[coordinate] - 1))
    assert max(errors) < 1e-6


@pytest.mark.parametrize("dead_steps", [0, 15])
def test_what_an_update_learns_from_is_gae_over_the_batch(batch, dead_steps):
    """Each fragment has its own GAE by the critic's values; dead steps can be left out."""
    parameters = init_parameters(CONFIG, np.random.default_rng(0))
    critic = init_parameters(CONFIG, np.random.default_rng(1))
    config = replace(CONFIG, dead_steps=dead_steps)
    inputs, targets, explained = prepare(parameters, critic, batch, config)
    advantages, returns, old, live = [], [], [], []
    for trajectory in batch.trajectories:
        rows = trajectory.network_input(with_next=True)
        logits, _ = forward(parameters, rows, mirror=True)
        old.append(action_probabilities(logits[:-1]))
        _, hidden = forward(critic, rows, mirror=True)
        estimates = values(critic, hidden, mirror=True)
        known = (trajectory.rewards, estimates, trajectory.ends)
        advantages += generalized_advantages(*known, 0.995, 0.9).tolist()
        returns += (generalized_advantages(*known, 0.995, 0.95) + estimates[:-1]).tolist()
        since = 0  # the episode's start, then each point, with 15 steps to the serve
        for reward in trajectory.rewards:
            live.append(since >= dead_steps)
            since = 0 if reward else since + 1
    advantages, returns = np.array(advantages)[live], np.array(returns)[live]
    expected = (advantages - np.mean(advantages)) / np.std(advantages)
    np.testing.assert_allclose(targets.advantages, expected, atol=1e-5)
    np.testing.assert_allclose(targets.returns, returns, atol=1e-6)
    np.testing.assert_allclose(targets.old_probabilities, np.concatenate(old)[live], atol=1e-6)
    assert len(inputs) == sum(live)
    assert all(live) == (dead_steps == 0)
    assert explained < 0.2  # nothing is learned yet


def test_an_update_leaves_its_arguments_untouched(batch):
    """New arrays come out; those that went in keep their values, and the same call repeats."""
    parameters = init_parameters(CONFIG, np.random.default_rng(0))
    state = init_optimizer(parameters, CONFIG)
    before = {name: array.copy() for name, array in {**parameters, **state}.items()}
    results = [update(parameters, state, batch, CONFIG, np.random.default_rng(5)) for _ in range(2)]
    for name, array in {**parameters, **state}.items():
        np.testing.assert_array_equal(array, before[name])
    (first, first_state, metrics), (second, second_state, again) = results
    assert metrics == again
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
        assert not np.array_equal(first[name], parameters[name])
    assert first_state["step"] == second_state["step"] == CONFIG.epochs * CONFIG.minibatches
    assert first_state["agent_steps"] == batch.n_steps


def test_the_averages_forget_old_weights():
    """At first they are plain means of the updates' weights, later the newest ones weigh more."""
    config = replace(CONFIG, averaging_steps=300, critic_averaging_steps=200)
    state = {"agent_steps": np.zeros(1), "average/w": np.array([7.0]), "critic/w": np.array([7.0])}
    expected = [(1.0, 1.0), (1.5, 1.5), (2.0, 2.25), (2.0 + (6.0 - 2.0) / 3, 4.125)]
    for weight, means in zip([1.0, 2.0, 3.0, 6.0], expected, strict=True):
        state["agent_steps"] += 100
        update_averages({"w": np.array([weight])}, state, 100, config)
        found = (averaged({"w": None}, state)["w"][0], state["critic/w"][0])
        assert found == pytest.approx(means)


def test_an_agent_can_play_with_averaged_weights(batch):
    """`averaged` acts with the mean after two updates; the agent itself stays as it was."""
    agent = PongAgent("ppo", seed=4)
    learned = []
    for _ in range(2):
        agent.learn_from_batch(batch)
        learned.append({name: array.copy() for name, array in agent.parameters.items()})
    player = agent.averaged()
    for name, array in player.parameters.items():
        np.testing.assert_allclose(array, (learned[0][name] + learned[1][name]) / 2, atol=1e-6)
        np.testing.assert_array_equal(agent.parameters[name], learned[1][name])
    notebook = PongAgent("reinforce")
    assert notebook.averaged().parameters["W2"] is notebook.parameters["W2"]


@pytest.mark.parametrize(
    ("kl", "expected"),
    [(0.0, 1.5e-3), (0.0049, 1.5e-3), (0.0051, 1e-3), (0.0199, 1e-3), (0.0201, 1e-3 / 1.5)],
)
def test_the_step_size_follows_the_policys_change(kl, expected):
    """Below half the target it grows, above twice the target it shrinks, by one factor."""
    assert adapted(1e-3, kl, CONFIG) == pytest.approx(expected)


def test_the_step_size_stays_within_its_bounds():
    """It neither grows above the upper bound nor shrinks below the lower one."""
    assert adapted(CONFIG.max_learning_rate, 0.0, CONFIG) == CONFIG.max_learning_rate
    assert adapted(CONFIG.min_learning_rate, 1.0, CONFIG) == CONFIG.min_learning_rate


def test_large_gradients_are_scaled_down_together():
    """The common norm becomes the largest allowed one; smaller gradients stay."""
    gradients = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert clip_norm(gradients, 10.0) == 5.0
    assert gradients["a"][0] == 3.0
    assert clip_norm(gradients, 0.5) == 5.0
    np.testing.assert_allclose([gradients["a"][0], gradients["b"][0, 0]], [0.3, 0.4])


def test_divergence_of_two_dice():
    """It is 0 for equal dice, and the textbook value for others."""
    old = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    expected = [0.0, 0.25 * np.log(0.5) + 0.75 * np.log(1.5), np.log(2)]
    np.testing.assert_allclose(divergence(old, np.log(np.full((3, 2), 0.5))), expected, atol=1e-15)


def test_a_toy_game_is_learned():
    """From a die's score the agent comes to win nearly every step of `toy.UpOrDown`."""
    agent = PongAgent(PRESETS["ppo"], seed=0)
    environments = [toy.UpOrDown() for _ in range(8)]

    def play(first_seed):
        played = rollout(agent, environments, range(first_seed, first_seed + 8))
        return Batch(played), np.mean([trajectory.episode_return for trajectory in played])

    _, before = play(0)
    assert abs(before + 50 / 3) < 10
    for number in range(25):
        agent.learn_from_batch(play(100 + 8 * number)[0])
    _, after = play(0)
    assert after > 45
