"""The policy network in NumPy: pixels -> 200 ReLU units -> probability of UP, and value.

    a_n = W1 x_n                 hidden pre-activation, [hidden_units]
    h_n = max(a_n, 0)            hidden state
    l_n = W2 . h_n               logit of UP
    p_n = 1 / (1 + exp(-l_n))    probability of UP
    v_n = Wv . h_n + bv          value estimate, where the algorithm has one

The first four lines are the notebook's `Model.policy_forward`. An input row has 10 to 60 non-zeros
out of 6,400 or 12,800, so the first layer is a sum of a few columns of W1: W1 is stored column by
column (Fortran order) for it. All sums run in one fixed order, row by row and without BLAS, so a
row's result does not depend on its neighbours in the batch, nor on the number of threads.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.observation import FIELD_SHAPE, N_PIXELS, SparseRows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.floating[Any]]  # float64 for reinforce, float32 for ppo
Parameters = dict[str, Floats]

# From this many rows on the first layer is SciPy's product (about 5 us a row where the loop in
# NumPy takes 12); below, it is the loop, so that acting never pays for SciPy's import.
_SCIPY_FROM_ROWS = 64


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


def init_actor_critic(
    generator: np.random.Generator,
    hidden_units: int,
    input_size: int,
    *,
    scale: float,
    smoothing: float,
) -> Parameters:
    """Draw a policy with a value head, whose first layer is smooth across the picture.

    Each hidden unit's weights are a picture for each frame; white noise is blurred with a Gaussian
    and brought back to unit variance, so that a ball moved by a pixel excites nearly the same
    units from the first update on.

    Args:
        generator: source of the normal numbers.
        hidden_units: number of hidden units.
        input_size: number of columns of the input, a multiple of 6,400.
        scale: standard deviation of a hidden pre-activation for 50 lit pixels, were the weights
            independent.
        smoothing: standard deviation of the Gaussian in pixels; 0 for none.

    Returns:
        "W1" (hidden_units, input_size), "W2" and "Wv" (hidden_units,), "bv" (1,), float32.
    """
    W1 = generator.standard_normal((hidden_units, input_size))
    if smoothing:
        from scipy.ndimage import gaussian_filter  # only a new agent needs it

        pictures = W1.reshape(hidden_units, -1, *FIELD_SHAPE)
        blurred = gaussian_filter(pictures, (0, 0, smoothing, smoothing), mode="nearest")
        W1 = (blurred / blurred.std()).reshape(hidden_units, input_size)
    head = 0.1 / np.sqrt(hidden_units)  # small, so that the first policy is near a coin's
    parameters = {
        "W1": W1 * (scale / np.sqrt(50)),
        "W2": generator.standard_normal(hidden_units) * head,
        "Wv": generator.standard_normal(hidden_units) * head,
        "bv": np.zeros(1),
    }
    return {name: np.asarray(array, np.float32, order="F") for name, array in parameters.items()}


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
    """Compute the logit of UP.

    With `mirror`, half of the hidden units are the others looking at the picture upside down,
    `h' = max(W1 flip(x), 0)`, and `l = W2 . (h - h')`: turning the picture over turns UP into DOWN,
    as it does in Pong, without a weight of its own.

    Args:
        parameters: "W1" (hidden_units, width) and "W2" (hidden_units,); of half the units with
            `mirror`.
        inputs: N sparse rows.
        mirror: whether the policy is mirror-symmetric.

    Returns:
        [N] logits, and [N, hidden_units] hidden states, of the parameters' dtype.
    """
    hidden = _first_layer(parameters["W1"], inputs)
    if mirror:
        hidden = np.concatenate([hidden, _first_layer(parameters["W1"], inputs.flipped())], axis=1)
    np.maximum(hidden, 0, out=hidden)
    return (hidden * _both(parameters["W2"], -1, mirror)).sum(axis=1), hidden


def values(parameters: Parameters, hidden: Floats, *, mirror: bool = False) -> Floats:
    """Compute [N] value estimates from [N, hidden_units] hidden states.

    With `mirror`, `v = Wv . (h + h') + bv`: a picture turned over is worth the same.
    """
    return np.asarray((hidden * _both(parameters["Wv"], 1, mirror)).sum(axis=1) + parameters["bv"])


def backward(
    parameters: Parameters,
    inputs: SparseRows,
    hidden: Floats,
    logit_gradients: Floats,
    value_gradients: Floats | None = None,
    *,
    mirror: bool = False,
) -> Parameters:
    """Carry gradients at the outputs back to the weights, summed over the rows.

    Args:
        parameters: as for `forward` and `values`.
        inputs: the N rows that `forward` was given.
        hidden: [N, hidden_units], the hidden states that it returned.
        logit_gradients: [N], gradient of the objective with respect to each logit.
        value_gradients: [N], the same for each value, where there are values.
        mirror: as for `forward`.

    Returns:
        The gradient of the objective for each parameter, with its name and shape.
    """
    at_logits = logit_gradients[:, np.newaxis]
    hidden_gradients = at_logits * _both(parameters["W2"], -1, mirror)
    gradients = {"W2": _merged((at_logits * hidden).sum(axis=0), -1, mirror)}
    if value_gradients is not None:
        at_values = value_gradients[:, np.newaxis]
        hidden_gradients += at_values * _both(parameters["Wv"], 1, mirror)
        gradients["Wv"] = _merged((at_values * hidden).sum(axis=0), 1, mirror)
        gradients["bv"] = at_values.sum(axis=0)
    hidden_gradients *= hidden > 0
    own, n_own = hidden_gradients, len(parameters["W1"])
    if mirror:
        own = np.ascontiguousarray(hidden_gradients[:, :n_own])
    columns = _to_scipy(inputs, hidden.dtype).T @ own
    if mirror:
        mirrored = np.ascontiguousarray(hidden_gradients[:, n_own:])
        columns += _to_scipy(inputs.flipped(), hidden.dtype).T @ mirrored
    gradients["W1"] = columns.T
    return gradients


def _both(head: Floats, sign: int, mirror: bool) -> Floats:
    """Return an output's weights for the hidden units and, signed, for their mirror images."""
    return np.concatenate([head, sign * head]) if mirror else head


def _merged(gradient: Floats, sign: int, mirror: bool) -> Floats:
    """Return the gradient of `head` from the one of `_both(head)`."""
    if not mirror:
        return gradient
    own, mirrored = np.split(gradient, 2)
    return own + sign * mirrored


def choose_up(probabilities: Floats, generator: np.random.Generator | None) -> NDArray[np.bool_]:
    """Decide for UP with the given probabilities, or where there is no generator, for the likelier.

    Args:
        probabilities: [N] float64, probability of UP.
        generator: source of one uniform number for each; None to decide greedily.

    Returns:
        [N] bool, whether UP is taken; `uniform < probability` as in the notebook.
    """
    thresholds = 0.5 if generator is None else generator.random(len(probabilities))
    return np.asarray(thresholds < probabilities)


def sigmoid(logits: Floats) -> Floats:
    """Compute `1 / (1 + exp(-logit))` without overflow."""
    decay = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, decay) / (1.0 + decay)


def bernoulli_entropy(probabilities: Floats) -> Floats:
    """Compute `-p log p - (1-p) log(1-p)` in nats, 0 where p is 0 or 1."""
    p, q = probabilities, 1 - probabilities
    tiny = np.finfo(p.dtype).tiny  # 0 log 0 is 0
    return np.asarray(-(p * np.log(np.maximum(p, tiny)) + q * np.log(np.maximum(q, tiny))))


def _first_layer(W1: Floats, inputs: SparseRows) -> Floats:
    columns = W1.T  # (6400, hidden_units), each pixel's weights lie together
    if len(inputs) >= _SCIPY_FROM_ROWS:
        product: Floats = _to_scipy(inputs, W1.dtype) @ columns
        return product
    starts, ends = inputs.offsets[:-1].tolist(), inputs.offsets[1:].tolist()
    rows = np.empty((len(inputs), len(W1)), W1.dtype)
    for row, start, end in zip(rows, starts, ends, strict=True):
        signed = columns[inputs.indices[start:end]] * inputs.values[start:end, np.newaxis]
        signed.sum(axis=0, out=row)
    return rows


def _to_scipy(inputs: SparseRows, dtype: "np.dtype[Any]") -> "csr_array[Any]":
    from scipy.sparse import csr_array  # 0.15 s that acting need not pay

    return csr_array(
        (
            inputs.values.astype(dtype),
            inputs.indices.astype(np.int32),
            inputs.offsets.astype(np.int32),
        ),
        shape=(len(inputs), inputs.width),
    )
