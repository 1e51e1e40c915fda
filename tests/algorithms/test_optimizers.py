import numpy as np
import pytest

from pong_agent.algorithms.optimizers import rmsprop_ascent


def step(weight, gradient, mean_square):
    parameters, mean_squares = rmsprop_ascent(
        {"w": np.array([weight])},
        {"w": np.array([gradient])},
        {"w": np.array([mean_square])},
        learning_rate=0.1,
        decay=0.75,
        epsilon=0.5,
    )
    return float(parameters["w"][0]), float(mean_squares["w"][0])


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
    arrays = [{"w": np.array([value])} for value in (1.0, 2.0, 3.0)]
    rmsprop_ascent(*arrays, learning_rate=0.1, decay=0.9, epsilon=1e-5)
    assert [float(array["w"][0]) for array in arrays] == [1.0, 2.0, 3.0]
