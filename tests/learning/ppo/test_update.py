import math
from dataclasses import replace

import numpy as np
import pytest
import toy

from pong_agent import (
    DOWN,
    PRESETS,
    STAY,
    UP,
    Batch,
    LearningError,
    PongAgent,
    PPOConfig,
    make_env,
    rollout,
)
from pong_agent.learning.ppo.loss import clip_norm, divergence, loss_and_gradient
from pong_agent.learning.ppo.multiresolution import add_spread, pool
from pong_agent.learning.ppo.network import init_parameters, outputs, values
from pong_agent.learning.ppo.sparse_first_layer import lit_rows
from pong_agent.learning.ppo.targets import generalized_advantages, prepare
from pong_agent.learning.ppo.update import PPO, adapted, updated_averages
from pong_agent.network import forward, softmax

CONFIG = PPOConfig(stay_logit=-0.5)  # so that the third action is taken often


@pytest.fixture(scope="module")
def batch():
    """Two real fragments of 100 steps, played by the agent of seed 4."""
    env = make_env("ALE/Pong-v5", max_num_frames_per_episode=400)
    agent = PongAgent(CONFIG, seed=4, env=env)
    played = [rollout(agent, [env], [seed])[0] for seed in (0, 1)]
    env.close()
    return Batch(played)


def in_float64(parameters):
    return {name: array.astype(np.float64) for name, array in parameters.items()}


def dense_outputs(weights, views):
    """Probabilities and values, written for dense views and their mirror images."""
    hidden = [np.maximum(x @ weights["W1"].T, 0) for x in views]
    heads = [weights["W2"], weights["W2"][[UP, DOWN, STAY]]]  # upright, upside down
    logits = sum(h @ head.T for h, head in zip(hidden, heads, strict=False)) + weights["b2"]
    estimates = sum(h @ weights["Wv"] for h in hidden) + weights["bv"][0]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), estimates


def dense_loss(weights, views, targets, config):
    """The PPO loss, summed exactly."""
    p, estimates = dense_outputs(weights, views)
    rows = np.arange(len(p))
    ratio = p[rows, targets.actions] / targets.old_probabilities[rows, targets.actions]
    limited = np.minimum(np.maximum(ratio, 1 - config.clip_range), 1 + config.clip_range)
    gain = np.minimum(ratio * targets.advantages, limited * targets.advantages)
    entropy = -(p * np.log(p)).sum(axis=1)
    errors = (estimates - targets.returns) ** 2 / 2
    terms = -gain - config.entropy_coefficient * entropy + config.value_coefficient * errors
    return math.fsum(terms) / len(terms)


def assert_statistics_as_stable_baselines3(statistics, weights, views, targets, config):
    """Its formulas; of its estimator of the divergence, the expectation over the old actions."""
    p, _ = dense_outputs(weights, views)
    rows, old = np.arange(len(p)), targets.old_probabilities
    ratios = p / old
    ratio = ratios[rows, targets.actions]
    beyond = np.abs(ratio - 1) > config.clip_range
    assert statistics["clip_fraction"] == pytest.approx(beyond.mean())
    approx_kl = (old * ((ratios - 1) - np.log(ratios))).sum(axis=1).mean()
    assert statistics["approx_kl"] == pytest.approx(approx_kl)
    entropy_loss = (p * np.log(p)).sum(axis=1).mean()
    assert statistics["entropy_loss"] == pytest.approx(entropy_loss)


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
    lit = lit_rows(inputs, mirror=mirror)
    views = np.split(inputs.with_flipped().toarray(), 2)[: 1 + mirror]
    views = [view[:, lit.columns].astype(np.float64) for view in views]
    parameters |= {"W1": parameters["W1"][:, lit.columns]}
    statistics, gradients = loss_and_gradient(parameters, lit, targets, config)
    assert 0.05 < statistics["clip_fraction"] < 0.95
    assert_statistics_as_stable_baselines3(statistics, parameters, views, targets, config)
    assert statistics["loss"] == pytest.approx(dense_loss(parameters, views, targets, config))

    errors, epsilon = [], 1e-5
    assert not gradients.pop("b2").any()  # a schedule moves it
    for name, gradient in gradients.items():
        coordinates = np.argwhere(np.abs(gradient) > 0.02 * np.abs(gradient).max())
        generator.shuffle(coordinates)
        assert len(coordinates) >= {"W1": 200, "bv": 1}.get(name, 15)
        for coordinate in map(tuple, coordinates[:200]):
            differences = []
            for sign in (1, -1):
                moved = parameters | {name: parameters[name].copy()}
                moved[name][coordinate] += sign * epsilon
                differences.append(sign * dense_loss(moved, views, targets, config))
            numeric = math.fsum(differences) / (2 * epsilon)
            errors.append(abs(numeric / gradient[coordinate] - 1))
    assert max(errors) < 1e-6


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("n_actions", [2, 3])
def test_outputs_are_those_that_the_agent_plays_with(batch, mirror, n_actions):
    """Logits and values of an update are the network's, within rounding, for any preset."""
    config = replace(CONFIG, mirror=mirror, n_actions=n_actions, first_layer_scale=0.4)
    parameters = init_parameters(config, np.random.default_rng(4))
    parameters["bv"] += 0.5
    inputs = batch.trajectories[0].network_input()
    lit = lit_rows(inputs, mirror=mirror)
    logits, hidden = forward(parameters, inputs, mirror=mirror)
    found = np.maximum(lit.times(parameters["W1"][:, lit.columns]), 0)
    np.testing.assert_allclose(found, hidden, atol=5e-6)
    found = outputs(parameters, found, mirror=mirror)
    np.testing.assert_allclose(found[:, :-1], logits, atol=5e-6)
    estimates = values(parameters, hidden, mirror=mirror)
    np.testing.assert_allclose(found[:, -1], estimates, atol=5e-6)


def plain_gradient(weights, views, targets, config):
    """The gradient of `dense_loss`, for all columns of W1, by dense matrix products."""
    hidden = [np.maximum(x @ weights["W1"].T, 0) for x in views]
    turn = [UP, DOWN, STAY][: config.n_actions]
    heads = [weights["W2"], weights["W2"][turn]][: len(views)]
    logits = sum(h @ head.T for h, head in zip(hidden, heads, strict=True)) + weights["b2"]
    errors = sum(h @ weights["Wv"] for h in hidden) + weights["bv"] - targets.returns
    n, p = len(logits), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    taken = np.eye(config.n_actions)[targets.actions]
    ratio = (p * taken).sum(axis=1) / (targets.old_probabilities * taken).sum(axis=1)
    limited = np.clip(ratio, 1 - config.clip_range, 1 + config.clip_range)
    flat = limited * targets.advantages < ratio * targets.advantages
    gains = np.where(flat, 0, ratio * targets.advantages)[:, np.newaxis] * (p - taken)
    entropy = -(p * np.log(p)).sum(axis=1, keepdims=True)
    at_logits = (gains + config.entropy_coefficient * p * (np.log(p) + entropy)) / n
    at_values = config.value_coefficient * errors / n
    gradient = {name: np.zeros_like(array) for name, array in weights.items()}
    gradient["bv"] += at_values.sum()
    for x, h, head, back in zip(
        views, hidden, heads, [slice(None), turn][: len(views)], strict=True
    ):
        gradient["W1"] += ((at_logits @ head + np.outer(at_values, weights["Wv"])) * (h > 0)).T @ x
        gradient["W2"] += (at_logits.T @ h)[back]
        gradient["Wv"] += at_values @ h
    return gradient


def plain_update(parameters, state, batch, config, generator):
    """`update` of the weights, without any of its shortcuts: all columns in every step."""
    critic = {name: state[f"critic/{name}"] for name in parameters}
    inputs, targets, _ = prepare(parameters, critic, batch, config)
    views = np.split(inputs.with_flipped().toarray(), 2)[: 1 + config.mirror]
    weights, rate = dict(parameters), state["learning_rate"][0]
    moments = {name: array for name, array in state.items() if name[:4] in ("mean", "squa")}
    names = [f"W1/{block}" for block in config.first_layer_blocks]
    step = state["step"][0]
    for _ in range(config.epochs):
        order = generator.permutation(len(inputs))
        for rows in np.array_split(order, min(config.minibatches, len(inputs))):
            some = [view[rows].astype(np.float64) for view in views]
            gradient = plain_gradient(weights, some, targets.take(rows), config)
            norm = np.sqrt(sum(np.square(array).sum() for array in gradient.values()))
            gradient = {k: a * min(1, config.max_grad_norm / norm) for k, a in gradient.items()}
            whole = np.asfortranarray(gradient["W1"])
            gradient |= zip(names, pool(whole, config.first_layer_blocks), strict=True)
            step, steps = step + 1, {}
            for name, g in gradient.items():
                m = config.adam_beta1 * moments[f"mean/{name}"] + (1 - config.adam_beta1) * g
                v = config.adam_beta2 * moments[f"square/{name}"] + (1 - config.adam_beta2) * g**2
                moments |= {f"mean/{name}": m, f"square/{name}": v}
                root = np.sqrt(v / (1 - config.adam_beta2**step))
                steps[name] = (
                    -rate * m / (1 - config.adam_beta1**step) / (root + config.adam_epsilon)
                )
            weights = {name: array + steps[name] for name, array in weights.items()}
            W1 = np.asfortranarray(weights["W1"])
            coarse = [np.asfortranarray(steps[name]) for name in names]
            add_spread(W1, coarse, config.first_layer_blocks)
            weights["W1"] = W1
    return weights, moments


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mirror": False, "first_layer_blocks": ()},
        {"first_layer_blocks": (2, 80), "minibatches": 3},
    ],
)
def test_updates_are_those_made_on_all_pixels(batch, options):
    """Two updates in float64, by other pixels, equal those with every column in every step."""
    config = replace(CONFIG, hidden_units=8, first_layer_scale=0.4, epochs=2, **options)
    parameters = in_float64(init_parameters(config, np.random.default_rng(4)))
    start, state = parameters["W1"], PPO(config).init_optimizer(parameters)
    lit = []
    for trajectory in batch.trajectories:
        own = Batch([trajectory])
        lit.append(lit_rows(trajectory.network_input(), mirror=config.mirror).columns)
        expected, moments = plain_update(parameters, state, own, config, np.random.default_rng(1))
        parameters, state, _ = PPO(config).update(parameters, state, own, np.random.default_rng(1))
        for name, array in expected.items():
            np.testing.assert_allclose(parameters[name], array, rtol=0, atol=1e-8)
        for name, array in moments.items():
            np.testing.assert_allclose(state[name], array, rtol=1e-6, atol=1e-12)
    first, second = lit
    assert len(np.setdiff1d(second, first)) > 50
    assert len(np.setdiff1d(first, second)) > 50
    never = np.setdiff1d(np.arange(12800), np.concatenate(lit))
    moved = np.abs(parameters["W1"] - start)[:, never].max()
    assert (moved > 1e-4) == bool(config.first_layer_blocks)


def test_an_update_that_is_not_finite_is_refused(batch):
    """Weights that would become infinite raise LearningError, and nothing has changed."""
    agent = PongAgent(CONFIG)
    agent.set_parameters({**agent.parameters, "Wv": np.full(100, 1e30, np.float32)})
    before = agent.parameters, agent.progress
    with np.errstate(all="ignore"), pytest.raises(LearningError, match="not finite"):
        agent.learn_from_batch(batch)
    assert (agent.parameters, agent.progress) == before


def test_what_an_update_learns_from_is_gae_over_the_batch(batch):
    """Each fragment has its own GAE by the critic's values."""
    parameters = init_parameters(CONFIG, np.random.default_rng(0))
    critic = init_parameters(CONFIG, np.random.default_rng(1))
    inputs, targets, explained = prepare(parameters, critic, batch, CONFIG)
    advantages, returns, old = [], [], []
    for trajectory in batch.trajectories:
        rows = trajectory.network_input(with_next=True)
        logits, _ = forward(parameters, rows, mirror=True)
        old.append(softmax(logits[:-1]))
        _, hidden = forward(critic, rows, mirror=True)
        estimates = values(critic, hidden, mirror=True)
        known = (trajectory.rewards, estimates, trajectory.ends)
        advantages += generalized_advantages(*known, 0.995, 0.9).tolist()
        returns += (generalized_advantages(*known, 0.995, 0.95) + estimates[:-1]).tolist()
    expected = (advantages - np.mean(advantages)) / np.std(advantages)
    np.testing.assert_allclose(targets.advantages, expected, atol=1e-5)
    np.testing.assert_allclose(targets.returns, returns, atol=1e-6)
    np.testing.assert_allclose(targets.old_probabilities, np.concatenate(old), atol=1e-6)
    assert len(inputs) == batch.n_steps
    assert explained < 0.2  # nothing is learned yet


def test_noted_probabilities_are_the_old_ones(batch):
    """Steps that other weights played are judged by the probabilities noted then."""
    parameters = init_parameters(CONFIG, np.random.default_rng(4))
    _, plain, _ = prepare(parameters, parameters, batch, CONFIG)
    noted, start = [], 0
    for trajectory in batch.trajectories:
        own = plain.old_probabilities[start : start + len(trajectory)]
        noted.append(replace(trajectory, probabilities=own[:, [2, 0, 1]]))
        start += len(trajectory)
    _, told, _ = prepare(parameters, parameters, Batch(noted), CONFIG)
    np.testing.assert_array_equal(told.old_probabilities, plain.old_probabilities[:, [2, 0, 1]])
    np.testing.assert_array_equal(told.advantages, plain.advantages)


def test_an_update_leaves_its_arguments_untouched(batch):
    """New arrays come out; those that went in keep their values, and the same call repeats."""
    parameters = init_parameters(CONFIG, np.random.default_rng(0))
    state = PPO(CONFIG).init_optimizer(parameters)
    before = {name: array.copy() for name, array in {**parameters, **state}.items()}
    results = [
        PPO(CONFIG).update(parameters, state, batch, np.random.default_rng(5)) for _ in range(2)
    ]
    for name, array in {**parameters, **state}.items():
        np.testing.assert_array_equal(array, before[name])
    (first, first_state, metrics), (second, second_state, again) = results
    assert metrics == again
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
        assert np.array_equal(first[name], parameters[name]) == (name == "b2")
    assert first_state["step"] == second_state["step"] == CONFIG.epochs * CONFIG.minibatches
    assert first_state["agent_steps"] == batch.n_steps


def test_the_averages_forget_old_weights():
    """At first they are plain means of the updates' weights, later the newest ones weigh more."""
    config = replace(CONFIG, averaging_steps=300, critic_averaging_steps=200)
    state = {"agent_steps": np.zeros(1), "average/w": np.array([7.0]), "critic/w": np.array([7.0])}
    expected = [(1.0, 1.0), (1.5, 1.5), (2.0, 2.25), (2.0 + (6.0 - 2.0) / 3, 4.125)]
    for weight, means in zip([1.0, 2.0, 3.0, 6.0], expected, strict=True):
        state["agent_steps"] += 100
        state |= updated_averages({"w": np.array([weight])}, state, 100, config)
        found = (PPO(config).averaged({"w": None}, state)["w"][0], state["critic/w"][0])
        assert found == pytest.approx(means)


def test_an_agent_can_play_with_averaged_weights(batch):
    """`averaged` acts with the mean after two updates; the agent itself stays as it was."""
    agent = PongAgent(CONFIG, seed=4)
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
    """From a coin's score the agent comes to win nearly every step of `toy.UpOrDown`."""
    agent = PongAgent(PRESETS["ppo"], seed=0)
    environments = [toy.UpOrDown() for _ in range(8)]

    def play(first_seed):
        played = rollout(agent, environments, range(first_seed, first_seed + 8))
        return Batch(played), np.mean([trajectory.episode_return for trajectory in played])

    _, before = play(0)
    assert abs(before) < 10
    for number in range(25):
        agent.learn_from_batch(play(100 + 8 * number)[0])
    _, after = play(0)
    assert after > 45


@pytest.mark.parametrize(("logit", "rests"), [(-8.0, True), (-3.0, False)])
def test_stay_is_let_in_by_the_schedule(batch, logit, rests):
    """Its weights rest while its logit is far down; what is added to it is the schedule's."""
    parameters = init_parameters(CONFIG, np.random.default_rng(0))
    config = replace(CONFIG, stay_logit=logit)
    state = PPO(config).init_optimizer(parameters)
    new, new_state, _ = PPO(config).update(parameters, state, batch, np.random.default_rng(5))
    np.testing.assert_array_equal(new["b2"], np.array([0, 0, logit], np.float32))
    assert np.array_equal(new["W2"][STAY], parameters["W2"][STAY]) == rests
    assert (not new_state["mean/W2"][STAY].any()) == rests
    assert not np.array_equal(new["W2"][:STAY], parameters["W2"][:STAY])
    rows = batch.trajectories[0].network_input()
    before, after = (forward(weights, rows, mirror=True)[0] for weights in (new, {**new, "b2": 0}))
    np.testing.assert_allclose(before - after, np.tile([0, 0, logit], (len(rows), 1)), atol=1e-5)
