"""The policy network in NumPy, as far as acting needs it: rows of pixels -> logits of actions.

    a_n = W1 x_n                 hidden pre-activation, [hidden_units]
    h_n = max(a_n, 0)            hidden state
    l_n = W2 h_n + b2            logits of DOWN, UP and perhaps STAY
    p_n = softmax(l_n)           probabilities

An input row has 10 to 60 non-zeros out of 6,400 or 12,800, so the first layer is a sum of a few
columns of W1: W1 is stored column by column (Fortran order) for it. All sums run in one fixed
order, row by row and without BLAS, so a row's result does not depend on its neighbours in the
batch, nor on the number of threads.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import DOWN, MIRRORED, STAY, UP
from pong_agent.vision.network_input import Floats as Floats
from pong_agent.vision.network_input import SparseRows

Parameters = dict[str, Floats]  # float64 for reinforce, float32 for ppo

# Action drawn, by how many cumulative probabilities (UP, STAY) the uniform number reaches.
_BY_PASSED = np.array([UP, STAY, DOWN])

# Up to this many rows calls cost more than the memory that an array for all actions takes.
_FEW_ROWS = 64


class Activations(NamedTuple):
    """The network's response to the fields of N games.

    Attributes:
        probabilities: [N, A], of DOWN, UP and, for preset `ppo`, STAY.
        hidden: [N, hidden_units], hidden states.
    """

    probabilities: Floats
    hidden: Floats


def stand_in(shape: tuple[int, ...], dtype: type[np.generic]) -> Floats:
    """Return read-only zeros that take no memory: something to compare shape and dtype with."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def check_arrays(arrays: Mapping[str, Any], expected: Mapping[str, Floats]) -> Parameters:
    """Return arrays in this module's memory order, refusing what is not like the expected ones.

    Raises:
        ValueError: a name, shape or dtype differs from what was expected, or a value is not finite.
    """
    if set(arrays) != set(expected):
        raise ValueError(f"expected arrays named {sorted(expected)}, found {sorted(arrays)}")
    for name, like in expected.items():
        array = np.asarray(arrays[name])
        if array.shape != like.shape or array.dtype != like.dtype:
            raise ValueError(
                f"{name}: expected {like.dtype} of shape {like.shape}, "
                f"found {array.dtype} of shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers, found others")
    return {name: np.asarray(arrays[name], order="F") for name in expected}


def forward(
    parameters: Parameters, inputs: SparseRows, *, mirror: bool = False
) -> tuple[Floats, Floats]:
    """Compute the logits of the actions.

    With `mirror`, half of the hidden units are the others looking at the field upside down,
    `h' = max(W1 flip(x), 0)`, and `l_a = W2_a . h + W2_m(a) . h'`, where m turns UP into DOWN and
    leaves STAY: flipping the field flips the decision, as it does in Pong, without a weight of its
    own.

    Args:
        parameters: "W1" (hidden_units, width), "W2" (A, hidden_units) and "b2" (A,); of half the
            units with `mirror`.
        inputs: N sparse rows.
        mirror: whether the policy is mirror-symmetric.

    Returns:
        [N, A] logits, and [N, hidden_units] hidden states, of the parameters' dtype.
    """
    n_rows, columns = len(inputs), parameters["W1"].T  # (width, units): each pixel's weights
    heads = parameters["W2"]
    if mirror:
        rows = inputs.with_flipped().times(columns)
        hidden = np.concatenate([rows[:n_rows], rows[n_rows:]], axis=1)
        heads = np.concatenate([heads, heads[list(MIRRORED[: len(heads)])]], axis=1)
    else:
        hidden = inputs.times(columns)
    np.maximum(hidden, 0, out=hidden)
    if n_rows <= _FEW_ROWS:  # one call instead of one for each action, and the same bits
        logits = np.multiply(hidden[:, np.newaxis], heads, order="C").sum(axis=2)
    else:
        logits = np.stack([(hidden * head).sum(axis=1) for head in heads], axis=1)
    logits += parameters["b2"]
    return logits, hidden


def softmax(logits: Floats) -> Floats:
    """Compute `exp(l_a) / sum_b exp(l_b)` of each row."""
    return np.exp(log_softmax(logits))


def log_softmax(logits: Floats) -> Floats:
    """Compute `l_a - log sum_b exp(l_b)` of each row without overflow."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def choose_actions(probabilities: Floats, uniforms: Floats | None) -> NDArray[np.int64]:
    """Draw actions with the given probabilities, or take the most probable ones.

    A uniform number below the probability of UP is UP, as in the notebook, above it up to the sum
    of both STAY, and DOWN beyond.

    Args:
        probabilities: [N, A], of DOWN, UP and perhaps STAY.
        uniforms: [N] numbers, uniform from 0 to 1; None to decide greedily.

    Returns:
        [N] int64, DOWN, UP or STAY.
    """
    if uniforms is None:
        return np.asarray(np.argmax(probabilities, axis=1))
    up = probabilities[:, UP]
    if probabilities.shape[1] == 2:
        return np.where(uniforms < up, UP, DOWN)
    passed = (uniforms >= up).astype(np.int64)
    passed += uniforms >= up + probabilities[:, STAY]
    return _BY_PASSED[passed]
