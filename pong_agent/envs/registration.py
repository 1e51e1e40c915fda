"""Register `PongAgent/Pong-v5` with Gymnasium, now or as soon as Gymnasium is imported.

Gymnasium 1.x loads no entry points: a package registers its environments when it is imported.
`import pong_agent` must not load Gymnasium, so a finder waits for Gymnasium's own import.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

ENV_ID = "PongAgent/Pong-v5"


def register() -> None:
    """Register the environment, unless it is registered."""
    import gymnasium as gym

    if ENV_ID not in gym.registry:
        gym.register(
            ENV_ID,
            entry_point="pong_agent.envs.pong_env:PongEnv",  # a name: ale_py is not loaded for it
            kwargs={  # those of ALE/Pong-v5
                "game": "pong",
                "frameskip": 4,
                "repeat_action_probability": 0.25,
                "full_action_space": False,
                "max_num_frames_per_episode": 108_000,
            },
        )


def register_with_gymnasium() -> None:
    """Register the environment if Gymnasium is loaded, otherwise when it is."""
    if sys.modules.get("gymnasium") is not None:
        register()
    elif not any(isinstance(finder, _AfterGymnasium) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterGymnasium())


class _AfterGymnasium(MetaPathFinder):
    """Finds Gymnasium as Python would, and adds the registration to the end of its import."""

    def find_spec(self, fullname: str, *_: Sequence[str] | ModuleType | None) -> ModuleSpec | None:
        if fullname != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                register()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
