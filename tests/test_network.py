import numpy as np
import pytest

from pong_agent import network
from pong_agent.network import backward, forward, init_parameters, sigmoid
from pong_agent.observation import SparseRows, difference, preprocess_frames


@pytest.fixture(scope="module")
def parameters():
    return init_parameters(np.random.default_rng(1), hidden_units=200)


@pytest.fixture(scope="module")
def inputs(frames):
    fields = preprocess_frames(frames)
    return difference(fields[1:], fields[:-1])


def rows_of(inputs, start, stop):
    first, last = inputs.offsets[start], inputs.offsets[stop]
    return SparseRows(
        inputs.indices[first:last],
        inputs.values[first:last],
        inputs.offsets[start : stop + 1] - first,
    )


def dense_forward(parameters, x):
    hidden = np.maximum(x @ parameters["W1"].T, 0)
    return 1 / (1 + np.exp(-(hidden @ parameters["W2"]))), hidden


def test_weights_are_drawn_as_in_the_notebook():
    """W1 then W2 are standard normal numbers over the root of their fan-in, in float64."""
    parameters = init_parameters(np.random.default_rng(5), hidden_units=7)
    generator = np.random.default_rng(5)
    expected = generator.standard_normal((7, 6400)) / 80.0
    np.testing.assert_array_equal(parameters["W1"], expected)
    np.testing.assert_array_equal(parameters["W2"], generator.standard_normal(7) / np.sqrt(7))


def test_forward_agrees_with_the_dense_product(parameters, inputs):
    """Probabilities and hidden states are those of a dense matrix product."""
    probabilities, hidden = forward(parameters, inputs)
    expected_probabilities, expected_hidden = dense_forward(parameters, inputs.toarray())
    np.testing.assert_allclose(hidden, expected_hidden, rtol=0, atol=1e-13)
    np.testing.assert_allclose(probabilities, expected_probabilities, rtol=1e-13)
    assert (hidden == 0).any()
    assert (hidden > 0).any()


def test_a_row_does_not_depend_on_its_neighbours(parameters, inputs, monkeypatch):
    """One row, a few rows in NumPy and all rows in SciPy give the same bits."""
    probabilities, hidden = forward(parameters, inputs)
    assert len(inputs) >= network._SCIPY_FROM_ROWS
    for start in range(0, 60, 3):
        some_probabilities, some_hidden = forward(parameters, rows_of(inputs, start, start + 3))
        np.testing.assert_array_equal(some_hidden, hidden[start : start + 3])
        np.testing.assert_array_equal(some_probabilities, probabilities[start : start + 3])
        one, _ = forward(parameters, rows_of(inputs, start, start + 1))
        assert one[0] == probabilities[start]
    monkeypatch.setattr(network, "_SCIPY_FROM_ROWS", 10**9)
    np.testing.assert_array_equal(forward(parameters, inputs)[0], probabilities)


def test_an_empty_row_gives_one_half(parameters):
    """The zeros of an episode's first step give probability 1/2, whatever the weights."""
    empty = SparseRows(np.zeros(0, np.uint16), np.zeros(0, np.int8), np.zeros(3, np.int64))
    probabilities, hidden = forward(parameters, empty)
    assert probabilities.tolist() == [0.5, 0.5]
    assert not hidden.any()


def test_backward_agrees_with_the_dense_products(parameters, inputs):
    """Gradients are those of the notebook's dense backward pass."""
    logit_gradients = np.random.default_rng(2).standard_normal(len(inputs))
    _, hidden = forward(parameters, inputs)
    gradients = backward(parameters, inputs, hidden, logit_gradients)
    hidden_gradients = np.outer(logit_gradients, parameters["W2"])
    hidden_gradients[hidden <= 0] = 0
    np.testing.assert_allclose(
        gradients["W1"], hidden_gradients.T @ inputs.toarray(), rtol=1e-10, atol=1e-13
    )
    np.testing.assert_allclose(gradients["W2"], hidden.T @ logit_gradients, rtol=1e-10)
    assert gradients["W1"].shape == (200, 6400)


def test_sigmoid_neither_overflows_nor_loses_small_values():
    """Logits of any size give probabilities from 0 to 1, exact at the ends."""
    logits = np.array([-1000.0, -30.0, 0.0, 2.0, 1000.0])
    expected = [0.0, np.exp(-30) / (1 + np.exp(-30)), 0.5, 1 / (1 + np.exp(-2)), 1.0]
    np.testing.assert_allclose(sigmoid(logits), expected, rtol=1e-15)
