"""Register `PongAgent/Pong-v5` with Gymnasium, now or as soon as Gymnasium is imported.

Gymnasium 1.x loads no entry points: a package registers its environments when it is imported.
`import pong_agent` must not load Gymnasium, so an import hook waits until Gymnasium is imported.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

ENV_ID = "PongAgent/Pong-v5"


def register() -> None:
    """Register the environment, unless it is registered already."""
    import gymnasium as gym

    if ENV_ID not in gym.registry:
        gym.register(
            ENV_ID,
            # By name, so that registration does not load ale_py.
            entry_point="pong_agent.envs.pong_env:PongEnv",
            vector_entry_point="pong_agent.envs.pong_vector_env:make_pong_vector_env",
            kwargs={  # those of ALE/Pong-v5
                "game": "pong",
                "frameskip": 4,
                "repeat_action_probability": 0.25,
                "full_action_space": False,
                "max_num_frames_per_episode": 108_000,
            },
        )


def register_with_gymnasium() -> None:
    """Register the environment now, or when Gymnasium is imported."""
    if sys.modules.get("gymnasium") is not None:
        register()
    elif not any(isinstance(finder, _AfterGymnasium) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterGymnasium())


class _AfterGymnasium(MetaPathFinder):
    """Import hook that appends the registration to Gymnasium's import, then removes itself."""

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

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]  # meant
        return spec
