"""The policy network in NumPy: pixels -> 200 ReLU units -> probability of UP.

    a_n = W1 x_n                 hidden pre-activation, [hidden_units]
    h_n = max(a_n, 0)            hidden state
    l_n = W2 . h_n               logit of UP
    p_n = 1 / (1 + exp(-l_n))    probability of UP

as in the notebook's `Model.policy_forward` and `Model.policy_backward`. An input row has 10 to 50
non-zeros out of 6,400, so the first layer is a sum of a few columns of W1: W1 is stored column by
column (Fortran order) for it. All sums run in one fixed order, row by row and without BLAS, so a
row's result does not depend on its neighbours in the batch, nor on the number of threads.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.observation import N_PIXELS, SparseRows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Parameters = dict[str, Floats]

# From this many rows on the first layer is SciPy's product (about 5 us a row where the loop in
# NumPy takes 12); below, it is the loop, so that acting never pays for SciPy's import.
_SCIPY_FROM_ROWS = 64


def init_parameters(generator: np.random.Generator, hidden_units: int) -> Parameters:
    """Draw the weights as the notebook does: standard normal over the root of the fan-in.

    Args:
        generator: source of the normal numbers; W1 is drawn before W2.
        hidden_units: number of hidden units.

    Returns:
        "W1" of shape (hidden_units, 6400) and "W2" of shape (hidden_units,), float64.
    """
    W1 = generator.standard_normal((hidden_units, N_PIXELS)) / np.sqrt(N_PIXELS)
    W2 = generator.standard_normal(hidden_units) / np.sqrt(hidden_units)
    return {"W1": np.asfortranarray(W1), "W2": W2}


def parameter_shapes(hidden_units: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter by name."""
    return {"W1": (hidden_units, N_PIXELS), "W2": (hidden_units,)}


def check_parameters(
    arrays: Mapping[str, Floats], shapes: Mapping[str, tuple[int, ...]]
) -> Parameters:
    """Return arrays by name in this module's memory order, refusing what does not fit.

    Raises:
        ValueError: a name, shape or dtype differs from what was expected, or a value is not finite.
    """
    if set(arrays) != set(shapes):
        raise ValueError(f"expected arrays named {sorted(shapes)}, found {sorted(arrays)}")
    for name, shape in shapes.items():
        array = np.asarray(arrays[name])
        if array.shape != shape or array.dtype != np.float64:
            raise ValueError(
                f"{name}: expected float64 of shape {shape}, "
                f"found {array.dtype} of shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers, found others")
    return {name: np.asarray(arrays[name], order="F") for name in shapes}


def forward(parameters: Parameters, inputs: SparseRows) -> tuple[Floats, Floats]:
    """Compute the probability of UP.

    Args:
        parameters: "W1" (hidden_units, 6400) and "W2" (hidden_units,), float64.
        inputs: N sparse rows of 6,400 pixels.

    Returns:
        [N] float64, probability of UP, and [N, hidden_units] float64, the hidden states.
    """
    hidden = np.maximum(_first_layer(parameters["W1"], inputs), 0.0)
    logits = (hidden * parameters["W2"]).sum(axis=1)
    return sigmoid(logits), hidden


def backward(
    parameters: Parameters, inputs: SparseRows, hidden: Floats, logit_gradients: Floats
) -> Parameters:
    """Carry gradients at the logits back to the weights, summed over the rows.

    Args:
        parameters: as for `forward`.
        inputs: the N rows that `forward` was given.
        hidden: [N, hidden_units] float64, the hidden states that it returned.
        logit_gradients: [N] float64, gradient of the objective with respect to each logit.

    Returns:
        The gradient of the objective for each parameter, with its name and shape.
    """
    column = logit_gradients[:, np.newaxis]
    hidden_gradients = np.where(hidden > 0, column * parameters["W2"], 0.0)
    return {
        "W1": (_to_scipy(inputs).T @ hidden_gradients).T,
        "W2": (column * hidden).sum(axis=0),
    }


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


def _first_layer(W1: Floats, inputs: SparseRows) -> Floats:
    columns = W1.T  # (6400, hidden_units), each pixel's weights lie together
    if len(inputs) >= _SCIPY_FROM_ROWS:
        product: Floats = _to_scipy(inputs) @ columns
        return product
    starts, ends = inputs.offsets[:-1].tolist(), inputs.offsets[1:].tolist()
    rows = np.empty((len(inputs), len(W1)))
    for row, start, end in zip(rows, starts, ends, strict=True):
        signed = columns[inputs.indices[start:end]] * inputs.values[start:end, np.newaxis]
        signed.sum(axis=0, out=row)
    return rows


def _to_scipy(inputs: SparseRows) -> "csr_array[Any]":
    from scipy.sparse import csr_array  # 0.15 s that acting need not pay

    return csr_array(
        (inputs.values.astype(np.float64), inputs.indices.astype(np.int32), inputs.offsets),
        shape=(len(inputs), N_PIXELS),
    )
