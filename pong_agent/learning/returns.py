"""Returns of a Pong episode, cut at every point."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def discounted_returns(rewards: ArrayLike, discount: float) -> NDArray[np.float64]:
    """Discount the rewards backward through time, starting anew at every point.

    `R_t = r_t` where `r_t != 0` or t is the last step, else `R_t = r_t + discount * R_{t+1}`, for
    t = T-1, ..., 0. A reward other than zero ends a rally, which is a game of its own: nothing
    after it is the merit of an action before it (`process_rewards` of the notebook).

    Args:
        rewards: [T] numbers, reward after each action.
        discount: discount per step, 0 to 1.

    Returns:
        [T] float64.

    Example:
        >>> discounted_returns([0, 0, 1, 0, -1], discount=0.5).tolist()
        [0.25, 0.5, 1.0, -0.5, -1.0]
    """
    reward_list = np.asarray(rewards, dtype=np.float64).tolist()
    returns = np.empty(len(reward_list))
    running = 0.0
    # A loop over Python floats: 0.1 us a step, and readable.
    for t in range(len(reward_list) - 1, -1, -1):
        if reward_list[t] != 0:
            running = 0.0
        running = running * discount + reward_list[t]
        returns[t] = running
    return returns


def generalized_advantages(
    rewards: ArrayLike,
    value_estimates: ArrayLike,
    ends: ArrayLike,
    discount: float,
    gae_lambda: float,
) -> NDArray[np.float64]:
    """Estimate advantages with GAE, cut at every point and at every episode's end.

        delta_t = r_t + discount * c_t * V_{t+1} - V_t
        adv_t   = delta_t + discount * gae_lambda * c_t * adv_{t+1}

    for t = T-1, ..., 0 with adv_T = 0, where c_t is 0 if r_t != 0 or the episode ended with step
    t, else 1 (Schulman et al., "High-dimensional continuous control using generalized advantage
    estimation", 2016, eq. 16, with the cut of `discounted_returns`).

    Args:
        rewards: [T] numbers, reward after each action.
        value_estimates: [T + 1] numbers, V of each step's observation and of the one after them.
        ends: [T] bool, whether the episode ended with the step.
        discount: discount per step, 0 to 1.
        gae_lambda: 0 looks one step ahead, 1 to the point or the last step.

    Returns:
        [T] float64.

    Example:
        >>> generalized_advantages([0, 1], [0.5, 0.5, 9.0], [False, False], 0.5, 1.0).tolist()
        [0.0, 0.5]
    """
    reward_list = np.asarray(rewards, dtype=np.float64).tolist()
    value_list = np.asarray(value_estimates, dtype=np.float64).tolist()
    end_list = np.asarray(ends).tolist()
    advantages = np.empty(len(reward_list))
    running = 0.0
    for t in range(len(reward_list) - 1, -1, -1):
        if reward_list[t] != 0 or end_list[t]:
            running = reward_list[t] - value_list[t]
        else:
            running = discount * (value_list[t + 1] + gae_lambda * running) - value_list[t]
        advantages[t] = running
    return advantages


def live_steps(
    rewards: ArrayLike, ends: ArrayLike, dead_steps: int, *, starts_episode: bool
) -> NDArray[np.bool_]:
    """Tell the steps that a rally goes on in from those in which the next serve is waited for.

    Args:
        rewards: [T] numbers, reward after each action.
        ends: [T] bool, whether the episode ended with the step.
        dead_steps: how many steps after a point, or from an episode's start, are dead.
        starts_episode: whether the first step starts an episode; if not, it counts as live.

    Returns:
        [T] bool, False for dead steps.

    Example:
        >>> live_steps([0, 1, 0, 0, 0], [False] * 5, 2, starts_episode=False).tolist()
        [True, True, False, False, True]
    """
    over = (np.asarray(rewards) != 0) | np.asarray(ends)
    last = np.concatenate([[0 if starts_episode else -dead_steps], np.flatnonzero(over) + 1])
    steps = np.arange(len(over))
    first = last[np.searchsorted(last, steps, side="right") - 1]  # of each step's rally
    return np.asarray(steps - first >= dead_steps)


def standardize(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift to mean 0 and scale to standard deviation 1 (population, as `np.std`).

    Where all values are equal they become zeros: there is nothing to tell one step from another
    (the notebook divides by zero there).

    Example:
        >>> standardize(np.array([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """
    if values.min() == values.max():
        return np.zeros_like(values)
    centred = values - values.mean()
    return np.asarray(centred / centred.std())
