"""`PongAgent`: what acts on frames, learns from batches, and is saved and loaded."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.algorithms.reinforce import init_optimizer, reinforce_update
from pong_agent.batch import Batch, BatchError
from pong_agent.checkpoint import CheckpointError, load_arrays, save_arrays
from pong_agent.environment import find_paddle_actions
from pong_agent.network import (
    Floats,
    check_parameters,
    choose_up,
    forward,
    init_parameters,
    parameter_shapes,
)
from pong_agent.observation import (
    ObservationError,
    as_batch,
    difference,
    preprocess_frames,
)
from pong_agent.presets import (
    ConfigError,
    ReinforceConfig,
    config_from_dict,
    config_to_dict,
    resolve_preset,
)
from pong_agent.progress import Progress

# Previous playing fields, (N, 80, 80) uint8: all that the policy remembers. A tuple, as the states
# of Stable-Baselines3 are.
PolicyState = tuple[NDArray[np.uint8]]


class PongAgent:
    """A policy that plays Pong from pixels, and its learning.

    Args:
        preset: name of a preset, or a configuration of its own.
        seed: seed of the initial weights and of the sampling of actions.
        env: a Pong environment to `bind` to; by default the agent's actions are those of
            `gym.make("ALE/Pong-v5")`, where 2 is up and 3 is down.

    Attributes:
        config: the hyperparameters, frozen.
        progress: counters of what was learned.
        up_action: index of UP in the environment's action space.
        down_action: index of DOWN.

    Raises:
        ConfigError: there is no preset of that name.
        NotPongError: `env` is not Pong.

    Example:
        >>> agent = PongAgent("reinforce", seed=0)
        >>> frame = np.zeros((210, 160, 3), dtype=np.uint8)  # what env.reset() returns
        >>> agent.act(frame) in (2, 3)
        True
    """

    def __init__(
        self, preset: str | ReinforceConfig = "reinforce", seed: int = 0, *, env: Any = None
    ) -> None:
        self.config = resolve_preset(preset)
        self.progress = Progress()
        self.up_action, self.down_action = (2, 3)
        if env is not None:
            self.bind(env)
        weights_seed, actions_seed = np.random.SeedSequence(seed).spawn(2)
        self._parameters = init_parameters(
            np.random.default_rng(weights_seed), self.config.hidden_units
        )
        self._optimizer_state = init_optimizer(self._parameters)
        self._generator = np.random.default_rng(actions_seed)
        self._previous: NDArray[np.uint8] | None = None
        self._starts = np.zeros(0, dtype=np.bool_)

    @property
    def parameters(self) -> Mapping[str, Floats]:
        """The weights: "W1" (hidden_units, 6400) and "W2" (hidden_units,), float64."""
        return MappingProxyType(self._parameters)

    def set_parameters(self, parameters: Mapping[str, Floats]) -> None:
        """Replace the weights.

        Raises:
            ValueError: a name, shape or dtype differs or a value is not finite; the weights stay.
        """
        self._parameters = check_parameters(parameters, self._shapes())

    def bind(self, env: Any) -> "PongAgent":
        """Find UP and DOWN in the action space of `env` by their meanings, and use these.

        Returns:
            The agent itself.

        Raises:
            NotPongError: the environment is not Pong, or has no such actions.
        """
        self.up_action, self.down_action = find_paddle_actions(env)
        return self

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Start an episode: forget the previous frame.

        Args:
            mask: [N] bool, which environments of a batch start one; by default all do.

        Raises:
            ObservationError: the mask does not fit the batch that `act` was given before.
        """
        if mask is None:
            self._previous = None
            return
        mask = np.asarray(mask)
        if self._previous is None:
            return  # every environment starts anyway
        if mask.dtype != np.bool_ or mask.shape != self._starts.shape:
            raise ObservationError(
                f"mask: expected bool of shape {self._starts.shape} as in the last act, "
                f"found {mask.dtype} of shape {mask.shape}"
            )
        self._starts = self._starts | mask

    def act(self, observation: Any, *, deterministic: bool = False) -> Any:
        """Choose an action, remembering the frame for the next call.

        Args:
            observation: one raw frame, (210, 160, 3) uint8, or a batch of N of them, whose
                environments keep their order from call to call.
            deterministic: take the more probable action; by default the action is sampled.

        Returns:
            An index of the environment's action space: an int, or [N] int64 for a batch.

        Raises:
            ObservationError: the observation is no raw frame, or the batch has another size than
                the one before (call `reset()` first).
        """
        frames, single = as_batch(observation)
        state = None
        if self._previous is not None:
            if len(self._previous) != len(frames):
                raise ObservationError(
                    f"expected {len(self._previous)} frames as in the last act, "
                    f"found {len(frames)}; call reset() to start with another number"
                )
            state = (self._previous,)
        probabilities, (fields,) = self.up_probability(frames, state, self._starts)
        self._previous = fields
        self._starts = np.zeros(len(frames), dtype=np.bool_)
        actions = self._choose(probabilities, deterministic)
        return int(actions[0]) if single else actions

    def predict(
        self,
        observation: Any,
        state: PolicyState | None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.int64], PolicyState]:
        """Choose an action by the contract of Stable-Baselines3: state in, state out.

        Nothing is remembered but the position of the random generator; `act` is not disturbed.

        Args:
            observation: one raw frame, (210, 160, 3) uint8, or a batch of N of them.
            state: what the last call returned, None at the start.
            episode_start: [N] bool, which environments start an episode.
            deterministic: take the more probable action.

        Returns:
            The action, int64 of shape () or [N], and the state for the next call.

        Raises:
            ObservationError: the observation is no raw frame, or the state does not fit it.
        """
        frames, single = as_batch(observation)
        probabilities, new_state = self.up_probability(frames, state, episode_start)
        actions = self._choose(probabilities, deterministic)
        return (actions.reshape(()) if single else actions), new_state

    def up_probability(
        self,
        frames: NDArray[np.uint8],
        state: PolicyState | None = None,
        episode_start: NDArray[np.bool_] | None = None,
    ) -> tuple[Floats, PolicyState]:
        """Compute the probability of UP: the one path from raw frames to a decision.

        Args:
            frames: (N, 210, 160, 3) uint8.
            state: what the last call returned for the frames before these, None at the start.
            episode_start: [N] bool, where the frame is an episode's first.

        Returns:
            [N] float64, and the state for the next call.

        Raises:
            ObservationError: these are no raw frames, or the state does not fit them.
        """
        current = preprocess_frames(frames)
        previous = current
        if state is not None:
            (previous,) = state
            if previous.shape != current.shape:
                raise ObservationError(
                    f"state: expected fields of shape {current.shape}, found {previous.shape}"
                )
            if episode_start is not None and np.any(episode_start):
                starts = np.reshape(episode_start, (-1, 1, 1)).astype(np.bool_)
                previous = np.where(starts, current, previous)
        probabilities, _ = forward(self._parameters, difference(current, previous))
        return probabilities, (current,)

    def learn_from_batch(self, batch: Batch) -> dict[str, float]:
        """Make one update of the weights from a batch of trajectories.

        Args:
            batch: whole episodes, played by the current weights for an unbiased gradient.

        Returns:
            Metrics of the update: "episodes", "agent_steps", "ep_rew_mean" (mean return),
            "ep_len_mean" (agent steps), "running_return", "entropy" (nats), "grad_norm".

        Raises:
            BatchError: the batch is not valid or was made for another kind of observation.
            LearningError: the update would not be finite.
                After either error the weights and the optimizer's state are as they were.

        Example:
            >>> from pong_agent import Batch, TrajectoryBuilder
            >>> builder = TrajectoryBuilder()
            >>> for reward in (0.0, 1.0):
            ...     builder.append(np.eye(80, dtype=np.uint8), up=True, reward=reward)
            >>> agent = PongAgent("reinforce")
            >>> agent.learn_from_batch(Batch([builder.build()]))["ep_rew_mean"]
            1.0
        """
        if not isinstance(batch, Batch):
            raise BatchError(f"batch: expected a Batch, found {type(batch).__name__}")
        batch.validate(self.config.observation)
        parameters, optimizer_state, metrics = reinforce_update(
            self._parameters, self._optimizer_state, batch, self.config
        )
        self._parameters, self._optimizer_state = parameters, optimizer_state
        self.progress = self.progress.after(batch, self.config.running_return_decay)
        running_return = float(self.progress.running_return or 0.0)
        return {**batch.statistics(), "running_return": running_return, **metrics}

    def save(self, path: str | Path) -> None:
        """Write everything the agent needs to go on to one `.npz` file, complete or not at all.

        Raises:
            CheckpointError: the file cannot be written.
        """
        arrays = {
            **{f"parameters/{name}": array for name, array in self._parameters.items()},
            **{f"optimizer/{name}": array for name, array in self._optimizer_state.items()},
        }
        metadata = {
            "config": config_to_dict(self.config),
            "progress": asdict(self.progress),
            "generator": self._generator.bit_generator.state,
            "actions": [self.up_action, self.down_action],
        }
        save_arrays(path, arrays, metadata)

    @classmethod
    def load(cls, path: str | Path) -> "PongAgent":
        """Read an agent that `save` wrote; it acts and learns on as if it had never stopped.

        The frames that it saw before are not in the file: it is at the start of an episode, as
        after `reset()`.

        Raises:
            CheckpointError: the file is missing, damaged, foreign, or of a newer format.
        """
        arrays, metadata = load_arrays(path)
        try:
            agent = cls(config_from_dict(metadata["config"]))
            agent.progress = Progress(**metadata["progress"])
            agent._generator.bit_generator.state = metadata["generator"]
            agent.up_action, agent.down_action = metadata["actions"]
            shapes = agent._shapes()
            agent._parameters = check_parameters(_with_prefix(arrays, "parameters/"), shapes)
            agent._optimizer_state = check_parameters(_with_prefix(arrays, "optimizer/"), shapes)
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: not a valid agent: {error}") from error
        return agent

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return parameter_shapes(self.config.hidden_units)

    def _choose(self, probabilities: Floats, deterministic: bool) -> NDArray[np.int64]:
        up = choose_up(probabilities, None if deterministic else self._generator)
        return np.where(up, self.up_action, self.down_action)


def _with_prefix(arrays: Mapping[str, Floats], prefix: str) -> dict[str, Floats]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
