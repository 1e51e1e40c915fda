"""A no-op-start wrapper, and an ALE environment that observes palette indices."""

from typing import Any

import ale_py
import gymnasium as gym
import numpy as np
from ale_py.env import AtariEnv
from numpy.typing import NDArray

from pong_agent.bounds import as_count
from pong_agent.seeding import Stream, generator


class NoopStart(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Starts each episode with a random number of emulator frames without an action.

    Without sticky actions every episode would start in the same state; 0 to 30 no-ops are the
    usual remedy (V. Mnih et al., "Human-level control through deep reinforcement learning", Nature
    518, 2015).
    """

    def __init__(self, env: gym.Env[Any, Any], noop_max: int) -> None:
        noop_max = as_count(noop_max, "noop_max", 0)
        gym.utils.RecordConstructorArgs.__init__(self, noop_max=noop_max)
        super().__init__(env)
        self.noop_max = noop_max
        self._generator = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start an episode.

        Args:
            seed: seed of the emulator, and of the numbers of no-ops from this reset on.
            options: "noops" sets this episode's number of no-ops instead of drawing it.

        Raises:
            ConfigError: "noops" is no int of 0 or more.
        """
        options = dict(options or {})
        asked = options.pop("noops", None)
        noops = 0 if asked is None else as_count(asked, "noops", 0)
        observation, info = self.env.reset(seed=seed, options=options or None)
        if seed is not None:
            self._generator = generator(seed, Stream.NOOPS)
        if asked is None:
            noops = int(self._generator.integers(self.noop_max + 1))
        emulator: Any = self.env.unwrapped
        for _ in range(noops):
            emulator.ale.act(ale_py.Action.NOOP)
        return (emulator._get_obs() if noops else observation), info


class PaletteEnv(AtariEnv):
    """An ALE environment that observes palette indices, (210, 160) uint8.

    The emulator draws these itself: copying them takes a thirtieth of the time of RGB frames.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observation_space = gym.spaces.Box(0, 255, self.ale.getScreenDims(), np.uint8)

    def _get_obs(self) -> NDArray[np.uint8]:
        return np.asarray(self.ale.getScreen())
