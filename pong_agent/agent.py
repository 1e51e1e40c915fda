"""`PongAgent`: what acts on frames, learns from batches, and is saved and loaded."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import PaddleActions
from pong_agent.config import AgentConfig, PPOConfig, resolve_preset
from pong_agent.envs.paddle_actions import find_paddle_actions
from pong_agent.errors import ConfigError
from pong_agent.learning import algorithm_of
from pong_agent.learning.batch import Batch, BatchError
from pong_agent.learning.progress import Progress
from pong_agent.network import (
    Floats,
    action_probabilities,
    check_arrays,
    choose_actions,
    forward,
    values,
)
from pong_agent.seeding import Stream, generator
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import (
    FIELD_SHAPE,
    ObservationError,
    as_batch,
    draw_field,
    field_pixels,
    pong_pixels,
)
from pong_agent.vision.reset_watch import (
    SCORE_ROW,
    Scores,
    fell_back,
    jumped,
    read_scores,
    warn_of_forgotten_reset,
)
from pong_agent.weights_file import AgentState, export_state, load_state, save_state

# Previous playing fields, (N, 80, 80) uint8: all that the policy remembers. A tuple, as the states
# of Stable-Baselines3 are.
PolicyState = tuple[NDArray[np.uint8]]

# The trained weights that come with the package.
PRETRAINED = Path(__file__).parent / "weights" / "ppo.npz"


class Decision(NamedTuple):
    """Actions of N games.

    Attributes:
        actions: [N] int64, DOWN, UP or STAY.
        probabilities: [N, A], of DOWN, UP and, for preset `ppo`, STAY.
    """

    actions: NDArray[np.int64]
    probabilities: Floats


class Activations(NamedTuple):
    """The network's response to the fields of N games.

    Attributes:
        probabilities: [N, A], of DOWN, UP and, for preset `ppo`, STAY.
        hidden: [N, hidden_units], activities of the hidden units.
    """

    probabilities: Floats
    hidden: Floats


class PongAgent:
    """A policy that plays Pong from pixels, and its learning.

    Args:
        preset: name of a preset, or a configuration of its own.
        seed: seed of the initial weights and of the sampling of actions.
        env: a Pong environment to `bind` to; by default the agent's actions are those of
            `gym.make("ALE/Pong-v5")`, where 2 is up, 3 is down and 0 stays.

    Attributes:
        config: the hyperparameters, frozen.
        seed: what the agent was made with.
        progress: counters of what was learned.
        paddle_actions: indices of DOWN, UP and STAY in the environment's action space.

    Raises:
        ConfigError: there is no preset of that name.
        NotPongError: `env` is not Pong.

    Example:
        >>> agent = PongAgent("reinforce", seed=0)
        >>> frame = np.zeros((210, 160, 3), dtype=np.uint8)  # what env.reset() returns
        >>> agent.act(frame) in agent.paddle_actions
        True
    """

    def __init__(
        self, preset: str | AgentConfig = "ppo", seed: int = 0, *, env: Any = None
    ) -> None:
        self._set_up(resolve_preset(preset), seed)
        if env is not None:
            self.bind(env)
        self._parameters = self._algorithm.init_parameters(
            self.config, generator(seed, Stream.WEIGHTS)
        )
        self._optimizer_state = self._algorithm.init_optimizer(self._parameters, self.config)
        self._generator = generator(seed, Stream.AGENT_ACTIONS)

    def _set_up(self, config: AgentConfig, seed: int) -> None:
        """Set all but weights, optimizer and random generator, which `load` reads from a file."""
        self.config = config
        self.seed = seed
        self.progress = Progress()
        self._model_card: dict[str, Any] = {}
        self.paddle_actions = PaddleActions(down=3, up=2, stay=0)
        self._fields: FieldHistory | None = None
        self._starts = np.zeros(0, dtype=np.bool_)
        self._scores: Scores | None = None
        self._warned = False

    @property
    def _algorithm(self) -> Any:
        return algorithm_of(self.config)  # a module, which an attribute would keep from pickling

    @property
    def parameters(self) -> Mapping[str, Floats]:
        """The weights by name.

        Preset `reinforce`: "W1" (200, 6400) and "W2" (200,), float64. Preset `ppo`, where half of
        the units share the others' weights: "W1" (100, 12800), "W2" (3, 100), "b2" (3,), "Wv"
        (100,) and "bv" (1,), float32; "b2" follows a schedule and is not learned.
        """
        return MappingProxyType(self._parameters)

    @property
    def annealed_config(self) -> AgentConfig:
        """The hyperparameters with the values that hold at this point of the training."""
        if isinstance(self.config, PPOConfig):
            return self.config.annealed(self.progress.agent_steps, self.progress.mean_return)
        return self.config

    @property
    def model_card(self) -> Mapping[str, Any]:
        """Where exported weights come from and how they score; empty for other agents."""
        return MappingProxyType(self._model_card)

    def averaged(self) -> "PongAgent":
        """Return an agent that acts with the running average of the weights, for evaluation.

        It plays better and more evenly than the newest weights, which the last updates have shaken.
        Learning goes on with those: a batch must come from them. For preset `reinforce` it is the
        same agent, and for exported weights too.
        """
        other = copy.copy(self)
        other._generator = copy.deepcopy(self._generator)
        other._parameters = self._algorithm.averaged(self._parameters, self._optimizer_state)
        return other

    def set_parameters(self, parameters: Mapping[str, Floats]) -> None:
        """Replace the weights.

        Args:
            parameters: arrays with the names, shapes and dtypes of `parameters`.

        Raises:
            ValueError: a name, shape or dtype differs or a value is not finite; the weights stay.
        """
        self._parameters = check_arrays(parameters, self._parameters)

    def reconfigure(self, config: AgentConfig) -> None:
        """Go on with other hyperparameters, the same network and the same optimizer.

        Args:
            config: the hyperparameters from now on.

        Raises:
            ConfigError: the hyperparameters are of another algorithm, observation or network.
        """
        if (type(config), config.observation) != (type(self.config), self.config.observation):
            raise ConfigError(
                f"expected hyperparameters of the same algorithm and observation as "
                f"{self.config}, found {config}"
            )
        like = self._algorithm.expected_parameters(config)
        try:
            check_arrays(self._parameters, like)
            check_arrays(self._optimizer_state, self._algorithm.init_optimizer(like, config))
        except ValueError as error:
            raise ConfigError(f"the network cannot be another one: {error}") from error
        self.config = config

    def bind(self, env: Any) -> "PongAgent":
        """Find the paddle's actions in the action space of `env` by their meanings, and use these.

        Args:
            env: a Gymnasium environment, or a vector environment of any kind.

        Returns:
            The agent itself.

        Raises:
            NotPongError: the environment is not Pong, or has no such actions.
        """
        self.paddle_actions = find_paddle_actions(env)
        return self

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Start an episode: forget the previous frame.

        Args:
            mask: [N] bool, which environments of a batch start one; by default all do.

        Raises:
            ObservationError: the mask does not fit the batch that `act` was given before.

        Example:
            >>> agent = PongAgent("reinforce")
            >>> actions = agent.act(np.zeros((2, 210, 160, 3), dtype=np.uint8))
            >>> agent.reset(np.array([True, False]))  # an episode starts in the first of two
        """
        if mask is None:
            self._fields = self._scores = None
            return
        mask = np.asarray(mask)
        if self._fields is None:
            return  # every environment starts anyway
        if mask.dtype != np.bool_ or mask.shape != self._starts.shape:
            raise ObservationError(
                f"mask: expected bool of shape {self._starts.shape} as in the last act, "
                f"found {mask.dtype} of shape {mask.shape}"
            )
        self._starts = self._starts | mask

    def act(self, observation: Any, *, deterministic: bool = False) -> Any:
        """Choose an action, remembering the frame for the next call.

        Where the frames show that an episode started without `reset`, a `ForgottenResetWarning`
        says so, once for each agent; the action is what it would be without the warning.

        Args:
            observation: one raw frame, (210, 160, 3) uint8, or a batch of N of them, whose
                environments keep their order from call to call; also (N, 1, 210, 160, 3), as the
                emulator's own vector environment gives them (`plugin.RAW_FRAMES`).
            deterministic: take the most probable action; by default the action is sampled.

        Returns:
            An index of the environment's action space: an int, or [N] int64 for a batch.

        Raises:
            ObservationError: the observation is no raw frame, or the batch has another size than
                the one before (call `reset()` first).
        """
        frames, single = as_batch(observation)
        current = [pong_pixels(frame) for frame in frames]
        if self._fields is None:
            fields = FieldHistory.start(current)
        elif len(self._fields) == len(current):
            fields = self._fields.push(current, self._starts)
        else:
            raise ObservationError(
                f"expected {len(self._fields)} frames as in the last act, "
                f"found {len(current)}; call reset() to start with another number"
            )
        actions = self._sample_actions(fields, deterministic)
        forgotten = not self._warned and self._notice_start(frames, fields)
        self._fields = fields
        self._starts = np.zeros(len(current), dtype=np.bool_)
        if forgotten:  # after all is remembered, as a warning may be made an error
            warn_of_forgotten_reset()
        return int(actions[0]) if single else actions

    def predict(
        self,
        observation: Any,
        state: PolicyState | None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.int64], PolicyState]:
        """Choose an action by the contract of Stable-Baselines3: state in, state out.

        Nothing is remembered but the position of the random generator; `act` is not disturbed. A
        forgotten `episode_start` is warned of as in `act`, where the episode's first picture shows
        it: scores are not in the state.

        Args:
            observation: one raw frame, (210, 160, 3) uint8, or a batch of N of them.
            state: what the last call returned, None at the start.
            episode_start: [N] bool, which environments start an episode.
            deterministic: take the most probable action.

        Returns:
            The action, int64 of shape () or [N], and the state for the next call.

        Raises:
            ObservationError: the observation is no raw frame, or the state does not fit it.

        Example:
            >>> agent, frame = PongAgent("reinforce"), np.zeros((210, 160, 3), dtype=np.uint8)
            >>> action, state = agent.predict(frame)
            >>> action, state = agent.predict(frame, state, deterministic=True)
            >>> action.shape, state[0].shape
            ((), (1, 80, 80))
        """
        frames, single = as_batch(observation)
        fields = FieldHistory.start([pong_pixels(frame) for frame in frames])
        if state is not None:
            fields = _fields_of(state, len(frames)).push(
                fields.current, None if episode_start is None else np.ravel(episode_start)
            )
        actions = self._sample_actions(fields, deterministic)
        new_state = (np.stack([draw_field(pixels) for pixels in fields.current]),)
        if not self._warned and jumped(fields):
            self._warned = True
            warn_of_forgotten_reset()
        return (actions.reshape(()) if single else actions), new_state

    def decide(self, fields: FieldHistory, uniforms: Floats | None = None) -> Decision:
        """Choose an action in each of N games: the one path from playing fields to a decision.

        Args:
            fields: current and previous fields of N games.
            uniforms: [N] numbers, uniform from 0 to 1, that sample the actions; None to take the
                most probable ones.

        Returns:
            The actions (DOWN, UP or STAY, not indices of an action space) and all probabilities.
        """
        probabilities = self.examine(fields).probabilities
        return Decision(choose_actions(probabilities, uniforms), probabilities)

    def examine(self, fields: FieldHistory) -> Activations:
        """Compute what the network makes of the fields of N games, for whoever explains it."""
        inputs = fields.network_input(self.config.observation)
        logits, hidden = forward(self._parameters, inputs, mirror=self.config.mirror)
        return Activations(action_probabilities(logits), hidden)

    def values(self, activations: Activations) -> Floats | None:
        """Compute [N] value estimates from `examine`'s result; None without a value head."""
        if "Wv" not in self._parameters:
            return None
        return values(self._parameters, activations.hidden, mirror=self.config.mirror)

    def learn_from_batch(self, batch: Batch) -> dict[str, float]:
        """Make one update of the weights from a batch of trajectories.

        Args:
            batch: what the current weights played: whole episodes for preset `reinforce`, whole
                ones or fragments for `ppo`.

        Returns:
            "ep_rew_mean" and "ep_len_mean" (mean return and length in agent steps of the last 30
            episodes that ended, NaN before the first), "entropy_loss" (minus the policy's mean
            entropy, nats), "grad_norm", "learning_rate", and what else the algorithm's `update`
            tells, in Stable-Baselines3's names.

        Raises:
            BatchError: the batch is not valid or was made for another kind of observation.
            LearningError: the update would not be finite.
                After either error the weights and the optimizer's state are as they were.

        Example:
            >>> from pong_agent import DOWN, UP, Batch, TrajectoryBuilder
            >>> builder = TrajectoryBuilder(observation="two_frames")
            >>> field = np.eye(80, dtype=np.uint8)
            >>> builder.append(field, action=UP, reward=0.0)
            >>> builder.append(field, action=DOWN, reward=1.0, end=True)
            >>> agent = PongAgent("ppo")
            >>> agent.learn_from_batch(Batch([builder.build()]))["ep_rew_mean"]
            1.0
        """
        if not isinstance(batch, Batch):
            raise BatchError(f"batch: expected a Batch, found {type(batch).__name__}")
        batch.validate(self.config.observation, self.config.n_actions)
        self._parameters, self._optimizer_state, metrics = self._algorithm.update(
            self._parameters,
            self._optimizer_state,
            batch,
            self.annealed_config,
            generator(self.seed, Stream.MINIBATCHES, self.progress.updates),
        )
        self.progress = self.progress.after(batch, self.config.running_return_decay)
        return {
            "ep_rew_mean": self.progress.mean_return,
            "ep_len_mean": self.progress.mean_length,
            **metrics,
        }

    def save(self, path: str | Path) -> None:
        """Write everything the agent needs to go on to one `.npz` file, complete or not at all.

        Args:
            path: file to write; a file of that name is replaced.

        Raises:
            CheckpointError: the file cannot be written.

        Example:
            >>> from tempfile import TemporaryDirectory
            >>> agent = PongAgent("reinforce", seed=7)
            >>> with TemporaryDirectory() as folder:
            ...     agent.save(f"{folder}/agent.npz")
            ...     PongAgent.load(f"{folder}/agent.npz").seed
            7
        """
        save_state(path, self._state())

    def export(self, path: str | Path, model_card: Mapping[str, Any]) -> None:
        """Write the averaged weights alone, at half precision, for others to act with.

        The file is about an eighth of a checkpoint's. Whoever learns on from it starts with a
        fresh optimizer.

        Args:
            path: file to write; a file of that name is replaced.
            model_card: where the weights come from and how they score, in what JSON can hold.

        Raises:
            CheckpointError: the file cannot be written, or a weight is too large for float16.
        """
        export_state(path, replace(self.averaged()._state(), model_card=dict(model_card)))

    def _state(self) -> AgentState:
        return AgentState(
            config=self.config,
            seed=self.seed,
            progress=self.progress,
            parameters=self._parameters,
            optimizer_state=self._optimizer_state,
            generator=self._generator.bit_generator.state,
            paddle_actions=self.paddle_actions,
            model_card=self._model_card,
        )

    @classmethod
    def load(cls, path: str | Path) -> "PongAgent":
        """Read an agent that `save` or `export` wrote.

        After `save` it acts and learns on as if it had never stopped. The frames that it saw before
        are not in the file: it is at the start of an episode, as after `reset()`.

        Args:
            path: the file.

        Raises:
            CheckpointError: the file is missing, damaged, foreign, or of a newer format.
        """
        state = load_state(path)
        agent = cls.__new__(cls)
        agent._set_up(state.config, state.seed)
        agent.progress = state.progress
        agent.paddle_actions = state.paddle_actions
        agent._model_card = state.model_card
        agent._parameters, agent._optimizer_state = state.parameters, state.optimizer_state
        agent._generator = np.random.default_rng()
        agent._generator.bit_generator.state = state.generator
        return agent

    @classmethod
    def pretrained(cls) -> "PongAgent":
        """Return the trained agent that comes with the package; nothing is downloaded.

        Its `model_card` tells how it was trained and how it scores.

        Example:
            >>> agent = PongAgent.pretrained()
            >>> agent.act(np.zeros((210, 160, 3), dtype=np.uint8)) in agent.paddle_actions
            True
        """
        return cls.load(PRETRAINED)

    def _notice_start(self, frames: NDArray[np.uint8], fields: FieldHistory) -> bool:
        """Follow the scores; return whether an episode started without `reset`."""
        before, rows = self._scores, frames[:, SCORE_ROW].tobytes()
        if before is not None and before.rows == rows:
            return False  # nearly always, and it must cost next to nothing
        self._scores = now = read_scores(frames, before, self._starts)
        if before is not None:
            self._warned = fell_back(before, now, self._starts) or jumped(fields)
        return self._warned

    def _sample_actions(self, fields: FieldHistory, deterministic: bool) -> NDArray[np.int64]:
        """Return indices of the environment's action space."""
        uniforms = None if deterministic else self._generator.random(len(fields))
        return np.array(self.paddle_actions)[self.decide(fields, uniforms).actions]


def _fields_of(state: PolicyState, n_frames: int) -> FieldHistory:
    """Return the history that `predict` was given as state.

    Raises:
        ObservationError: the state is of another number of frames.
    """
    (fields,) = state
    expected = (n_frames, *FIELD_SHAPE)
    if fields.shape != expected:
        raise ObservationError(f"state: expected fields of shape {expected}, found {fields.shape}")
    return FieldHistory.start([field_pixels(field) for field in fields])
