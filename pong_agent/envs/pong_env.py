"""The registered environment: the emulator, seen and played as the policy sees and plays it."""

from typing import Any

import ale_py
import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from pong_agent.envs.paddle_actions import find_paddle_actions
from pong_agent.envs.starts import PaletteEnv
from pong_agent.envs.vectors import draw_vectors, vector_space
from pong_agent.envs.wrapper import check_action
from pong_agent.vision.pixels import lit_pixels


class PongEnv(PaletteEnv):
    """Pong whose observation is the policy's vector and whose actions are 0 = DOWN and 1 = UP.

    The game, its rewards (+1 and -1 per point), infos, seeds and `render` are those of ale-py's
    environment. The observation is read from the emulator's screen of colours' indices, without the
    time that RGB frames take. `PongWrapper` gives the same vectors from such frames.

    Args:
        observation: "difference", current minus previous playing field, (6400,) float32 in
            {-1, 0, 1}, zeros at an episode's start; "two_frames", both side by side, (12800,) in
            {0, 1}, equal at an episode's start; or "sum_and_difference", (12800,) in {-1, ..., 2}.
        **kwargs: what ale-py's environment takes: frameskip, repeat_action_probability,
            full_action_space, max_num_frames_per_episode, mode, difficulty, render_mode.

    Raises:
        ConfigError: there is no such kind of observation.
        NotPongError: the arguments ask for another game, for continuous actions or for
            observations that are no frames.

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
        super().__init__(**kwargs)
        paddle_actions = find_paddle_actions(self)
        self._ezpickle_kwargs["observation"] = observation
        self._observation = observation
        self._previous = lit_pixels(self._get_obs())
        # What ale-py's `step` looks actions up in, now in the policy's order.
        self._action_set = [self._action_set[index] for index in paddle_actions[:2]]
        self.observation_space = space
        self.action_space = gym.spaces.Discrete(len(self._action_set))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], Any]:
        """Start an episode: the previous playing field is the current one.

        Returns:
            The observation, and ale-py's information.
        """
        screen, info = super().reset(seed=seed, options=options)
        self._previous = lit_pixels(screen)
        return self._vector(screen), info

    def step(
        self, action: int | NDArray[Any]
    ) -> tuple[NDArray[np.float32], float, bool, bool, Any]:
        """Hold the joystick down (0) or up (1) for one step.

        Returns:
            The observation, and ale-py's reward, ends and information.

        Raises:
            ValueError: the action is neither 0 nor 1.
        """
        screen, reward, terminated, truncated, info = super().step(check_action(action))
        return self._vector(screen), reward, terminated, truncated, info

    def _vector(self, screen: NDArray[np.uint8]) -> NDArray[np.float32]:
        current, previous = lit_pixels(screen), self._previous
        self._previous = current
        vector: NDArray[np.float32] = draw_vectors(self._observation, [current], [previous])[0]
        return vector
