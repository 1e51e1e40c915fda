"""A wrapper that does for a vector environment what `PongWrapper` does for one environment."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.envs.vectors import draw_vectors, vector_space
from pong_agent.envs.wrapper import TWO_ACTIONS, check_frames
from pong_agent.vision.pixels import FRAME_SHAPE, Pixels, pong_pixels

# Arguments with which the emulator's own vector environment shows the console's frames.
RAW_FRAMES: dict[str, Any] = {
    "img_height": 210,
    "img_width": 160,
    "stack_num": 1,
    "grayscale": False,
    "maxpool": False,
}
_RAW_FRAMES_HINT = "; it needs " + ", ".join(f"{key}={value}" for key, value in RAW_FRAMES.items())


class PongVectorWrapper(VectorWrapper, gym.utils.RecordConstructorArgs):
    """Does for a vector environment what `PongWrapper` does for one, in every autoreset mode.

    Where an episode starts, the previous playing field is the current one: on the step after an end
    (next step), on the step of the end (same step, where `infos["final_obs"]` is turned into
    vectors too), or on the reset that names the environment in "reset_mask" (disabled). Rewards,
    ends and other infos are those of the environment.

    Args:
        env: a `SyncVectorEnv` or `AsyncVectorEnv` of what `PongWrapper` takes, or the emulator's
            own `AtariVectorEnv`, made with `RAW_FRAMES`.
        observation: "difference", "two_frames" or "sum_and_difference", as of `PongEnv`.

    Raises:
        ConfigError: there is no such kind of observation.
        NotPongError: the environments are not Pong, show no raw RGB frames, are not stepped all
            together, or do not say how they are reset.

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
        if hasattr(env.unwrapped, "ale"):  # the emulator's own, which stacks frames, if only one
            check_frames(env.single_observation_space, (1, *FRAME_SHAPE), _RAW_FRAMES_HINT)
        else:
            check_frames(env.single_observation_space, FRAME_SHAPE)
        self._paddle_actions = np.array(find_paddle_actions(env)[:2])
        self.single_action_space = gym.spaces.Discrete(2)
        self.action_space = batch_space(self.single_action_space, env.num_envs)
        # The attribute first: the emulator writes metadata that all vector environments share.
        mode = getattr(env.unwrapped, "autoreset_mode", env.metadata.get("autoreset_mode"))
        if not isinstance(mode, AutoresetMode):
            raise NotPongError(f"{env}: expected an autoreset mode in its metadata, found {mode}")
        self.metadata = {**env.metadata, "autoreset_mode": mode}
        self._same_step = mode == AutoresetMode.SAME_STEP
        self._observation = observation
        none = np.zeros(0, dtype=np.uint16)
        self._current: list[Pixels] = [none] * env.num_envs
        self._previous = self._current
        self._starts = np.ones(env.num_envs, dtype=np.bool_)  # whose next frame starts an episode

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes in all environments, or in those of `options["reset_mask"]`.

        Returns:
            The observations, (N, width), as they were where nothing was reset, and the
            environments' information.
        """
        mask = None if options is None else options.get("reset_mask")  # some take it out
        starts = np.ones(self.num_envs, dtype=np.bool_) if mask is None else np.array(mask)
        frames, infos = self.env.reset(seed=seed, options=options)
        pixels = _pixels(frames)
        self._current = _choose(starts, pixels, self._current)
        self._previous = _choose(starts, pixels, self._previous)
        self._starts = self._starts & ~starts
        return draw_vectors(self._observation, self._current, self._previous), infos

    def step(self, actions: Any) -> tuple[NDArray[np.float32], Any, Any, Any, dict[str, Any]]:
        """Hold each joystick down (0) or up (1) for one step.

        Args:
            actions: [N] integers; that of an environment that is reset by this step is ignored.

        Returns:
            The observations, (N, width), and the environments' rewards, ends and information.

        Raises:
            ValueError: there is not one action for each environment, or one is neither 0 nor 1.
        """
        frames, rewards, terminations, truncations, infos = self.env.step(self._indices(actions))
        before, self._current = self._current, _pixels(frames)
        ends = np.logical_or(terminations, truncations)
        starts = ends if self._same_step else self._starts
        self._previous = _choose(starts, self._current, before)
        self._starts = np.zeros_like(ends) if self._same_step else ends
        vectors = draw_vectors(self._observation, self._current, self._previous)
        if self._same_step and "final_obs" in infos:
            finals = self._final_vectors(infos["final_obs"], before, ends, vectors)
            infos = {**infos, "final_obs": finals}
        return vectors, rewards, terminations, truncations, infos

    def _indices(self, actions: Any) -> NDArray[np.int64]:
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or not np.isin(actions, (0, 1)).all():
            raise ValueError(
                f"actions: expected {self.num_envs} times {TWO_ACTIONS}, found {actions}"
            )
        indices: NDArray[np.int64] = self._paddle_actions[actions.astype(np.int64)]
        return indices

    def _final_vectors(
        self,
        frames: NDArray[Any],
        before: list[Pixels],
        ends: NDArray[np.bool_],
        vectors: NDArray[np.float32],
    ) -> NDArray[Any]:
        """Return the last observations of the episodes that ended, in the form of the frames given.

        That is an array of objects that is None where no episode ended, or one array (the
        emulator's own vector environment), which then holds the newest observation there: what
        ale-py 0.12.1 gives for those rows is memory that it has not written.
        """
        one_array = frames.dtype != object
        finals = vectors.copy() if one_array else np.full(len(frames), None, dtype=object)
        for row in np.flatnonzero(ends):
            [finals[row]] = draw_vectors(self._observation, _pixels(frames[row]), [before[row]])
        return finals


def _choose(mask: NDArray[np.bool_], ones: list[Pixels], others: list[Pixels]) -> list[Pixels]:
    rows = zip(mask.tolist(), ones, others, strict=True)
    return [one if chosen else other for chosen, one, other in rows]


def _pixels(frames: NDArray[np.uint8]) -> list[Pixels]:
    return [pong_pixels(frame) for frame in frames.reshape(-1, *FRAME_SHAPE)]
