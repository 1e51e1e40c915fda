"""The registered environment: Pong with the policy's observations and actions."""

from typing import Any

import ale_py
import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from pong_agent.envs.paddle_actions import find_paddle_actions
from pong_agent.envs.spec import checked_kwargs
from pong_agent.envs.starts import PaletteEnv
from pong_agent.envs.vectors import draw_vectors, vector_space
from pong_agent.envs.wrapper import check_action
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import lit_pixels


class PongEnv(PaletteEnv):
    """Pong that observes the policy's input vector and takes two actions, 0 = DOWN and 1 = UP.

    Game, rewards (+1 and -1 per point), infos, seeds and `render` are those of ale-py's
    environment. `PongWrapper` gives the same observations, but needs RGB frames, which are slower.

    Args:
        observation: "difference", current minus previous field, (6400,) float32 in {-1, 0, 1},
            zeros at the start of an episode; or "two_frames", both fields side by side, (12800,)
            in {0, 1}, equal at the start of an episode.
        **kwargs: arguments of ale-py's environment: frameskip, repeat_action_probability,
            full_action_space, max_num_frames_per_episode, mode, difficulty, render_mode.

    Raises:
        ConfigError: the kind of observation is unknown, or an argument is out of range.
        NotPongError: the arguments ask for another game, for continuous actions or for
            observations other than frames.

    Example:
        >>> env = gym.make("pong_agent:PongAgent/Pong-v5", observation="two_frames")
        >>> observation, info = env.reset(seed=0)
        >>> observation.shape, env.action_space
        ((12800,), Discrete(2))
        >>> env.close()
    """

    def __init__(self, *, observation: str = "difference", **kwargs: Any) -> None:
        space = vector_space(observation)
        # Without this every emulator prints a banner of two lines.
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        super().__init__(**checked_kwargs(kwargs))
        paddle_actions = find_paddle_actions(self)
        self._ezpickle_kwargs["observation"] = observation
        self._observation = observation
        self._fields = FieldHistory.start([lit_pixels(self._get_obs())])
        # ale-py's `step` looks actions up here; now in the policy's order.
        self._action_set = [self._action_set[index] for index in paddle_actions[:2]]
        self.observation_space = space
        self.action_space = gym.spaces.Discrete(len(self._action_set))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], Any]:
        """Start an episode, in which the previous field is the current one."""
        frame, info = super().reset(seed=seed, options=options)
        self._fields = FieldHistory.start([lit_pixels(frame)])
        return draw_vectors(self._observation, self._fields)[0], info

    def step(
        self, action: int | NDArray[Any]
    ) -> tuple[NDArray[np.float32], float, bool, bool, Any]:
        """Hold the joystick down (0) or up (1) for one agent step.

        Raises:
            ValueError: the action is neither 0 nor 1.
        """
        frame, reward, terminated, truncated, info = super().step(check_action(action))
        self._fields = self._fields.push([lit_pixels(frame)])
        vector = draw_vectors(self._observation, self._fields)[0]
        return vector, reward, terminated, truncated, info
