"""Returns of a Pong episode, cut at every point."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def discounted_returns(rewards: ArrayLike, discount: float) -> NDArray[np.float64]:
    """Discount the rewards backward through time, starting anew at every point.

    `R_t = r_t` where `r_t != 0` or t is the last step, else `R_t = r_t + discount * R_{t+1}`, for
    t = T-1, ..., 0. A reward other than zero ends a rally, which is a game of its own: an action is
    not credited with what happens after it (`process_rewards` of the notebook).

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


def standardize(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift to mean 0 and scale to standard deviation 1 (population, as `np.std`).

    Values that are all equal become zeros; the notebook divides by zero there.

    Example:
        >>> standardize(np.array([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """
    if values.min() == values.max():
        return np.zeros_like(values)
    centred = values - values.mean()
    return np.asarray(centred / centred.std())
