import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

ENV_ID = "PongAgent/Pong-v5"


@pytest.mark.parametrize(
    "code",
    [
        "import gymnasium as gym; gym.make('pong_agent:PongAgent/Pong-v5')",
        "import pong_agent, gymnasium as gym; gym.make('pong_agent.envs:PongAgent/Pong-v5')",
        "import pong_agent, gymnasium as gym; gym.make('pong_agent:PongAgent/Pong-v5')",
        "import gymnasium as gym, pong_agent; gym.make('PongAgent/Pong-v5')",
        "import pong_agent, gymnasium as gym; gym.make('PongAgent/Pong-v5')",
    ],
)
def test_the_id_is_known_in_every_order_of_imports(code):
    """A fresh interpreter finds the environment, silently, by each of the documented ways."""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_registering_loads_neither_gymnasium_nor_the_emulator():
    """The environment is registered when Gymnasium is imported, and needs no emulator for it."""
    code = "import sys, pong_agent; assert 'gymnasium' not in sys.modules; import gymnasium; "
    code += "assert 'PongAgent/Pong-v5' in gymnasium.registry; assert 'ale_py' not in sys.modules"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_spawned_processes_can_make_it():
    """Spawned workers, which inherit nothing, play the same game."""
    envs = gym.make_vec(
        f"pong_agent.envs:{ENV_ID}",
        num_envs=1,
        vectorization_mode="async",
        vector_kwargs={"context": "spawn"},
    )
    env = gym.make(ENV_ID)
    envs.reset(seed=3)
    env.reset(seed=3)
    for _ in range(4):
        np.testing.assert_array_equal(envs.step([1])[0][0], env.step(1)[0])
    envs.close()
    env.close()
