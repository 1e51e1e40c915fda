"""A wrapper that gives a vector environment of raw Pong the policy's observations and actions."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.envs.vectors import draw_vectors, vector_space
from pong_agent.envs.wrapper import TWO_ACTIONS, check_frames
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.observations import pong_pixels
from pong_agent.vision.pixels import FRAME_SHAPE, Pixels

# Arguments with which the emulator's own vector environment observes raw frames.
RAW_FRAMES: dict[str, Any] = {
    "img_height": 210,
    "img_width": 160,
    "stack_num": 1,
    "grayscale": False,
    "maxpool": False,
}
_RAW_FRAMES_HINT = "; it needs " + ", ".join(f"{key}={value}" for key, value in RAW_FRAMES.items())


class PongVectorWrapper(VectorWrapper, gym.utils.RecordConstructorArgs):
    """The vector version of `PongWrapper`, for every autoreset mode.

    At the start of an episode the previous field is the current one: on the step after an end (next
    step), on the step of the end (same step, where `infos["final_obs"]` is converted too), or on
    the reset whose "reset_mask" selects the environment (disabled). Observations are (N, width);
    rewards, ends and other infos are those of the environment.

    Args:
        env: a `SyncVectorEnv` or `AsyncVectorEnv` of environments that `PongWrapper` accepts, or
            the emulator's own `AtariVectorEnv`, made with `RAW_FRAMES`.
        observation: "difference" or "two_frames", as of `PongEnv`.

    Raises:
        ConfigError: the kind of observation is unknown.
        NotPongError: the environments are not Pong, their observations are not raw RGB frames, they
            are not stepped all together, or their autoreset mode is unknown.

    Example:
        >>> import ale_py
        >>> gym.register_envs(ale_py)
        >>> envs = PongVectorWrapper(gym.make_vec("ALE/Pong-v5", num_envs=2, **RAW_FRAMES))
        >>> observations, infos = envs.reset(seed=0)
        >>> observations.shape, envs.action_space
        ((2, 6400), MultiDiscrete([2 2]))
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv, observation: str = "difference") -> None:
        gym.utils.RecordConstructorArgs.__init__(self, observation=observation)
        super().__init__(env)
        self.single_observation_space = vector_space(observation)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        stacked = hasattr(env.unwrapped, "ale")  # the emulator's own stacks frames, if only one
        shape, hint = ((1, *FRAME_SHAPE), _RAW_FRAMES_HINT) if stacked else (FRAME_SHAPE, "")
        check_frames(env.single_observation_space, shape, hint)
        self._paddle_actions = np.array(find_paddle_actions(env)[:2])
        self.single_action_space = gym.spaces.Discrete(2)
        self.action_space = batch_space(self.single_action_space, env.num_envs)
        # The attribute first: ale-py writes metadata that all its vector environments share.
        mode = getattr(env.unwrapped, "autoreset_mode", env.metadata.get("autoreset_mode"))
        if not isinstance(mode, AutoresetMode):
            raise NotPongError(f"{env}: expected an autoreset mode in its metadata, found {mode}")
        self.metadata = {**env.metadata, "autoreset_mode": mode}
        self._same_step = mode == AutoresetMode.SAME_STEP
        self._observation = observation
        self._fields = FieldHistory.start([np.zeros(0, dtype=np.uint16)] * env.num_envs)
        self._starts = np.ones(env.num_envs, dtype=np.bool_)  # whose next frame starts an episode

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes in all environments, or in those of `options["reset_mask"]`."""
        mask = None if options is None else options.get("reset_mask")  # some remove it
        starts = np.ones(self.num_envs, dtype=np.bool_) if mask is None else np.array(mask)
        frames, infos = self.env.reset(seed=seed, options=options)
        self._fields = self._fields.restart(_pixels(frames), starts)
        self._starts = self._starts & ~starts
        return draw_vectors(self._observation, self._fields), infos

    def step(self, actions: Any) -> tuple[NDArray[np.float32], Any, Any, Any, dict[str, Any]]:
        """Hold each joystick down (0) or up (1) for one agent step.

        Args:
            actions: [N] integers; ignored for an environment that this step resets.

        Raises:
            ValueError: there is not one action for each environment, or one is neither 0 nor 1.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or not np.isin(actions, (0, 1)).all():
            raise ValueError(
                f"actions: expected {self.num_envs} times {TWO_ACTIONS}, found {actions}"
            )
        indices = self._paddle_actions[actions.astype(np.int64)]
        frames, rewards, terminations, truncations, infos = self.env.step(indices)
        before, ends = self._fields, np.logical_or(terminations, truncations)
        self._fields = before.push(_pixels(frames), ends if self._same_step else self._starts)
        self._starts = np.zeros_like(ends) if self._same_step else ends
        vectors = draw_vectors(self._observation, self._fields)
        if self._same_step and "final_obs" in infos:
            finals = self._final_vectors(infos["final_obs"], before, ends, vectors)
            infos = {**infos, "final_obs": finals}
        return vectors, rewards, terminations, truncations, infos

    def _final_vectors(
        self,
        frames: NDArray[Any],
        before: FieldHistory,
        ends: NDArray[np.bool_],
        vectors: NDArray[np.float32],
    ) -> NDArray[Any]:
        """Return the last observations of the episodes that ended, in the container of `frames`.

        That is an array of objects, None where no episode ended, or for the emulator's own vector
        environment one array. There ale-py 0.12.1 leaves the rows of unfinished episodes
        uninitialized, so they are replaced by the newest observations.
        """
        one_array = frames.dtype != object
        finals = vectors.copy() if one_array else np.full(len(frames), None, dtype=object)
        for row in np.flatnonzero(ends).tolist():
            fields = before.take([row]).push(_pixels(frames[row]))
            [finals[row]] = draw_vectors(self._observation, fields)
        return finals


def _pixels(frames: NDArray[np.uint8]) -> list[Pixels]:
    return [pong_pixels(frame) for frame in frames.reshape(-1, *FRAME_SHAPE)]
