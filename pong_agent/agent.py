"""`PongAgent` acts on frames, learns from batches, and can be saved and loaded."""

import copy
import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import PaddleActions
from pong_agent.bounds import as_flag
from pong_agent.config import AgentConfig, resolve_preset
from pong_agent.envs.paddle_actions import find_paddle_actions
from pong_agent.errors import ConfigError, LearningError
from pong_agent.json_values import json_value
from pong_agent.learning.algorithm import Algorithm, algorithm_of
from pong_agent.learning.batch import Batch, warn_of_cut_episodes
from pong_agent.learning.progress import Progress
from pong_agent.learning.trajectory import BatchError
from pong_agent.network import Activations, Floats, Parameters, check_arrays, choose_actions
from pong_agent.seeding import Stream, as_seed, generator
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.observations import as_batch, pong_pixels
from pong_agent.vision.paddle_watch import PaddleWatch, warn_of_forgotten_bind
from pong_agent.vision.pixels import FIELD_SHAPE, ObservationError, draw_field, field_pixels
from pong_agent.vision.reset_watch import ResetWatch, warn_of_forgotten_reset
from pong_agent.weights_file import AgentState, export_state, load_state, save_state
from pong_agent.whole_file import absolute_path

# Previous playing fields, (N, 80, 80) uint8: the policy's whole memory. A tuple, as the states of
# Stable-Baselines3 are.
PolicyState = tuple[NDArray[np.uint8]]

_Method = TypeVar("_Method")

# The trained weights that come with the package.
PRETRAINED = Path(__file__).parent / "weights" / "ppo.npz"


class _OfClass(classmethod):  # type: ignore[type-arg]  # takes none at run time
    """A class method that an instance refuses."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return super().__get__(instance, owner)
        return functools.partial(_refuse_on_agent, self.__name__)


def _refuse_on_agent(name: str, *_: Any, **__: Any) -> NoReturn:
    raise ConfigError(
        f"{name}: expected PongAgent.{name}(...), which returns another agent, found a call on an "
        "agent, which would stay as it is"
    )


def _of_class(method: _Method) -> _Method:
    """Let a class method that makes agents refuse to be called on one."""
    return cast("_Method", _OfClass(cast("Any", method).__func__))


class Decision(NamedTuple):
    """Actions of N games.

    Attributes:
        actions: [N] int64, DOWN, UP or STAY.
        probabilities: [N, A], of DOWN, UP and, for preset `ppo`, STAY.
    """

    actions: NDArray[np.int64]
    probabilities: Floats


class PongAgent:
    """A policy that plays Pong from pixels and learns from batches.

    Args:
        preset: name of a preset, or a configuration.
        seed: seed of the initial weights and of the sampling of actions; None draws one.
        env: a Pong environment to `bind` to; by default the agent's actions are those of
            `gym.make("ALE/Pong-v5")`: 2 is up, 3 is down, 0 stays.

    Raises:
        ConfigError: there is no preset of that name, or the seed is no int of 0 or more.
        NotPongError: `env` is no environment, or not Pong.

    Example:
        >>> agent = PongAgent("reinforce", seed=0)
        >>> frame = np.zeros((210, 160, 3), dtype=np.uint8)  # what env.reset() returns
        >>> agent.act(frame) in agent.paddle_actions
        True
    """

    _in_one_game = False  # bound to a single environment

    def __init__(
        self, preset: str | AgentConfig = "ppo", seed: int | None = 0, *, env: Any = None
    ) -> None:
        self._begin(AgentState.initial(resolve_preset(preset), as_seed(seed)))
        if env is not None:
            self.bind(env)

    def _begin(self, state: AgentState) -> None:
        """Become the agent of a state, at the start of an episode."""
        self._state = state
        self._fields: FieldHistory | None = None  # of the frames given to `act`
        self._starts = np.zeros(0, dtype=np.bool_)  # which of them start an episode next
        self._watch = ResetWatch()
        self._paddle_watch = PaddleWatch()
        # Whether the last batch held parts of episodes; None after the warning.
        self._learned_cut: bool | None = False
        self._last_state: Any = None  # fields that the last call returned, if it was a `predict`

    @property
    def config(self) -> AgentConfig:
        """The hyperparameters, frozen."""
        return self._state.config

    @property
    def seed(self) -> int:
        """Seed of the initial weights, of the sampling of actions and of learning."""
        return self._state.seed

    @property
    def progress(self) -> Progress:
        """Counters of learning."""
        return self._state.progress

    @property
    def paddle_actions(self) -> PaddleActions:
        """Indices of DOWN, UP and STAY in the environment's action space."""
        return self._state.paddle_actions

    @property
    def algorithm(self) -> Algorithm:
        """The learning algorithm, with the hyperparameters that hold at this point of training."""
        return self._state.algorithm.annealed(self.progress)

    @property
    def parameters(self) -> Mapping[str, Floats]:
        """The weights by name.

        Preset `reinforce`: "W1" (200, 6400) and "W2" (200,), float64. Preset `ppo`, where half of
        the hidden units share the weights of the others: "W1" (100, 12800), "W2" (3, 100), "b2"
        (3,), "Wv" (100,) and "bv" (1,), float32; "b2" follows a schedule and is not learned.
        """
        return MappingProxyType(self._state.parameters)

    @property
    def model_card(self) -> Mapping[str, Any]:
        """Origin and scores of exported weights; empty for other agents."""
        return MappingProxyType(dict(self._state.model_card))

    def averaged(self) -> "PongAgent":
        """Return an agent that acts with the running average of the weights, for evaluation.

        It plays better and more evenly than the newest weights, which vary from update to update.
        Learning continues with the newest ones: a batch must come from them. For preset `reinforce`
        and for exported weights both are the same. The agents share nothing that changes.
        """
        other, state = copy.copy(self), self._state
        other._begin(
            replace(
                state,
                parameters=self._state.algorithm.averaged(state.parameters, state.optimizer_state),
                generator=copy.deepcopy(state.generator),
            )
        )
        return other

    def set_parameters(self, parameters: Mapping[str, Floats]) -> None:
        """Replace the weights.

        Args:
            parameters: arrays with the names, shapes and dtypes of `parameters`.

        Raises:
            ValueError: a name, shape or dtype differs or a value is not finite; the weights stay.
        """
        if not isinstance(parameters, Mapping):
            raise ConfigError(f"parameters: expected arrays by name, found {parameters!r:.60}")
        self._state = replace(
            self._state, parameters=check_arrays(parameters, self._state.parameters)
        )

    def reconfigure(self, config: AgentConfig) -> None:
        """Continue with other hyperparameters, the same network and the same optimizer.

        Args:
            config: the hyperparameters from now on.

        Raises:
            ConfigError: the hyperparameters are of another algorithm, observation or network.
        """
        config = resolve_preset(config)
        algorithm = algorithm_of(config)
        if (algorithm.name, config.observation) != (
            self._state.algorithm.name,
            self.config.observation,
        ):
            raise ConfigError(
                f"expected hyperparameters of the same algorithm and observation as "
                f"{self.config}, found {config}"
            )
        like = algorithm.expected_parameters()
        try:
            check_arrays(self._state.parameters, like)
            check_arrays(self._state.optimizer_state, algorithm.init_optimizer(like))
        except ValueError as error:
            raise ConfigError(f"expected the same network and optimizer: {error}") from error
        self._state = replace(self._state, config=config)

    def bind(self, env: Any) -> "PongAgent":
        """Take the actions of `env`'s action space that mean up, down and stay.

        An agent bound to one environment then takes one frame at a time.

        Args:
            env: a Gymnasium environment, or a vector environment of any kind, also of
                Stable-Baselines3.

        Returns:
            The agent itself.

        Raises:
            NotPongError: this is no environment, it is not Pong, has no such actions, or observes
                no raw frames.
        """
        self._state = replace(self._state, paddle_actions=find_paddle_actions(env))
        self._in_one_game = not hasattr(env, "num_envs")
        self._paddle_watch = PaddleWatch()
        return self

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Start an episode: forget the previous frame.

        Args:
            mask: [N] bool, which environments of a batch start an episode; by default all do.

        Raises:
            ObservationError: the mask does not fit the last batch given to `act`.

        Example:
            >>> agent = PongAgent("reinforce")
            >>> actions = agent.act(np.zeros((2, 210, 160, 3), dtype=np.uint8))
            >>> agent.reset(np.array([True, False]))  # an episode starts in the first of two
        """
        if mask is None:
            self._fields = None
            self._watch.reset()
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

        When the frames show that an episode started without `reset`, a `ForgottenResetWarning`
        says so, once for each agent; when they show that the environment takes its actions for
        others, a `ForgottenBindWarning`. The action is the same with and without a warning.

        Args:
            observation: one raw frame, (210, 160, 3) uint8, or a batch of N of them, whose
                environments keep their order from call to call; also (N, 1, 210, 160, 3), as the
                emulator's own vector environment gives them (`envs.RAW_FRAMES`).
            deterministic: take the most probable action instead of sampling one.

        Returns:
            An index of the environment's action space: an int, or [N] int64 for a batch.

        Raises:
            ObservationError: the observation is no raw frame of Pong, which the message explains,
                or the batch has another size than the one before (call `reset()` first).
        """
        deterministic = as_flag(deterministic, "deterministic")
        frames, single = self._as_batch(observation)
        n_games = len(frames)
        if self._fields is None:
            fields = FieldHistory.start([pong_pixels(frame, first=True) for frame in frames])
        elif len(self._fields) == n_games:
            pixels = map(pong_pixels, frames, self._starts)
            fields = self._fields.push(list(pixels), self._starts)
        else:
            raise ObservationError(
                f"expected {len(self._fields)} frames as in the last act, "
                f"found {n_games}; call reset() to start with another number"
            )
        actions = self._sample_actions(fields, deterministic)
        forgotten = self._watch.notices(frames, fields, self._starts)
        goes_on = self._fields is not None and self._last_state is None
        unbound = self._is_unbound(fields, actions, goes_on and not self._starts[0])
        self._fields, self._last_state = fields, None
        self._starts = np.zeros(n_games, dtype=np.bool_)
        if forgotten:  # after all is remembered, as a warning may be made an error
            warn_of_forgotten_reset()
        if unbound:
            warn_of_forgotten_bind()
        return int(actions[0]) if single else actions

    def predict(
        self,
        observation: Any,
        state: PolicyState | None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.int64], PolicyState]:
        """Choose an action by the contract of Stable-Baselines3: state in, state out.

        The agent decides on nothing else but the position of its random generator, and `act` is not
        disturbed. It warns of a forgotten `episode_start` as `act` does, if the episode's first
        field shows it (the state holds no scores), and of a forgotten `bind`.

        Args:
            observation: one raw frame, (210, 160, 3) uint8, or a batch of N of them.
            state: the state that the last call returned, None at the start.
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
        deterministic = as_flag(deterministic, "deterministic")
        frames, single = self._as_batch(observation)
        starts = _starts_of(state, episode_start, len(frames))
        fields = FieldHistory.start(list(map(pong_pixels, frames, starts)))
        if state is not None:
            fields = _fields_of(state, len(frames)).push(fields.current, starts)
        actions = self._sample_actions(fields, deterministic)
        new_state = (np.stack([draw_field(pixels) for pixels in fields.current]),)
        goes_on = state is not None and state[0] is self._last_state and not starts[0]
        unbound = self._is_unbound(fields, actions, goes_on)
        self._last_state = new_state[0]
        if self._watch.notices_jump(fields):
            warn_of_forgotten_reset()
        if unbound:
            warn_of_forgotten_bind()
        return (actions.reshape(()) if single else actions), new_state

    def decide(self, fields: FieldHistory, uniforms: Floats | None = None) -> Decision:
        """Choose an action in each of N games; every decision of the package is made here.

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
        """Compute probabilities and hidden states for the fields of N games."""
        state = self._state
        inputs = fields.network_input(state.config.observation)
        return state.algorithm.act(state.parameters, inputs)

    def values(self, activations: Activations) -> Floats | None:
        """Compute [N] value estimates from a result of `examine`; None without a value head."""
        return self._state.algorithm.values(self._state.parameters, activations.hidden)

    def learn_from_batch(self, batch: Batch) -> dict[str, float]:
        """Make one update of the weights from a batch of trajectories.

        When episodes that an earlier batch left unfinished end in this one without knowing of it, a
        `CutEpisodesWarning` says so, once for each agent.

        Args:
            batch: trajectories of the current weights: whole episodes for preset `reinforce`,
                whole episodes or fragments for `ppo`.

        Returns:
            "ep_rew_mean" and "ep_len_mean" (mean return and length in agent steps of the last 30
            episodes that ended, NaN before the first), "entropy_loss" (minus the policy's mean
            entropy, nats), "grad_norm", "learning_rate" and further metrics of the algorithm's
            `update`, under Stable-Baselines3's names.

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
        state = self._state
        parameters, optimizer_state, metrics = self.algorithm.update(
            state.parameters,
            state.optimizer_state,
            batch,
            generator(state.seed, Stream.MINIBATCHES, state.progress.updates),
        )
        _check_finite(parameters, optimizer_state)
        progress = state.progress.after(batch, self.config.running_return_decay)
        self._state = replace(
            state, parameters=parameters, optimizer_state=optimizer_state, progress=progress
        )
        lost = self._learned_cut and batch.loses_parts
        if self._learned_cut is not None:
            self._learned_cut = None if lost else batch.is_cut
        if lost:  # after all is learned, as a warning may be made an error
            warn_of_cut_episodes()
        return {
            "ep_rew_mean": progress.mean_return,
            "ep_len_mean": progress.mean_length,
            **metrics,
        }

    def save(self, path: str | Path) -> None:
        """Write the agent with all that learning continues from to one `.npz` file, or nothing.

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
        save_state(absolute_path(path), self._state)

    def export(self, path: str | Path, model_card: Mapping[str, Any]) -> None:
        """Write the averaged weights alone, at half precision, for others to act with.

        The file has about an eighth of a checkpoint's size. Training resumed from it starts with
        a fresh optimizer.

        Args:
            path: file to write; a file of that name is replaced.
            model_card: origin and scores of the weights, in values that JSON can hold.

        Raises:
            ConfigError: JSON cannot hold a value of the model card.
            CheckpointError: the file cannot be written, or a weight is too large for float16.
        """
        card = json_value(model_card, "model_card")
        if not isinstance(card, dict):
            raise ConfigError(f"model_card: expected a mapping, found {model_card!r:.60}")
        export_state(absolute_path(path), replace(self.averaged()._state, model_card=card))

    @_of_class
    @classmethod
    def load(cls, path: str | Path) -> "PongAgent":
        """Read an agent that `save` or `export` wrote.

        It acts and learns as the saved agent would. Frames seen before are not in the file: the
        agent is at the start of an episode, as after `reset()`. Files of older formats are read
        too; training fields that this version does not know cause one `UnknownFieldsWarning`.

        Args:
            path: the file.

        Raises:
            CheckpointError: the file is missing, damaged, foreign, or of a newer format.
        """
        agent = cls.__new__(cls)
        agent._begin(load_state(absolute_path(path)))
        return agent

    @_of_class
    @classmethod
    def pretrained(cls) -> "PongAgent":
        """Return the trained agent that comes with the package; nothing is downloaded.

        Its `model_card` holds how it was trained and how it scores.

        Example:
            >>> agent = PongAgent.pretrained()
            >>> agent.act(np.zeros((210, 160, 3), dtype=np.uint8)) in agent.paddle_actions
            True
        """
        return cls.load(PRETRAINED)

    def _as_batch(self, observation: Any) -> tuple[NDArray[np.uint8], bool]:
        """Return raw frames as a batch, and whether they were a single one.

        Raises:
            ObservationError: these are no raw frames, or several of an agent bound to one game.
        """
        frames, single = as_batch(observation)
        if self._in_one_game and len(frames) > 1:
            raise ObservationError(
                f"expected a frame of the one environment that the agent is bound to, found "
                f"{len(frames)}: pass the newest of a stack (FrameStackObservation), or bind to "
                f"the vector environment"
            )
        return frames, single

    def _is_unbound(self, fields: FieldHistory, actions: NDArray[np.int64], goes_on: Any) -> bool:
        """Return whether the first game takes the actions for others; True at most once."""
        watch = self._paddle_watch
        if watch.settled:
            return False  # nearly always, and it must cost next to nothing
        down = bool(actions[0] == self.paddle_actions.down)
        return watch.notices(fields.previous[0], fields.current[0], goes_on, down)

    def _sample_actions(self, fields: FieldHistory, deterministic: bool) -> NDArray[np.int64]:
        """Return indices of the environment's action space."""
        state = self._state
        uniforms = None if deterministic else state.generator.random(len(fields))
        return state.action_indices[self.decide(fields, uniforms).actions]


def _starts_of(state: PolicyState | None, episode_start: Any, n_frames: int) -> NDArray[np.bool_]:
    """Return which of the frames given to `predict` start an episode.

    Raises:
        ObservationError: `episode_start` is of another number of frames.
    """
    if state is None:
        return np.ones(n_frames, dtype=np.bool_)
    if episode_start is None:
        return np.zeros(n_frames, dtype=np.bool_)
    starts = np.ravel(episode_start)
    if starts.shape != (n_frames,) or starts.dtype.kind not in "biuf":
        raise ObservationError(
            f"episode_start: expected bool of shape ({n_frames},), "
            f"found {starts.dtype} of shape {np.shape(episode_start)}"
        )
    return starts.astype(np.bool_)


def _fields_of(state: PolicyState, n_frames: int) -> FieldHistory:
    """Return the history that `predict` was given as state.

    Raises:
        ObservationError: the state is of another number of frames.
    """
    fields = state[0] if isinstance(state, tuple) and len(state) == 1 else state
    expected = (n_frames, *FIELD_SHAPE)
    if not isinstance(fields, np.ndarray) or fields.shape != expected:
        found = getattr(fields, "shape", type(fields).__name__)
        raise ObservationError(f"state: expected fields of shape {expected}, found {found}")
    return FieldHistory.start([field_pixels(field) for field in fields])


def _check_finite(*groups: Parameters) -> None:
    """Refuse an update's results that hold a NaN or an infinity.

    Raises:
        LearningError: names the first such array.
    """
    for arrays in groups:
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise LearningError(f"{name}: the update gives values that are not finite")
