import notebook_oracle as notebook
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pong_agent import make_env, preprocess_frame
from pong_agent.learning.returns import (
    discounted_returns,
    generalized_advantages,
    live_steps,
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


def test_dead_steps_follow_points_and_starts():
    """So many steps after a point, an episode's end or its start are dead, all others live."""
    rewards = [0, 0, 0, -1, 0, 0, 0, 0, 1, 0]
    ends = [False] * 8 + [True, False]
    live = live_steps(rewards, ends, 3, starts_episode=True)
    assert live.tolist() == [False] * 3 + [True] + [False] * 3 + [True] * 2 + [False]
    live = live_steps(rewards, ends, 3, starts_episode=False)
    assert live.tolist() == [True] * 4 + [False] * 3 + [True] * 2 + [False]
    assert live_steps(rewards, ends, 0, starts_episode=True).all()
    silent_end = live_steps([0, 0, 0], [True, False, False], 1, starts_episode=False)
    assert silent_end.tolist() == [True, False, True]


def test_no_ball_is_in_play_in_dead_steps():
    """In real games no pixel between the paddles is lit for 15 steps after each point."""
    env = make_env("ALE/Pong-v5")
    observation, _ = env.reset(seed=0)
    generator, since, seen = np.random.default_rng(0), 0, []
    for _ in range(2000):
        if since < 15:
            seen.append(preprocess_frame(observation)[:, 12:68].any())
        observation, reward, terminated, *_ = env.step(int(generator.integers(2, 4)))
        since = 0 if reward else since + 1
        if terminated:
            observation, _ = env.reset()
    env.close()
    assert len(seen) > 500
    assert not any(seen)
