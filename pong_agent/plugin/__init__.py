"""Pong as the policy sees it, for any library: a Gymnasium environment, and wrappers to the same.

Importing this module registers `PongAgent/Pong-v5`: the game of `ALE/Pong-v5`, observed as the
vector that the policy's network reads and played with two actions, 0 = DOWN and 1 = UP.

    gym.make("pong_agent.plugin:PongAgent/Pong-v5")  # always: Gymnasium imports the module itself
    gym.make("PongAgent/Pong-v5")                    # once this module has been imported

`import pong_agent` imports this module if Gymnasium was imported before. Otherwise it does not:
acting must not wait for Gymnasium. Gymnasium then answers that the namespace PongAgent is not
found, also to "pong_agent:PongAgent/Pong-v5", because Python imports a module once.
"""

import gymnasium as gym

from pong_agent.plugin.vector_wrapper import RAW_FRAMES, PongVectorWrapper
from pong_agent.plugin.wrapper import PongWrapper

__all__ = ["ENV_ID", "RAW_FRAMES", "PongVectorWrapper", "PongWrapper"]

ENV_ID = "PongAgent/Pong-v5"

if ENV_ID not in gym.registry:
    gym.register(
        ENV_ID,
        entry_point="pong_agent.plugin.pong_env:PongEnv",  # a name: ale_py is not loaded for it
        kwargs={  # those of ALE/Pong-v5
            "game": "pong",
            "frameskip": 4,
            "repeat_action_probability": 0.25,
            "full_action_space": False,
            "max_num_frames_per_episode": 108_000,
        },
    )
