import notebook_oracle as notebook
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pong_agent.learning.returns import (
    discounted_returns,
    standardize,
)

# Worked out on paper with a discount of 1/2; a point (a reward other than zero) cuts the sum.
BY_HAND = [
    ([0, 0, 1], [0.25, 0.5, 1.0]),
    ([0, -1, 0, 0, 1], [-0.5, -1.0, 0.25, 0.5, 1.0]),
    ([1, 1, -1], [1.0, 1.0, -1.0]),
    ([0, 1, 0, 0], [0.5, 1.0, 0.0, 0.0]),
    ([0, 0], [0.0, 0.0]),
    ([2, 0, -3, 0, 1], [2.0, -1.5, -3.0, 0.5, 1.0]),
]


@pytest.mark.parametrize(("rewards", "expected"), BY_HAND)
def test_returns_worked_out_by_hand(rewards, expected):
    """Small reward sequences give the returns of the table."""
    assert discounted_returns(rewards, 0.5).tolist() == expected


def test_returns_of_a_long_rally_are_powers_of_the_discount():
    """A point after n steps is worth discount**n at the first of them."""
    returns = discounted_returns([0.0] * 100 + [1.0], 0.99)
    np.testing.assert_allclose(returns, 0.99 ** np.arange(100, -1, -1), rtol=1e-12)


@given(st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0]), min_size=1), st.floats(0, 1))
def test_returns_agree_with_the_notebooks_loop(rewards, discount):
    """Any sequence of points gives bit for bit what `process_rewards` gives."""
    expected = notebook.process_rewards(np.array(rewards), discount)
    np.testing.assert_array_equal(discounted_returns(rewards, discount), expected)


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, -1.0]), min_size=1, max_size=60))
def test_returns_agree_with_the_double_sum(rewards):
    """Each return is the discounted sum of the rewards up to the next point."""
    expected = []
    for t in range(len(rewards)):
        total, factor = 0.0, 1.0
        for reward in rewards[t:]:
            total += factor * reward
            factor *= 0.9
            if reward != 0:
                break
        expected.append(total)
    np.testing.assert_allclose(discounted_returns(rewards, 0.9), expected, rtol=1e-12)


def test_standardized_values_have_mean_0_and_deviation_1():
    """The population standard deviation is used, as np.std of the notebook."""
    values = standardize(np.array([1.0, 2.0, 3.0, 6.0]))
    np.testing.assert_allclose(values, np.array([-2, -1, 0, 3]) / np.sqrt(3.5), rtol=1e-15)


@given(st.floats(-21, 21), st.integers(1, 2000))
def test_equal_values_become_zeros(value, length):
    """Where the deviation is 0 nothing is divided by it, not even by its rounding error."""
    assert not standardize(np.full(length, value)).any()
