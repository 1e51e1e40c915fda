"""An agent as one `.npz` file: a checkpoint to go on from, or weights for others."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pong_agent.actions import PaddleActions
from pong_agent.checkpoint import CheckpointError, load_arrays, save_arrays
from pong_agent.config import AgentConfig
from pong_agent.hyperparams import config_from_dict, config_to_dict
from pong_agent.learning import algorithm_of
from pong_agent.learning.progress import Progress
from pong_agent.network import Floats, Parameters, check_arrays, stand_in

_PARAMETERS, _OPTIMIZER = "parameters/", "optimizer/"
_HALF_PRECISION = "float16/"  # begins the names of exported weights


@dataclass(frozen=True)
class AgentState:
    """All that an agent goes on from.

    Attributes:
        config: the hyperparameters.
        seed: what the agent was made with.
        progress: counters of what was learned.
        parameters: the weights by name.
        optimizer_state: what goes on from update to update besides them.
        generator: state of the generator that samples actions, as NumPy gives it.
        paddle_actions: what the agent is bound to.
        model_card: where exported weights come from and how they score.
    """

    config: AgentConfig
    seed: int
    progress: Progress
    parameters: Parameters
    optimizer_state: Parameters
    generator: Mapping[str, Any]
    paddle_actions: PaddleActions
    model_card: dict[str, Any]


def save_state(path: str | Path, state: AgentState) -> None:
    """Write everything, complete or not at all.

    Raises:
        CheckpointError: the file cannot be written.
    """
    arrays = {
        **{f"{_PARAMETERS}{name}": array for name, array in state.parameters.items()},
        **{f"{_OPTIMIZER}{name}": array for name, array in state.optimizer_state.items()},
    }
    save_arrays(path, arrays, _metadata(state))


def export_state(path: str | Path, state: AgentState) -> None:
    """Write everything but the optimizer's state, the weights as float16.

    Raises:
        CheckpointError: the file cannot be written, or a weight is too large for float16.
    """
    arrays = {}
    for name, array in state.parameters.items():
        if np.abs(array).max() > np.finfo(np.float16).max:
            raise CheckpointError(f"{path}: {name} has weights too large for float16")
        arrays[f"{_HALF_PRECISION}{name}"] = array.astype(np.float16)
    save_arrays(path, arrays, _metadata(state))


def load_state(path: str | Path) -> AgentState:
    """Read what `save_state` or `export_state` wrote.

    Raises:
        CheckpointError: the file is missing, damaged, foreign, or of a newer format.
    """
    arrays, metadata = load_arrays(path)
    try:
        config = config_from_dict(metadata["config"])
        parameters, optimizer_state = _weights(arrays, config)
        state = AgentState(
            config=config,
            seed=_count(metadata["seed"]),
            progress=Progress.from_dict(metadata["progress"]),
            parameters=parameters,
            optimizer_state=optimizer_state,
            generator=metadata["generator"],
            paddle_actions=PaddleActions(
                **{name: _count(index) for name, index in metadata["actions"].items()}
            ),
            model_card=dict(metadata["model_card"]),
        )
        np.random.default_rng().bit_generator.state = state.generator  # refuses a wrong one
    # Whatever else a stranger's file provokes in what it is handed to, it is not an agent.
    except Exception as error:
        reason = error if isinstance(error, ValueError | TypeError) else repr(error)
        raise CheckpointError(f"{path}: not a valid agent: {reason}") from error
    return state


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected an int of 0 or more, found {value!r}")
    return value


def _metadata(state: AgentState) -> dict[str, Any]:
    return {
        "config": config_to_dict(state.config),
        "seed": state.seed,
        "progress": asdict(state.progress),
        "generator": state.generator,
        "actions": state.paddle_actions._asdict(),
        "model_card": state.model_card,
    }


def _weights(arrays: Mapping[str, Floats], config: AgentConfig) -> tuple[Parameters, Parameters]:
    """Return checked parameters and optimizer state; a fresh one for exported weights."""
    algorithm = algorithm_of(config)
    expected = algorithm.expected_parameters(config)
    half = _with_prefix(arrays, _HALF_PRECISION)
    if not half:
        parameters = check_arrays(_with_prefix(arrays, _PARAMETERS), expected)
        fresh = algorithm.init_optimizer(parameters, config)
        return parameters, check_arrays(_with_prefix(arrays, _OPTIMIZER), fresh)
    halves = {name: stand_in(like.shape, np.float16) for name, like in expected.items()}
    exported = check_arrays(half, halves)
    parameters = {name: array.astype(expected[name].dtype) for name, array in exported.items()}
    return parameters, algorithm.init_optimizer(parameters, config)


def _with_prefix(arrays: Mapping[str, Floats], prefix: str) -> Parameters:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
