"""Small training runs that several tests share, and how two agents are compared."""

from dataclasses import replace

import numpy as np

from pong_agent.training.config import TrainConfig
from pong_agent.training.start import start_run

# Few games, each for longer: every emulator that starts reads its ROM.
QUICK = (
    "n_envs:4",
    "fragment_steps:256",
    "final_fragment_steps:256",
    "epochs:2",
    "hidden_units:20",
)
PPO = TrainConfig(preset="ppo", updates=4, workers=0, hyperparams=QUICK, checkpoint_every=1)
REINFORCE = TrainConfig(preset="reinforce", updates=2, workers=0, hyperparams=("hidden_units:20",))
SHORT = replace(REINFORCE, hyperparams=("hidden_units:20", "episodes_per_update:1"))


def run(config, folder, **options):
    """Train to the end; return the agent."""
    with start_run(config, folder) as trainer:
        assert trainer.train(**options) is None
        return trainer.agent


def assert_same_agent(one, other):
    """Parameters, optimizer and progress are equal bit for bit."""
    for attribute in ("parameters", "optimizer_state"):
        for name, array in getattr(one._state, attribute).items():
            np.testing.assert_array_equal(getattr(other._state, attribute)[name], array)
    assert one.progress == other.progress
