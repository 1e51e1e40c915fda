"""A wrapper that gives raw Pong the policy's observations and actions."""

import operator
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.envs.vectors import draw_vectors, vector_space
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.observations import pong_pixels
from pong_agent.vision.pixels import FRAME_SHAPE

TWO_ACTIONS = "0 (DOWN) or 1 (UP)"


class PongWrapper(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Observes Pong as the policy's input vector, with two actions, 0 = DOWN and 1 = UP.

    Rewards, ends and infos are those of the environment.

    Args:
        env: an ALE Pong environment with raw RGB frames, in any wrappers that keep them.
        observation: "difference" or "two_frames", as of `PongEnv`.

    Raises:
        ConfigError: the kind of observation is unknown.
        NotPongError: the environment is not Pong, or its observations are not raw RGB frames.

    Example:
        >>> import ale_py
        >>> gym.register_envs(ale_py)
        >>> env = PongWrapper(gym.make("ALE/Pong-v5"))
        >>> env.observation_space, env.action_space
        (Box(-1.0, 1.0, (6400,), float32), Discrete(2))
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], observation: str = "difference") -> None:
        gym.utils.RecordConstructorArgs.__init__(self, observation=observation)
        super().__init__(env)
        self.observation_space = vector_space(observation)
        self._paddle_actions = find_paddle_actions(env)
        check_frames(env.observation_space, FRAME_SHAPE)
        self.action_space = gym.spaces.Discrete(2)
        self._observation = observation
        self._fields: FieldHistory | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode, in which the previous field is the current one."""
        frame, info = self.env.reset(seed=seed, options=options)
        self._fields = None
        return self._vector(frame), info

    def step(self, action: int) -> tuple[NDArray[np.float32], Any, bool, bool, dict[str, Any]]:
        """Hold the joystick down (0) or up (1) for one agent step.

        Raises:
            ValueError: the action is neither 0 nor 1.
        """
        index = self._paddle_actions[check_action(action)]
        frame, reward, terminated, truncated, info = self.env.step(index)
        vector = self._vector(frame)
        if terminated or truncated:
            self._fields = None  # in `gymnasium.wrappers.Autoreset` the next step is a reset
        return vector, reward, terminated, truncated, info

    def _vector(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        now = [pong_pixels(frame, first=self._fields is None)]
        self._fields = FieldHistory.start(now) if self._fields is None else self._fields.push(now)
        vector: NDArray[np.float32] = draw_vectors(self._observation, self._fields)[0]
        return vector


def check_action(action: Any) -> int:
    """Return the policy's action as an int; raise ValueError if it is neither 0 nor 1."""
    try:
        number = operator.index(action)
    except TypeError:
        number = -1
    if number not in (0, 1):
        raise ValueError(f"action: expected {TWO_ACTIONS}, found {action!r}")
    return number


def check_frames(space: gym.Space[Any], shape: tuple[int, ...], hint: str = "") -> None:
    """Raise NotPongError unless observations are uint8 frames of this shape."""
    if space.shape != shape or space.dtype != np.uint8:
        raise NotPongError(
            f"expected raw Pong frames, uint8 of shape {shape}, found {space.dtype} of shape "
            f"{space.shape}{hint}"
        )
