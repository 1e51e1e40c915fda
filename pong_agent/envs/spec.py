"""An environment as a value: its id and the arguments that decide which game is played."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pong_agent.errors import ConfigError

_MOST_FRAMES = 1_000  # skipped, or passed without an action: larger numbers would not end


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

    noop_max: int = 0
    """Each episode starts with 0 to this many emulator frames without an action."""

    frameskip: int | tuple[int, int] | None = None
    """Emulator frames per action: a number, or a range to draw from whose end is exclusive."""

    repeat_action_probability: float | None = None
    """Probability that an action is sticky."""

    difficulty: int | None = None
    """Difficulty of the built-in opponent, 0 to 3."""

    mode: int | None = None
    """Game mode of the console, 0 or 1."""

    full_action_space: bool | None = None
    """Whether the action space holds all 18 joystick actions instead of Pong's 6."""

    max_num_frames_per_episode: int | None = None
    """Emulator frames after which an episode is truncated; 0 for never."""

    def __post_init__(self) -> None:
        """Validate every field."""
        if type(self.env_id) is not str or not self.env_id:
            self._refuse("env_id", "an environment's id")
        self._check_count("noop_max", self.noop_max, 0, _MOST_FRAMES)
        if isinstance(self.frameskip, tuple):
            if len(self.frameskip) != 2:
                self._refuse("frameskip", "a number or a pair of them")
            first, end = self.frameskip
            self._check_count("frameskip", first, 1, _MOST_FRAMES)
            self._check_count("frameskip", end, first + 1, _MOST_FRAMES)
        elif self.frameskip is not None:
            self._check_count("frameskip", self.frameskip, 1, _MOST_FRAMES)
        sticky = self.repeat_action_probability
        if sticky is not None and not (type(sticky) in (int, float) and 0 <= sticky <= 1):
            self._refuse("repeat_action_probability", "a number from 0 to 1")
        if type(self.full_action_space) not in (bool, type(None)):
            self._refuse("full_action_space", "a bool")
        for name, most in (("difficulty", 3), ("mode", 1), ("max_num_frames_per_episode", 10**9)):
            if getattr(self, name) is not None:
                self._check_count(name, getattr(self, name), 0, most)

    @property
    def kwargs(self) -> dict[str, Any]:
        """Arguments of the environment itself: those that are set, without id and `noop_max`."""
        every = {one.name: getattr(self, one.name) for one in fields(self)[2:]}
        return {name: value for name, value in every.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as JSON types."""
        changed = {
            one.name: value
            for one, value in zip(fields(self), asdict(self).values(), strict=True)
            if value != one.default
        }
        return {name: list(one) if isinstance(one, tuple) else one for name, one in changed.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EnvSpec":
        """Return the specification that `to_dict` described.

        Raises:
            ConfigError: a field is unknown, missing, of the wrong type or out of range.
        """
        known = [one.name for one in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ConfigError(f"environment: expected fields of {known}, found {unknown[0]!r:.60}")
        frameskip = values.get("frameskip")
        made = {"env_id": "", **values}
        return cls(**made | ({"frameskip": tuple(frameskip)} if type(frameskip) is list else {}))

    def _check_count(self, name: str, count: Any, least: int, most: int) -> None:
        if type(count) is not int or not least <= count <= most:
            self._refuse(name, f"a whole number from {least} to {most}")

    def _refuse(self, name: str, expected: str) -> None:
        raise ConfigError(f"{name}: expected {expected}, found {getattr(self, name)!r:.60}")
