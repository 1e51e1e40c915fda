"""The policy network in NumPy: pixels -> 200 ReLU units -> probabilities of actions, and value.

    a_n = W1 x_n                 hidden pre-activation, [hidden_units]
    h_n = max(a_n, 0)            hidden state
    l_n = W2 . h_n               logit of UP, or of each action
    p_n = 1 / (1 + exp(-l_n))    probability of UP, or the softmax of several logits
    v_n = Wv . h_n + bv          value estimate, where the algorithm has one

With the single logit of UP this is the notebook's `Model.policy_forward`. An input row has 10 to
60 non-zeros out of 6,400 or 12,800, so the first layer is a sum of a few columns of W1: W1 is
stored column by column (Fortran order) for it. All sums run in one fixed order, row by row and
without BLAS, so a row's result does not depend on its neighbours in the batch, nor on the number
of threads.
"""

import copy
import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import DOWN, MIRRORED, STAY, UP
from pong_agent.vision.network_input import SparseRows
from pong_agent.vision.pixels import N_PIXELS

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.floating[Any]]  # float64 for reinforce, float32 for ppo
Parameters = dict[str, Floats]

# From this many rows on the first layer is SciPy's product, which has half the cost of the loop in
# NumPy at 2 rows of preset `reinforce` and a quarter at 16. Where SciPy is not loaded, a few rows
# are not worth its import of 0.15 s: acting does without.
_SCIPY_FROM_ROWS = 2
_SCIPY_IMPORT_FROM_ROWS = 64

# Which of three actions a uniform number draws that has passed none, one or two of their sums.
_BY_PASSED = np.array([UP, STAY, DOWN])

# Up to this many rows calls cost more than the memory that an array for all actions takes.
_FEW_ROWS = 64


def init_policy(generator: np.random.Generator, hidden_units: int) -> Parameters:
    """Draw a policy as the notebook does: standard normal over the root of the fan-in.

    Args:
        generator: source of the normal numbers; W1 is drawn before W2.
        hidden_units: number of hidden units.

    Returns:
        "W1" of shape (hidden_units, 6400) and "W2" of shape (hidden_units,), float64.
    """
    W1 = generator.standard_normal((hidden_units, N_PIXELS)) / np.sqrt(N_PIXELS)
    W2 = generator.standard_normal(hidden_units) / np.sqrt(hidden_units)
    return {"W1": np.asfortranarray(W1), "W2": W2}


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

    With `mirror`, half of the hidden units are the others looking at the picture upside down,
    `h' = max(W1 flip(x), 0)`, and `l_a = W2_a . h + W2_m(a) . h'`, where m turns UP into DOWN and
    leaves STAY: turning the picture over turns the decision over, as it does in Pong, without a
    weight of its own.

    Args:
        parameters: "W1" (hidden_units, width) and "W2", (hidden_units,) for the one logit of UP
            or (A, hidden_units); of half the units with `mirror`. Perhaps "b2" (A,), which is
            added to the logits.
        inputs: N sparse rows.
        mirror: whether the policy is mirror-symmetric.

    Returns:
        [N, A] logits, A = 1 for the logit of UP against DOWN, and [N, hidden_units] hidden states,
        of the parameters' dtype.
    """
    hidden = _first_layer(parameters["W1"], inputs, mirror)
    np.maximum(hidden, 0, out=hidden)
    heads = _action_heads(parameters["W2"], mirror)
    if len(hidden) <= _FEW_ROWS:  # one call instead of one for each action, and the same bits
        logits = np.multiply(hidden[:, np.newaxis], heads, order="C").sum(axis=2)
    else:
        logits = np.stack([(hidden * head).sum(axis=1) for head in heads], axis=1)
    if "b2" in parameters:
        logits += parameters["b2"]
    return logits, hidden


def values(parameters: Parameters, hidden: Floats, *, mirror: bool = False) -> Floats:
    """Compute [N] value estimates from [N, hidden_units] hidden states.

    With `mirror`, `v = Wv . (h + h') + bv`: a picture turned over is worth the same.
    """
    return np.asarray(
        (hidden * _value_head(parameters["Wv"], mirror)).sum(axis=1) + parameters["bv"]
    )


def backward(
    parameters: Parameters, inputs: SparseRows, hidden: Floats, logit_gradients: Floats
) -> Parameters:
    """Carry gradients at the logit of UP back to the weights, summed over the rows.

    Args:
        parameters: "W1" (hidden_units, width) and "W2" (hidden_units,).
        inputs: the N rows that `forward` was given, without `mirror`.
        hidden: [N, hidden_units], the hidden states that it returned.
        logit_gradients: [N, 1], gradient of the objective with respect to each logit.

    Returns:
        The gradient of the objective for each parameter, with its name and shape.
    """
    hidden_gradients = logit_gradients * parameters["W2"]
    hidden_gradients *= hidden > 0
    columns = _to_scipy(inputs, hidden.dtype).T @ hidden_gradients
    return {"W1": columns.T, "W2": (logit_gradients * hidden).sum(axis=0)}


def action_probabilities(logits: Floats) -> Floats:
    """Compute [N, A] probabilities of DOWN, UP, STAY from [N, A] logits: their softmax.

    A single logit is the notebook's: of UP against DOWN, `p = 1 / (1 + exp(-l))`.
    """
    if logits.shape[1] == 1:
        up = sigmoid(logits)
        return np.concatenate([1 - up, up], axis=1)
    return np.exp(log_softmax(logits))


def log_softmax(logits: Floats) -> Floats:
    """Compute `l_a - log sum_b exp(l_b)` of each row without overflow."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def choose_actions(probabilities: Floats, uniforms: Floats | None) -> NDArray[np.int64]:
    """Draw actions with the given probabilities, or without uniform numbers, the likeliest ones.

    A uniform number below the probability of UP is UP, as in the notebook, above it up to the sum
    of both STAY, and DOWN beyond.

    Args:
        probabilities: [N, A], of DOWN, UP and perhaps STAY.
        uniforms: [N] numbers, uniform from 0 to 1; None to decide greedily.

    Returns:
        [N] int64, which action is taken.
    """
    if uniforms is None:
        return np.asarray(np.argmax(probabilities, axis=1))
    up = probabilities[:, UP]
    if probabilities.shape[1] == 2:
        return np.where(uniforms < up, UP, DOWN)
    passed = (uniforms >= up).astype(np.int64)
    passed += uniforms >= up + probabilities[:, STAY]
    return _BY_PASSED[passed]


def sigmoid(logits: Floats) -> Floats:
    """Compute `1 / (1 + exp(-logit))` without overflow."""
    decay = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, decay) / (1.0 + decay)


def entropy(probabilities: Floats) -> Floats:
    """Compute `-sum_a p_a log p_a` of each row in nats, where 0 log 0 is 0."""
    tiny = np.finfo(probabilities.dtype).tiny
    return np.asarray(-(probabilities * np.log(np.maximum(probabilities, tiny))).sum(axis=1))


def _mirrored_rows(n_actions: int) -> list[int]:
    return list(MIRRORED[:n_actions])


def _action_heads(W2: Floats, mirror: bool) -> Floats:
    """Return each action's weights (A, hidden_units) for units upright and, after them, turned."""
    heads = np.atleast_2d(W2)
    return np.concatenate([heads, heads[_mirrored_rows(len(heads))]], axis=1) if mirror else heads


def _value_head(Wv: Floats, mirror: bool) -> Floats:
    return np.concatenate([Wv, Wv]) if mirror else Wv


def _first_layer(W1: Floats, inputs: SparseRows, mirror: bool) -> Floats:
    """Return [N, hidden_units] pre-activations: of units upright and, after them, turned."""
    n_rows = len(inputs)
    if mirror:
        inputs = inputs.with_flipped()
    columns = W1.T  # (6400, hidden_units), each pixel's weights lie together
    loaded = "scipy.sparse" in sys.modules
    if len(inputs) >= (_SCIPY_FROM_ROWS if loaded else _SCIPY_IMPORT_FROM_ROWS):
        rows: Floats = _to_scipy(inputs, W1.dtype) @ columns
    else:
        rows = _sums_of_columns(columns, inputs)
    return np.concatenate([rows[:n_rows], rows[n_rows:]], axis=1) if mirror else rows


def _sums_of_columns(columns: Floats, inputs: SparseRows) -> Floats:
    """Do what SciPy's product does, by the same additions in the same order."""
    starts, ends = inputs.offsets[:-1].tolist(), inputs.offsets[1:].tolist()
    rows = np.empty((len(inputs), columns.shape[1]), columns.dtype)
    plain = bool((inputs.values == 1).all())
    for row, start, end in zip(rows, starts, ends, strict=True):
        lit = columns.take(inputs.indices[start:end], axis=0)
        if not plain:
            lit *= inputs.values[start:end, np.newaxis]
        np.add.reduce(lit, axis=0, out=row)
    return rows


def _to_scipy(inputs: SparseRows, dtype: "np.dtype[Any]") -> "csr_array[Any]":
    matrix = copy.copy(_empty_rows(len(inputs), inputs.width, dtype))
    matrix.data = inputs.values.astype(dtype)
    matrix.indices = inputs.indices.astype(np.int32)
    matrix.indptr = inputs.offsets.astype(np.int32)
    return matrix


@functools.lru_cache(maxsize=8)
def _empty_rows(n_rows: int, width: int, dtype: "np.dtype[Any]") -> "csr_array[Any]":
    """Return what a matrix is made from at a fifth of the time of SciPy's constructor."""
    from scipy.sparse import csr_array  # 0.15 s that acting need not pay

    return csr_array((n_rows, width), dtype=dtype)
