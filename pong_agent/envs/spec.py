"""An environment as a value: its id and the arguments that decide which game is played."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from pong_agent.bounds import Bounds, Share, check_fields
from pong_agent.config import AgentConfig
from pong_agent.errors import ConfigError

_MOST_FRAMES = 1_000  # skipped, or passed without an action: larger numbers would not end
_DRAWN_FRAME_SKIP = (2, 5)  # 5 excluded, as in Pong-v0 and Pong-v4

Frames = Annotated[int, Bounds(0, _MOST_FRAMES)]


@dataclass(frozen=True)
class EnvSpec:
    """Id and arguments of a Pong environment; None leaves an argument at the id's own value.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    Example:
        >>> spec = EnvSpec("ALE/Pong-v5", frameskip=(2, 5), difficulty=1)
        >>> spec.to_dict()
        {'env_id': 'ALE/Pong-v5', 'frameskip': [2, 5], 'difficulty': 1}
        >>> EnvSpec.from_dict(spec.to_dict()) == spec
        True
    """

    env_id: str
    """Gymnasium's id, such as "ALE/Pong-v5"."""

    noop_max: Frames = 0
    """Each episode starts with 0 to this many emulator frames without an action."""

    frameskip: int | tuple[int, int] | None = None
    """Emulator frames per action: a number, or a range to draw from whose end is exclusive."""

    repeat_action_probability: Share | None = None
    """Probability that an action is sticky."""

    difficulty: Annotated[int, Bounds(0, 3)] | None = None
    """Width of the bats: 0 both wide, 1 the opponent's narrow, 2 our own, 3 both."""

    mode: Annotated[int, Bounds(0, 1)] | None = None
    """Game mode of the console, 0 or 1."""

    full_action_space: bool | None = None
    """Whether the action space holds all 18 joystick actions instead of Pong's 6."""

    max_num_frames_per_episode: Annotated[int, Bounds(0, 10**9)] | None = None
    """Emulator frames after which an episode is truncated; 0 for never."""

    def __post_init__(self) -> None:
        """Check every field; NumPy's numbers become Python's, lists and arrays tuples."""
        skip: Any = self.frameskip
        if isinstance(skip, list) or getattr(skip, "ndim", 0) == 1:
            object.__setattr__(self, "frameskip", tuple(skip))
        check_fields(self)
        if not self.env_id:
            raise ConfigError(f"env_id: expected an environment's id, found {self.env_id!r}")
        if self.frameskip is not None and not _is_frameskip(self.frameskip):
            raise ConfigError(
                f"frameskip: expected an int from 1 to {_MOST_FRAMES}, or a rising pair of them, "
                f"found {self.frameskip!r:.60}"
            )

    @property
    def kwargs(self) -> dict[str, Any]:
        """Arguments of the environment itself: those that are set, without id and `noop_max`."""
        every = {one.name: getattr(self, one.name) for one in fields(self)[2:]}
        return {name: value for name, value in every.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as JSON types."""
        defaults = vars(EnvSpec)
        changed = {name: one for name, one in vars(self).items() if one != defaults.get(name)}
        return {name: list(one) if isinstance(one, tuple) else one for name, one in changed.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EnvSpec":
        """Return the specification that `to_dict` described, read from a file.

        Raises:
            ConfigError: a field is unknown, missing, of the wrong type or out of range, or the id
                would import a module (see `without_import`).
        """
        spec = cls(**{"env_id": "", **_known(values)})
        without_import(spec.env_id)
        return spec

    def with_kwargs(self, values: Mapping[str, Any] | None) -> "EnvSpec":
        """Return the specification with some fields replaced.

        Raises:
            ConfigError: a field is unknown, of the wrong type or out of range.
        """
        return replace(self, **_known(values or {}))


def checked_kwargs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of an environment, with those that `EnvSpec` has checked and converted.

    Example:
        >>> checked_kwargs({"frameskip": [2, 5], "render_mode": None})
        {'frameskip': (2, 5), 'render_mode': None}
    """
    names = [one.name for one in fields(EnvSpec)[1:] if one.name in values]
    spec = EnvSpec("-", **{name: values[name] for name in names})
    return {**values, **{name: getattr(spec, name) for name in names}}


def without_import(env_id: str) -> str:
    """Return an id that comes from a file, if making its environment imports no module.

    Gymnasium imports the module of an id like "module:Pong-v0". Who wrote the file would then
    choose which code runs, so the module must have been imported already.

    Raises:
        ConfigError: the module has not been imported.

    Example:
        >>> without_import("pong_agent:PongAgent/Pong-v5")
        'pong_agent:PongAgent/Pong-v5'
        >>> without_import("stranger:Pong-v0")
        Traceback (most recent call last):
        pong_agent.errors.ConfigError: env_id: a file may not import a module, found \
'stranger:Pong-v0'; if you trust 'stranger', give --env-id, or import it first
    """
    module, _, _ = env_id.rpartition(":")
    if module and module not in sys.modules:
        raise ConfigError(
            f"env_id: a file may not import a module, found {env_id!r:.100}; "
            f"if you trust {module!r:.60}, give --env-id, or import it first"
        )
    return env_id


def check_ids(options: Mapping[str, Any]) -> None:
    """Check the ids in options of training that come from a file, as `without_import` does."""
    hyperparams = options.get("hyperparams")
    for one in hyperparams if isinstance(hyperparams, (list, tuple)) else ():
        name, _, value = str(one).partition(":")
        if name == "env_id":
            without_import(value)
    without_import(str(options.get("env_id", "")))


def own_spec(config: AgentConfig) -> EnvSpec:
    """Return the environment that an agent learns in, to play in it.

    The agent may come from a file; raises ConfigError as `without_import`.
    """
    without_import(config.env_id)
    return training_spec(config)


def training_spec(config: AgentConfig, *, varied: bool = False) -> EnvSpec:
    """Return the environment that an agent learns in; `varied` as of `PPOConfig.varied_games`."""
    return EnvSpec(
        config.env_id,
        noop_max=config.noop_max,
        frameskip=_DRAWN_FRAME_SKIP if varied else None,
        repeat_action_probability=config.repeat_action_probability,
    )


def _known(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values by field; raise ConfigError if there is no such field."""
    known = [one.name for one in fields(EnvSpec)]
    if not isinstance(values, Mapping) or (unknown := [one for one in values if one not in known]):
        found = values if not isinstance(values, Mapping) else unknown[0]
        raise ConfigError(f"environment: expected fields of {known}, found {found!r:.60}")
    return values


def _is_frameskip(value: Any) -> bool:
    is_pair = isinstance(value, tuple) and len(value) == 2
    first, end = value if is_pair else (value, _MOST_FRAMES + 1)
    return type(first) is int and type(end) is int and 1 <= first < end <= _MOST_FRAMES + 1
