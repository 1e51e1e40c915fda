"""Pong environments: made by id, registered with Gymnasium, and wrapped for the policy.

`import pong_agent` registers `PongAgent/Pong-v5`: the game of `ALE/Pong-v5` with the policy's input
vector as observation and two actions, 0 = DOWN and 1 = UP.

    gym.make("PongAgent/Pong-v5")             # once pong_agent has been imported
    gym.make("pong_agent:PongAgent/Pong-v5")  # Gymnasium imports pong_agent itself
"""

import importlib
from typing import TYPE_CHECKING, Any

from pong_agent.envs.registration import ENV_ID

if TYPE_CHECKING:
    from pong_agent.envs.vector_wrapper import RAW_FRAMES, PongVectorWrapper
    from pong_agent.envs.wrapper import PongWrapper

__all__ = ["ENV_ID", "RAW_FRAMES", "PongVectorWrapper", "PongWrapper"]

_MODULES = {
    "RAW_FRAMES": "vector_wrapper",
    "PongVectorWrapper": "vector_wrapper",
    "PongWrapper": "wrapper",
}


def __getattr__(name: str) -> Any:
    """Import a wrapper on first use: wrappers need Gymnasium, acting does not."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
