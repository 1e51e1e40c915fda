from dataclasses import dataclass

import numpy as np
import pytest

from pong_agent import network
from pong_agent.network import (
    backward,
    bernoulli_entropy,
    choose_up,
    forward,
    init_actor_critic,
    init_policy,
    sigmoid,
    values,
)
from pong_agent.observation import SparseRows, observe, preprocess_frames


@dataclass
class Case:
    parameters: dict
    inputs: SparseRows
    mirror: bool
    tolerance: float


@pytest.fixture(scope="module", params=["reinforce", "ppo", "ppo without mirror"])
def case(request, frames):
    """The networks of the presets, with the rows that they see of 399 real frames."""
    generator = np.random.default_rng(1)
    fields = preprocess_frames(frames)
    if request.param == "reinforce":
        rows = observe("difference", fields[1:], fields[:-1])
        return Case(init_policy(generator, 200), rows, False, 1e-13)
    rows = observe("two_frames", fields[1:], fields[:-1])
    mirror = request.param == "ppo"
    parameters = init_actor_critic(
        generator, 100 if mirror else 200, 12800, scale=0.4, smoothing=2.0
    )
    parameters["bv"] += 0.5
    return Case(parameters, rows, mirror, 5e-6)


def dense_hidden(case):
    dense = case.inputs.toarray().astype(np.float64)
    pictures = [dense]
    if case.mirror:
        turned = dense.reshape(len(dense), -1, 80, 80)[:, :, ::-1]
        pictures.append(turned.reshape(dense.shape))
    return pictures, [np.maximum(x @ case.parameters["W1"].T, 0) for x in pictures]


def test_a_policy_is_drawn_as_in_the_notebook():
    """W1 then W2 are standard normal numbers over the root of their fan-in, in float64."""
    parameters = init_policy(np.random.default_rng(5), hidden_units=7)
    generator = np.random.default_rng(5)
    expected = generator.standard_normal((7, 6400)) / 80.0
    np.testing.assert_array_equal(parameters["W1"], expected)
    np.testing.assert_array_equal(parameters["W2"], generator.standard_normal(7) / np.sqrt(7))


def test_an_actor_critic_is_smooth_and_of_the_asked_scale():
    """Neighbouring pixels have nearly equal weights, each frame's its own, of the asked size."""
    rough, smooth = (
        init_actor_critic(np.random.default_rng(0), 50, 12800, scale=0.4, smoothing=smoothing)
        for smoothing in (0.0, 2.0)
    )

    def neighbours(parameters):
        pictures = parameters["W1"].reshape(50, 2, 80, 80)
        return np.corrcoef(pictures[..., 1:].ravel(), pictures[..., :-1].ravel())[0, 1]

    assert abs(neighbours(rough)) < 0.01
    assert neighbours(smooth) > 0.9
    for parameters in (rough, smooth):
        assert parameters["W1"].std() == pytest.approx(0.4 / np.sqrt(50), rel=0.02)
        assert all(array.dtype == np.float32 for array in parameters.values())
    frames = smooth["W1"].reshape(50, 2, 6400)
    assert abs(np.corrcoef(frames[:, 0].ravel(), frames[:, 1].ravel())[0, 1]) < 0.02


def test_forward_agrees_with_the_dense_product(case):
    """Logits, hidden states and values are those of dense matrix products."""
    logits, hidden = forward(case.parameters, case.inputs, mirror=case.mirror)
    _, parts = dense_hidden(case)
    np.testing.assert_allclose(hidden, np.hstack(parts), rtol=0, atol=case.tolerance)
    signs = [1, -1][: len(parts)]
    expected = sum(s * h @ case.parameters["W2"] for s, h in zip(signs, parts, strict=True))
    np.testing.assert_allclose(logits, expected, rtol=0, atol=case.tolerance)
    assert logits.dtype == case.parameters["W1"].dtype
    assert 0 < (hidden == 0).mean() < 1
    if "Wv" in case.parameters:
        expected = sum(h @ case.parameters["Wv"] for h in parts) + case.parameters["bv"]
        estimates = values(case.parameters, hidden, mirror=case.mirror)
        np.testing.assert_allclose(estimates, expected, rtol=0, atol=case.tolerance)


def test_a_mirrored_picture_turns_the_decision_over(frames):
    """With mirror, a picture upside down has the opposite logit and the same value."""
    parameters = init_actor_critic(np.random.default_rng(0), 100, 12800, scale=0.4, smoothing=0.0)
    fields = preprocess_frames(frames)
    rows = observe("two_frames", fields[1:], fields[:-1])
    logits, hidden = forward(parameters, rows, mirror=True)
    turned_logits, turned_hidden = forward(parameters, rows.flipped(), mirror=True)
    np.testing.assert_allclose(turned_logits, -logits, atol=1e-6)
    np.testing.assert_allclose(
        values(parameters, turned_hidden, mirror=True),
        values(parameters, hidden, mirror=True),
        atol=1e-6,
    )
    assert np.abs(logits).max() > 1e-3


def test_a_row_does_not_depend_on_its_neighbours(case, monkeypatch):
    """One row, a few rows in NumPy and all rows in SciPy give the same bits."""
    logits, hidden = forward(case.parameters, case.inputs, mirror=case.mirror)
    assert len(case.inputs) >= network._SCIPY_FROM_ROWS
    for start in range(0, 60, 3):
        rows = case.inputs.take(np.arange(start, start + 3))
        some_logits, some_hidden = forward(case.parameters, rows, mirror=case.mirror)
        np.testing.assert_array_equal(some_hidden, hidden[start : start + 3])
        np.testing.assert_array_equal(some_logits, logits[start : start + 3])
        one, _ = forward(case.parameters, rows.take(np.array([1])), mirror=case.mirror)
        assert one[0] == logits[start + 1]
    monkeypatch.setattr(network, "_SCIPY_FROM_ROWS", 10**9)
    in_numpy, _ = forward(case.parameters, case.inputs, mirror=case.mirror)
    np.testing.assert_array_equal(in_numpy, logits)


def test_an_empty_row_gives_one_half(case):
    """The zeros of a notebook episode's first step give probability 1/2, whatever the weights."""
    empty = SparseRows(
        np.zeros(0, np.uint16), np.zeros(0, np.int8), np.zeros(3, np.int64), case.inputs.width
    )
    logits, hidden = forward(case.parameters, empty, mirror=case.mirror)
    assert sigmoid(logits).tolist() == [0.5, 0.5]
    assert not hidden.any()


def test_backward_agrees_with_the_dense_products(case):
    """Gradients are those of the dense backward pass, written for each half by itself."""
    generator = np.random.default_rng(2)
    dtype = case.parameters["W1"].dtype
    at_logits, at_values = generator.standard_normal((2, len(case.inputs))).astype(dtype)
    has_values = "Wv" in case.parameters
    _, hidden = forward(case.parameters, case.inputs, mirror=case.mirror)
    gradients = backward(
        case.parameters,
        case.inputs,
        hidden,
        at_logits,
        at_values if has_values else None,
        mirror=case.mirror,
    )
    expected = dict.fromkeys(case.parameters, 0.0)
    for sign, x, h in zip([1, -1], *dense_hidden(case), strict=False):
        at_hidden = np.outer(sign * at_logits, case.parameters["W2"])
        expected["W2"] += h.T @ (sign * at_logits)
        if has_values:
            at_hidden += np.outer(at_values, case.parameters["Wv"])
            expected["Wv"] += h.T @ at_values
            expected["bv"] = at_values.sum()
        at_hidden[h <= 0] = 0
        expected["W1"] = expected["W1"] + at_hidden.T @ x
    assert set(gradients) == set(case.parameters)
    for name, gradient in gradients.items():
        assert gradient.shape == case.parameters[name].shape
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(gradient / scale, expected[name] / scale, atol=case.tolerance)


def test_sigmoid_neither_overflows_nor_loses_small_values():
    """Logits of any size give probabilities from 0 to 1, exact at the ends."""
    logits = np.array([-1000.0, -30.0, 0.0, 2.0, 1000.0])
    expected = [0.0, np.exp(-30) / (1 + np.exp(-30)), 0.5, 1 / (1 + np.exp(-2)), 1.0]
    np.testing.assert_allclose(sigmoid(logits), expected, rtol=1e-15)


def test_entropy_of_a_coin():
    """A fair coin has log 2 nats, a certain outcome none."""
    entropy = bernoulli_entropy(np.array([0.5, 0.0, 1.0, 0.25]))
    expected = [np.log(2), 0.0, 0.0, 0.25 * np.log(4) + 0.75 * np.log(4 / 3)]
    np.testing.assert_allclose(entropy, expected, atol=1e-15)


def test_sampled_actions_follow_the_probabilities():
    """The share of UP among many samples is its probability, within four standard errors."""
    n = 20_000
    for probability in (0.02, 0.3, 0.9):
        up = choose_up(np.full(n, probability), np.random.default_rng(0))
        assert abs(up.mean() - probability) < 4 * np.sqrt(probability * (1 - probability) / n)
