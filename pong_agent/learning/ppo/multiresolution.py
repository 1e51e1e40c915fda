"""Adam for a first layer of pixel and block weights, on the pixels that a batch lights.

With W1 = fine + spread(coarse), as `blocks` has it, Adam moves W1 by

    W1 <- W1 + step + sum over b of spread(step_b)

where step is Adam's for each pixel's gradient and step_b Adam's for the gradients summed over each
kind of block. While an update goes through its batch, only the columns of W1 that the batch lights
have gradients, so the steps are made on a copy of these alone. Afterwards the other columns catch
up: what momentum they have carries them on, and the blocks' steps are theirs too, which is how a
pixel that lights up for the first time knows something.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pong_agent.learning.adam import adam_descent, adam_without_gradient
from pong_agent.learning.ppo.blocks import Block, LitBlocks, add_spread
from pong_agent.network import Parameters

_MOMENTS = ("mean", "square")

# Name of the weights of all blocks, (units, B), of which an update knows the sums of their steps.
_BLOCKS = "blocks"


def narrowed(
    parameters: Parameters,
    state: Parameters,
    columns: NDArray[np.int64],
    blocks: Sequence[Block],
) -> tuple[Parameters, Parameters]:
    """Copy what `multiresolution_adam_descent` changes.

    Args:
        parameters: name -> weights, "W1" among them.
        state: "mean/NAME" and "square/NAME" of each weight and, as "W1/B", of each kind of block;
            "step".
        columns: [C] int64, those of W1 that get gradients.
        blocks: kinds of blocks.

    Returns:
        Parameters with W1 (units, C) and zeros (units, B) named "blocks", for all blocks of all
        kinds in turn, and Adam's state for them.
    """
    weights = {name: array.copy(order="K") for name, array in parameters.items() if name != "W1"}
    weights["W1"] = parameters["W1"].T[columns].T
    moments = {"step": state["step"].copy()}
    for moment in _MOMENTS:
        for name in weights:
            moments[f"{moment}/{name}"] = state[f"{moment}/{name}"].copy(order="K")
        moments[f"{moment}/W1"] = state[f"{moment}/W1"].T[columns].T
        of_blocks = [state[f"{moment}/W1/{block}"].T for block in blocks]
        none = np.zeros((0, len(weights["W1"])), weights["W1"].dtype)
        moments[f"{moment}/{_BLOCKS}"] = np.concatenate([none, *of_blocks]).T
    weights[_BLOCKS] = np.zeros_like(moments[f"mean/{_BLOCKS}"])
    return weights, moments


def multiresolution_adam_descent(
    weights: Parameters,
    gradients: Parameters,
    moments: Parameters,
    blocks: LitBlocks,
    **options: float,
) -> None:
    """Take one Adam step downhill with block weights beside W1's own, in place.

    Args:
        weights: as `narrowed` returns them; changed.
        gradients: name -> gradient of the loss, without the blocks'.
        moments: as `narrowed` returns them; changed.
        blocks: those that W1's columns lie in.
        **options: the other arguments of `adam_descent`.
    """
    steps = np.zeros_like(weights[_BLOCKS])
    of_blocks = blocks.pool(gradients["W1"])
    adam_descent({**weights, _BLOCKS: steps}, {**gradients, _BLOCKS: of_blocks}, moments, **options)
    weights[_BLOCKS] += steps
    blocks.add_spread(weights["W1"], steps)


def widened(
    parameters: Parameters,
    state: Parameters,
    weights: Parameters,
    moments: Parameters,
    columns: NDArray[np.int64],
    blocks: Sequence[Block],
    **options: float,
) -> tuple[Parameters, Parameters]:
    """Bring the steps made on some columns back to all parameters.

    Args:
        parameters: as they were given to `narrowed`; left untouched, as all arguments are.
        state: likewise.
        weights: what `narrowed` returned, after some steps.
        moments: likewise.
        columns: as for `narrowed`.
        blocks: likewise.
        **options: those that the steps were made with.

    Returns:
        New parameters, and new state of Adam, as if all steps had been made on all columns.
    """
    steps_before = float(state["step"][0])
    n_steps = round(float(moments["step"][0]) - steps_before)
    wide = adam_without_gradient(
        parameters["W1"],
        state["mean/W1"],
        state["square/W1"],
        steps_before=steps_before,
        n_steps=n_steps,
        **options,
    )
    sizes = [state[f"mean/W1/{block}"].shape[1] for block in blocks]
    ends = np.cumsum([0, *sizes])
    kinds = [slice(*between) for between in pairwise(ends)]
    add_spread(wide[0], [weights[_BLOCKS][:, kind] for kind in kinds], blocks)
    narrow = (weights["W1"], moments["mean/W1"], moments["square/W1"])
    for array, own in zip(wide, narrow, strict=True):
        array.T[columns] = own.T
    new_parameters = {name: weights[name] for name in parameters} | {"W1": wide[0]}
    new_state = {**moments, "mean/W1": wide[1], "square/W1": wide[2]}
    for moment in _MOMENTS:
        of_blocks = new_state.pop(f"{moment}/{_BLOCKS}")
        for block, kind in zip(blocks, kinds, strict=True):
            new_state[f"{moment}/W1/{block}"] = of_blocks[:, kind].copy(order="F")
    return new_parameters, new_state
