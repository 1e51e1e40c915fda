import numpy as np
import pytest

from pong_agent.learning.adam import AdamOptions, adam_descent, adam_without_gradient


def adam(weights, gradients, state):
    options = AdamOptions(learning_rate=0.1, beta1=0.5, beta2=0.75, epsilon=0.5)
    adam_descent(weights, gradients, state, options)


def adam_state(weights):
    moments = [f"{kind}/{name}" for kind in ("mean", "square") for name in weights]
    state = {name: np.zeros_like(weights[name.split("/")[1]]) for name in moments}
    return {**state, "step": np.zeros(1)}


def test_two_adam_steps_worked_out_by_hand():
    """Two Adam steps give the numbers computed on paper, bias correction included."""
    weights = {"w": np.array([1.0])}
    state = adam_state(weights)
    adam(weights, {"w": np.array([2.0])}, state)
    # m = 1, v = 1; corrected 1 / 0.5 = 2 and sqrt(1 / 0.25) = 2; w = 1 - 0.1 * 2 / 2.5
    assert state["mean/w"][0] == 1.0
    assert state["square/w"][0] == 1.0
    assert weights["w"][0] == pytest.approx(0.92, rel=1e-14)
    adam(weights, {"w": np.array([-4.0])}, state)
    # m = 0.5 - 2 = -1.5, v = 0.75 + 4 = 4.75; / 0.75 = -2, sqrt(4.75 / 0.4375) = 3.29502...
    assert state["mean/w"][0] == -1.5
    assert state["square/w"][0] == 4.75
    expected = 0.92 + 0.1 * 2 / ((4.75 / 0.4375) ** 0.5 + 0.5)
    assert weights["w"][0] == pytest.approx(expected, rel=1e-14)
    assert state["step"][0] == 2


def test_adam_in_pieces_is_adam_on_the_whole():
    """A large matrix in Fortran order moves as the formula on whole arrays says."""
    generator = np.random.default_rng(0)
    draw = lambda: np.asfortranarray(generator.standard_normal((70, 900)))  # noqa: E731  # short
    weights = {"W": draw()}
    state, start, m, v = adam_state(weights), weights["W"].copy(), 0.0, 0.0
    expected = start
    for k in (1, 2, 3):
        gradient = draw()
        adam(weights, {"W": gradient}, state)
        m, v = 0.5 * m + 0.5 * gradient, 0.75 * v + 0.25 * gradient**2
        expected = expected - 0.1 * (m / (1 - 0.5**k)) / (np.sqrt(v / (1 - 0.75**k)) + 0.5)
    np.testing.assert_allclose(weights["W"], expected, rtol=1e-12)


@pytest.mark.parametrize(("steps_before", "tolerance"), [(20, 1e-2), (1000, 2e-5)])
def test_many_adam_steps_without_gradient_at_once(steps_before, tolerance):
    """They are those taken one by one; nearly so where mean squares are as small as epsilon's."""
    options = AdamOptions(learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8)
    generator = np.random.default_rng(0)
    draw = lambda: np.asfortranarray(generator.standard_normal((70, 900)))  # noqa: E731  # short
    weights, mean, square = draw(), draw(), np.square(draw())
    roots = 10.0 ** generator.uniform(-11, 0, mean.shape)
    mean, square = np.asfortranarray(mean * roots), np.asfortranarray(square * roots**2)
    mean[0], square[0] = 0, 0
    kept = [array.copy() for array in (weights, mean, square)]
    found = adam_without_gradient(
        weights, mean, square, options, steps_before=steps_before, n_steps=20
    )
    for array, before in zip((weights, mean, square), kept, strict=True):
        np.testing.assert_array_equal(array, before)
    parameters = {"w": weights.copy(order="F")}
    state = {"mean/w": mean, "square/w": square, "step": np.array([float(steps_before)])}
    for _ in range(20):
        adam_descent(parameters, {"w": np.zeros_like(weights)}, state, options)
    np.testing.assert_allclose(found[1], state["mean/w"], rtol=1e-12)
    np.testing.assert_allclose(found[2], state["square/w"], rtol=1e-12)
    moved, expected = found[0] - kept[0], parameters["w"] - kept[0]
    np.testing.assert_allclose(moved, expected, rtol=tolerance, atol=1e-12)
    large = np.sqrt(kept[2]) > 1e-5
    np.testing.assert_allclose(moved[large], expected[large], rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(found[0][0], kept[0][0])
    assert found[0].flags.f_contiguous
