"""Make ALE Pong environments by id."""

import importlib
import warnings
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import ConfigError, PongError

if TYPE_CHECKING:
    import gymnasium

# Environments whose frames `PaletteEnv` may draw; another package's may do more than the emulator.
_OWN_FRAMES = ("ale_py.", "pong_agent.")
_RENDER_MODES = (None, "rgb_array", "rgb_array_list", "human")


def make_env(
    env_id: str | EnvSpec,
    *,
    render_mode: str | None = None,
    noop_max: int | None = None,
    palette: bool = False,
    **kwargs: Any,
) -> "gymnasium.Env[Any, Any]":
    """Make an ALE Pong environment, without the emulator's banner.

    Args:
        env_id: e.g. "ALE/Pong-v5" (frame skip 4, sticky actions 0.25) or "Pong-v0" (frame skip
            drawn from 2 to 4 for every action, sticky actions 0.25); or an `EnvSpec`.
        render_mode: None, "rgb_array", "rgb_array_list" or "human".
        noop_max: most emulator frames without an action at the start of an episode; by default
            the specification's, or 0.
        palette: observe palette indices and skip Gymnasium's checks, which is faster; without
            effect on an environment of another package, or registered with wrappers.
        **kwargs: fields of `EnvSpec`, such as `difficulty=1`, which replace those of a given one;
            others are passed to the environment.

    Returns:
        The environment, whose observations are (210, 160, 3) uint8, or (210, 160) with `palette`.

    Raises:
        ConfigError: an argument is unknown or out of range.
        NotPongError: the id is not registered, or the environment is not Pong with RGB frames and
            discrete actions.

    Example:
        >>> env = make_env("ALE/Pong-v5")
        >>> find_paddle_actions(env)
        PaddleActions(down=3, up=2, stay=0)
        >>> env.close()
    """
    given = {one.name: kwargs.pop(one.name) for one in fields(EnvSpec) if one.name in kwargs}
    if noop_max is not None:
        given["noop_max"] = noop_max
    spec = replace(env_id, **given) if isinstance(env_id, EnvSpec) else EnvSpec(env_id, **given)
    env = make_registered(spec, render_mode=render_mode, palette=palette, **kwargs)
    try:
        find_paddle_actions(env)
    except NotPongError:
        env.close()
        raise
    return env


def make_registered(
    spec: EnvSpec, *, render_mode: str | None, palette: bool = False, **kwargs: Any
) -> "gymnasium.Env[Any, Any]":
    """Make a registered environment, whether or not an agent can play it; see `make_env`."""
    import ale_py
    import gymnasium

    if render_mode not in _RENDER_MODES:
        raise ConfigError(f"render_mode: expected one of {_RENDER_MODES}, found {render_mode!r}")
    # Without this every emulator prints a banner of two lines.
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    try:
        with warnings.catch_warnings():
            # Pong-v0 is old on purpose: it is the notebook's.
            warnings.filterwarnings("ignore", message=".*is out of date", category=Warning)
            registered = gymnasium.spec(import_module_of(spec.env_id))
            own = str(registered.entry_point).startswith(_OWN_FRAMES)
            if palette and own and not registered.additional_wrappers:
                registered = replace(
                    registered,
                    entry_point="pong_agent.envs.starts:PaletteEnv",
                    order_enforce=False,
                    disable_env_checker=True,
                )
            env = gymnasium.make(registered, render_mode=render_mode, **spec.kwargs, **kwargs)
    except PongError:
        raise
    except (gymnasium.error.Error, ImportError) as error:  # ImportError: an optional package
        raise NotPongError(
            f"expected the id of a Pong environment such as 'ALE/Pong-v5', "
            f"found {spec.env_id!r:.100}: {error}"
        ) from error
    except (TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"{spec.env_id}: cannot be made with these arguments: {reason}"
        ) from error
    if spec.noop_max:
        from pong_agent.envs.starts import NoopStart  # loads Gymnasium

        env = NoopStart(env, spec.noop_max)
    return env


def import_module_of(env_id: str) -> str:
    """Import the module of an id such as "module:Pong-v0", given by the user; return "Pong-v0".

    Raises:
        NotPongError: there is no such module.
    """
    module, _, name = env_id.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
    except (ImportError, TypeError, ValueError) as error:
        raise NotPongError(f"{env_id!r:.100}: the module cannot be imported: {error}") from error
    return name
