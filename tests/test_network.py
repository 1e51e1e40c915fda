import sys
from dataclasses import dataclass

import numpy as np
import pytest

from pong_agent import DOWN, STAY, UP, PPOConfig
from pong_agent.learning.ppo.network import init_parameters, values
from pong_agent.network import (
    choose_actions,
    forward,
    log_softmax,
    softmax,
)
from pong_agent.vision import network_input
from pong_agent.vision.network_input import SparseRows, observe
from pong_agent.vision.pixels import lit_pixels


@dataclass
class Case:
    parameters: dict
    inputs: SparseRows
    mirror: bool
    tolerance: float


def actor_critic(generator, **options):
    """The weights of preset ppo, of a size at which all terms matter."""
    config = PPOConfig(first_layer_scale=0.4, stay_logit=0.0, **options)
    return init_parameters(config, generator)


@pytest.fixture(scope="module", params=["ppo", "ppo without mirror", "ppo with two actions"])
def case(request, frames):
    """The networks of the presets, with the rows that they see of 399 real frames."""
    generator = np.random.default_rng(1)
    lit = [lit_pixels(frame) for frame in frames]
    rows = observe("two_frames", lit[1:], lit[:-1])
    mirror = request.param != "ppo without mirror"
    n_actions = 2 if request.param == "ppo with two actions" else 3
    parameters = actor_critic(generator, mirror=mirror, n_actions=n_actions)
    parameters["bv"] += 0.5
    return Case(parameters, rows, mirror, 5e-6)


def dense_hidden(case):
    dense = case.inputs.toarray().astype(np.float64)
    views = [dense]
    if case.mirror:
        turned = dense.reshape(len(dense), -1, 80, 80)[:, :, ::-1]
        views.append(turned.reshape(dense.shape))
    return views, [np.maximum(x @ case.parameters["W1"].T, 0) for x in views]


def heads_of(case):
    """The weights of the actions' logits for units upright and for units turned."""
    upright = np.atleast_2d(case.parameters["W2"])
    return upright, upright[[UP, DOWN, STAY][: len(upright)]] if len(upright) > 1 else None


def test_forward_agrees_with_the_dense_product(case):
    """Logits, hidden states and values are those of dense matrix products."""
    logits, hidden = forward(case.parameters, case.inputs, mirror=case.mirror)
    _, parts = dense_hidden(case)
    np.testing.assert_allclose(hidden, np.hstack(parts), rtol=0, atol=case.tolerance)
    heads = heads_of(case)
    expected = sum(h @ head.T for h, head in zip(parts, heads, strict=False))
    np.testing.assert_allclose(logits, expected, rtol=0, atol=case.tolerance)
    assert logits.dtype == case.parameters["W1"].dtype
    assert 0 < (hidden == 0).mean() < 1
    if "Wv" in case.parameters:
        expected = sum(h @ case.parameters["Wv"] for h in parts) + case.parameters["bv"]
        estimates = values(case.parameters, hidden, mirror=case.mirror)
        np.testing.assert_allclose(estimates, expected, rtol=0, atol=case.tolerance)


def test_a_mirrored_picture_turns_the_decision_over(frames):
    """With mirror, UP and DOWN change places for a field upside down; its value is the same."""
    parameters = actor_critic(np.random.default_rng(0), n_actions=3)
    lit = [lit_pixels(frame) for frame in frames]
    rows = observe("two_frames", lit[1:], lit[:-1])
    logits, hidden = forward(parameters, rows, mirror=True)
    both = rows.with_flipped()
    flipped = both.take(np.arange(len(rows), len(both)))
    turned_logits, turned_hidden = forward(parameters, flipped, mirror=True)
    np.testing.assert_allclose(turned_logits, logits[:, [UP, DOWN, STAY]], atol=1e-6)
    np.testing.assert_allclose(
        values(parameters, turned_hidden, mirror=True),
        values(parameters, hidden, mirror=True),
        atol=1e-6,
    )
    assert np.abs(logits[:, UP] - logits[:, DOWN]).max() > 1e-3


def test_a_row_does_not_depend_on_its_neighbours(case, monkeypatch):
    """One row, a few rows in NumPy and all rows in SciPy give the same bits."""
    logits, hidden = forward(case.parameters, case.inputs, mirror=case.mirror)
    assert len(case.inputs) >= network_input._SCIPY_IMPORT_FROM_ROWS
    for start in range(0, 60, 3):
        rows = case.inputs.take(np.arange(start, start + 3))
        some_logits, some_hidden = forward(case.parameters, rows, mirror=case.mirror)
        np.testing.assert_array_equal(some_hidden, hidden[start : start + 3])
        np.testing.assert_array_equal(some_logits, logits[start : start + 3])
        one, _ = forward(case.parameters, rows.take(np.array([1])), mirror=case.mirror)
        np.testing.assert_array_equal(one[0], logits[start + 1])
    some, _ = forward(case.parameters, case.inputs.take(np.arange(7)), mirror=case.mirror)
    np.testing.assert_array_equal(some, logits[:7])
    monkeypatch.setattr(network_input, "_SCIPY_FROM_ROWS", 10**9)
    assert "scipy.sparse" in sys.modules
    in_numpy, _ = forward(case.parameters, case.inputs, mirror=case.mirror)
    np.testing.assert_array_equal(in_numpy, logits)


def test_an_empty_row_gives_equal_chances(case):
    """The zeros of a notebook episode's first step give equal probabilities, for all weights."""
    empty = SparseRows(
        np.zeros(0, np.uint16), np.zeros(0, np.int8), np.zeros(3, np.int64), case.inputs.width
    )
    logits, hidden = forward(case.parameters, empty, mirror=case.mirror)
    probabilities = softmax(logits)
    np.testing.assert_allclose(probabilities, 1 / probabilities.shape[1], rtol=1e-6)
    assert not hidden.any()


def test_softmax_neither_overflows_nor_loses_small_values():
    """Logits of any size give the textbook's log probabilities."""
    logits = np.array([[0.0, 0.0, 0.0], [1000.0, 0.0, -1000.0], [1.0, 2.0, 3.0]])
    total = np.exp([1.0, 2.0, 3.0]).sum()
    expected = [
        [-np.log(3)] * 3,
        [0.0, -1000.0, -2000.0],
        np.array([1.0, 2.0, 3.0]) - np.log(total),
    ]
    np.testing.assert_allclose(log_softmax(logits), expected, rtol=1e-14)
    np.testing.assert_allclose(softmax(logits).sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("probabilities", [[0.3, 0.7], [0.02, 0.9, 0.08], [0.5, 0.2, 0.3]])
def test_sampled_actions_follow_the_probabilities(probabilities):
    """Each action's share among many samples is its probability, within four standard errors."""
    n = 20_000
    uniforms = np.random.default_rng(0).random(n)
    actions = choose_actions(np.tile(probabilities, (n, 1)), uniforms)
    shares = np.bincount(actions, minlength=len(probabilities)) / n
    for share, probability in zip(shares, probabilities, strict=True):
        assert abs(share - probability) < 4 * np.sqrt(probability * (1 - probability) / n)


def test_greedy_actions_are_the_likeliest():
    """Without a generator the largest probability decides, DOWN where UP is just as likely."""
    probabilities = np.array([[0.2, 0.3, 0.5], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    assert choose_actions(probabilities, None).tolist() == [STAY, UP, DOWN]
