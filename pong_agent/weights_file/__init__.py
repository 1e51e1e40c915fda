"""An agent as one `.npz` file: a checkpoint to resume from, or exported weights to act with."""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import PaddleActions
from pong_agent.config import AgentConfig
from pong_agent.learning.algorithm import Algorithm, algorithm_of
from pong_agent.learning.progress import Progress
from pong_agent.network import Floats, Parameters, check_arrays, stand_in
from pong_agent.seeding import Stream, generator
from pong_agent.weights_file.archive import CheckpointError, load_arrays, save_arrays
from pong_agent.weights_file.metadata import from_sections, migrated, to_sections

_PARAMETERS, _OPTIMIZER = "parameters/", "optimizer/"
_HALF_PRECISION = "float16/"  # prefix of exported weights
_DEFAULT_ACTIONS = PaddleActions(down=3, up=2, stay=0)  # of ALE/Pong-v5


@dataclass(frozen=True)
class AgentState:
    """All that an agent is, but for the fields that it remembers from frame to frame.

    Attributes:
        config: the hyperparameters.
        seed: seed of the initial weights and of the streams of `seeding`.
        parameters: the weights by name.
        optimizer_state: what an update passes on to the next one, besides the parameters.
        generator: samples actions in `act` and `predict`.
        progress: counters of learning.
        paddle_actions: indices of the actions in the environment that the agent is bound to.
        model_card: origin and scores of exported weights.
    """

    config: AgentConfig
    seed: int
    parameters: Parameters
    optimizer_state: Parameters
    generator: np.random.Generator
    progress: Progress = field(default_factory=Progress)
    paddle_actions: PaddleActions = _DEFAULT_ACTIONS
    model_card: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def algorithm(self) -> Algorithm:
        """The algorithm of the configuration, without annealing."""
        return algorithm_of(self.config)

    @functools.cached_property
    def action_indices(self) -> NDArray[np.int64]:
        """`paddle_actions` as an array."""
        return np.array(self.paddle_actions)

    @classmethod
    def initial(cls, config: AgentConfig, seed: int) -> "AgentState":
        """Return the state before the first update."""
        algorithm = algorithm_of(config)
        parameters = algorithm.init_parameters(generator(seed, Stream.WEIGHTS))
        optimizer_state = algorithm.init_optimizer(parameters)
        actions = generator(seed, Stream.AGENT_ACTIONS)
        return cls(config, seed, parameters, optimizer_state, actions)


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
    """Read what `save_state` or `export_state` wrote, in this version or an older one.

    Raises:
        CheckpointError: the file is missing, damaged, foreign, or of a newer format.
    """
    arrays, metadata = load_arrays(path)
    try:
        metadata = migrated(metadata)
        config, paddle_actions = from_sections(metadata, str(path))
        parameters, optimizer_state = _weights(arrays, algorithm_of(config))
        actions = np.random.default_rng()
        actions.bit_generator.state = metadata["generator"]
        seed = metadata["seed"]
        if type(seed) is not int or seed < 0:
            raise ValueError(f"seed: expected an int of 0 or more, found {seed!r}")
        return AgentState(
            config=config,
            seed=seed,
            parameters=parameters,
            optimizer_state=optimizer_state,
            generator=actions,
            progress=Progress.from_dict(metadata["progress"]),
            paddle_actions=paddle_actions,
            model_card=dict(metadata["model_card"]),
        )
    except Warning:
        raise  # UnknownFieldsWarning, where warnings are errors
    # A foreign file can make any of these calls raise anything: in all cases it is not an agent.
    except Exception as error:
        reason = error if isinstance(error, ValueError | TypeError) else repr(error)
        raise CheckpointError(f"{path}: not a valid agent: {reason}") from error


def _metadata(state: AgentState) -> dict[str, Any]:
    return {
        **to_sections(state.config, state.paddle_actions),
        "seed": state.seed,
        "progress": asdict(state.progress),
        "generator": state.generator.bit_generator.state,
        "model_card": dict(state.model_card),
    }


def _weights(arrays: Mapping[str, Floats], algorithm: Algorithm) -> tuple[Parameters, Parameters]:
    """Return checked parameters and optimizer state; a fresh one for exported weights."""
    expected = algorithm.expected_parameters()
    half = _with_prefix(arrays, _HALF_PRECISION)
    if not half:
        parameters = check_arrays(_with_prefix(arrays, _PARAMETERS), expected)
        fresh = algorithm.init_optimizer(parameters)
        return parameters, check_arrays(_with_prefix(arrays, _OPTIMIZER), fresh)
    halves = {name: stand_in(like.shape, np.float16) for name, like in expected.items()}
    exported = check_arrays(half, halves)
    parameters = {name: array.astype(expected[name].dtype) for name, array in exported.items()}
    return parameters, algorithm.init_optimizer(parameters)


def _with_prefix(arrays: Mapping[str, Floats], prefix: str) -> Parameters:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
