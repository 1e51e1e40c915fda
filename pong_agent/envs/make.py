"""Make ALE Pong environments by id."""

import warnings
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.envs.spec import EnvSpec

if TYPE_CHECKING:
    import gymnasium


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
        render_mode: None or "rgb_array".
        noop_max: most emulator frames without an action at the start of an episode; by default
            the specification's, or 0.
        palette: observe palette indices and skip Gymnasium's checks, which is faster.
        **kwargs: fields of `EnvSpec`, such as `difficulty=1`, which replace those of a given one;
            others are passed to the environment.

    Returns:
        The environment, whose observations are (210, 160, 3) uint8, or (210, 160) with `palette`.

    Raises:
        ConfigError: an argument is out of range.
        NotPongError: the id is not registered, or the environment is not Pong with RGB frames and
            discrete actions.

    Example:
        >>> env = make_env("ALE/Pong-v5")
        >>> find_paddle_actions(env)
        PaddleActions(down=3, up=2, stay=0)
        >>> env.close()
    """
    import ale_py
    import gymnasium

    given = {one.name: kwargs.pop(one.name) for one in fields(EnvSpec) if one.name in kwargs}
    if noop_max is not None:
        given["noop_max"] = noop_max
    spec = replace(env_id, **given) if isinstance(env_id, EnvSpec) else EnvSpec(env_id, **given)
    # Without this every emulator prints a banner of two lines.
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    try:
        with warnings.catch_warnings():
            # Pong-v0 is old on purpose: it is the notebook's.
            warnings.filterwarnings("ignore", message=".*is out of date", category=Warning)
            registered: Any = spec.env_id
            if palette:
                registered = replace(
                    gymnasium.spec(spec.env_id),
                    entry_point="pong_agent.envs.starts:PaletteEnv",
                    order_enforce=False,
                    disable_env_checker=True,
                )
            env = gymnasium.make(registered, render_mode=render_mode, **spec.kwargs, **kwargs)
    except gymnasium.error.Error as error:
        raise NotPongError(
            f"expected the id of a Pong environment such as 'ALE/Pong-v5', "
            f"found {spec.env_id!r}: {error}"
        ) from error
    try:
        find_paddle_actions(env)
    except NotPongError:
        env.close()
        raise
    if spec.noop_max:
        from pong_agent.envs.starts import NoopStart  # loads Gymnasium

        env = NoopStart(env, spec.noop_max)
    return env
