import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pong_agent.learning.ppo.targets import generalized_advantages
from pong_agent.learning.returns import discounted_returns

# Worked out on paper with discount 1/2 and lambda 1/2: rewards, values, ends, advantages.
ADVANTAGES_BY_HAND = [
    # The point at t = 1 cuts: 0 + 1/2 (2 + 1/2 (-1)) - 4; 1 - 2.
    ([0, 1], [4, 2, 8], [0, 0], [-3.25, -1.0]),
    # Nothing cuts, so the value after the last step counts: 0 + 1/2 * 8 - 2; 1/2 (2 + 1) - 4.
    ([0, 0], [4, 2, 8], [0, 0], [-2.5, 2.0]),
    # An episode's end cuts without a point: 0 - 2; 1/2 (2 + 1/2 (-2)) - 4.
    ([0, 0], [4, 2, 8], [0, 1], [-3.5, -2.0]),
    # Two points in a row know nothing of each other.
    ([-1, 1], [0.5, 0.5, 0], [0, 0], [-1.5, 0.5]),
]


@pytest.mark.parametrize(("rewards", "values", "ends", "expected"), ADVANTAGES_BY_HAND)
def test_advantages_worked_out_by_hand(rewards, values, ends, expected):
    """Small fragments give the advantages of the table."""
    assert generalized_advantages(rewards, values, ends, 0.5, 0.5).tolist() == expected


@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0]), min_size=1, max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_advantages_agree_with_the_sum_of_temporal_differences(rewards, seed):
    """Each advantage is the discounted sum of the deltas up to the next point or end."""
    generator = np.random.default_rng(seed)
    values, ends = generator.standard_normal(len(rewards) + 1), generator.random(len(rewards)) < 0.1
    expected = []
    for t in range(len(rewards)):
        total, factor = 0.0, 1.0
        for k in range(t, len(rewards)):
            cut = rewards[k] != 0 or ends[k]
            total += factor * (rewards[k] + (0 if cut else 0.99 * values[k + 1]) - values[k])
            factor *= 0.99 * 0.95
            if cut:
                break
        expected.append(total)
    advantages = generalized_advantages(rewards, values, ends, 0.99, 0.95)
    np.testing.assert_allclose(advantages, expected, atol=1e-12)


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, -1.0]), min_size=1, max_size=40))
def test_lambda_one_gives_discounted_returns_less_values(rewards):
    """With lambda 1, whole episodes have advantages of return minus value."""
    values = np.linspace(-1, 1, len(rewards) + 1)
    ends = [False] * (len(rewards) - 1) + [True]
    advantages = generalized_advantages(rewards, values, ends, 0.9, 1.0)
    expected = discounted_returns(rewards, 0.9) - values[:-1]
    np.testing.assert_allclose(advantages, expected, atol=1e-12)
