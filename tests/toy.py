"""A tiny game in Pong's frames that an agent can learn in seconds: is the ball up or down?"""

import gymnasium as gym
import numpy as np

UP, DOWN = 2, 3


class UpOrDown(gym.Env):
    """A ball appears in a random row at every step; UP wins in the upper half, DOWN below."""

    metadata = {"render_modes": []}  # noqa: RUF012  # Gymnasium's own form
    observation_space = gym.spaces.Box(0, 255, (210, 160, 3), np.uint8)
    action_space = gym.spaces.Discrete(6)
    rows = 16

    def __init__(self, length=50):
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._frame(), {}

    def step(self, action):
        right = UP if self.row < self.rows // 2 else DOWN
        reward = 1.0 if action == right else -1.0
        self.t += 1
        return self._frame(), reward, self.t == self.length, False, {}

    def _frame(self):
        self.row = int(self.np_random.integers(self.rows))
        frame = np.full((210, 160, 3), 144, dtype=np.uint8)
        top = 35 + 10 * self.row
        frame[top : top + 4, 70:74] = 236
        return frame
