"""Every hyperparameter, frozen, in one place: a preset is a value of a configuration class."""

from dataclasses import asdict, dataclass, fields
from typing import Any


class ConfigError(ValueError):
    """A preset is unknown or a setting is out of range; the message names it."""


@dataclass(frozen=True)
class ReinforceConfig:
    """Hyperparameters of REINFORCE as in the notebook, whose names stand in brackets."""

    env_id: str = "Pong-v0"
    """Environment to learn in; its frame skip is drawn from 2 to 4, sticky actions 0.25."""

    observation: str = "difference"
    """What the network sees: "difference" is the current playing field minus the previous one."""

    hidden_units: int = 200
    """Number of ReLU units in the hidden layer [H]."""

    learning_rate: float = 1e-4
    """Step size of RMSProp [learning_rate]."""

    rmsprop_decay: float = 0.99
    """Decay of RMSProp's running mean of squared gradients, per update [decay_rate]."""

    rmsprop_epsilon: float = 1e-5
    """Added to the root of that mean, outside the root [1e-5 in Model.update]."""

    discount: float = 0.99
    """Discount of the reward per agent step [gamma]."""

    episodes_per_update: int = 4
    """Whole episodes whose gradients are summed into one update [batch_size]."""

    running_return_decay: float = 0.99
    """Decay, per episode, of the running mean of returns that is reported [0.99, 0.01]."""

    def __post_init__(self) -> None:
        """Refuse values that no update can work with.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        if self.observation != "difference":
            raise ConfigError(f"observation: expected 'difference', found {self.observation!r}")
        if not isinstance(self.env_id, str):
            raise ConfigError(f"env_id: expected a str, found {self.env_id!r}")
        for name in ("hidden_units", "episodes_per_update"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"{name}: expected an int of 1 or more, found {value!r}")
        for name, most in _UPPER_BOUNDS.items():
            value = getattr(self, name)
            # The comparison is also false for NaN.
            if not isinstance(value, int | float) or not 0 <= value <= most:
                raise ConfigError(f"{name}: expected a number from 0 to {most:g}, found {value!r}")


_UPPER_BOUNDS = {
    "learning_rate": 1e3,
    "rmsprop_decay": 1.0,
    "rmsprop_epsilon": 1.0,
    "discount": 1.0,
    "running_return_decay": 1.0,
}

PRESETS: dict[str, ReinforceConfig] = {"reinforce": ReinforceConfig()}


def resolve_preset(preset: str | ReinforceConfig) -> ReinforceConfig:
    """Return the configuration that a preset's name stands for, or the configuration given.

    Raises:
        ConfigError: there is no preset of that name.

    Example:
        >>> resolve_preset("reinforce").discount
        0.99
    """
    if isinstance(preset, ReinforceConfig):
        return preset
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset {preset!r}; expected one of {sorted(PRESETS)}")
    return PRESETS[preset]


def config_to_dict(config: ReinforceConfig) -> dict[str, Any]:
    """Return a configuration as a dictionary that JSON can hold."""
    return asdict(config)


def config_from_dict(values: dict[str, Any]) -> ReinforceConfig:
    """Rebuild a configuration from `config_to_dict`.

    Raises:
        ConfigError: a field is missing, unknown, of the wrong type or out of range.
    """
    expected = {field.name for field in fields(ReinforceConfig)}
    if set(values) != expected:
        raise ConfigError(
            f"configuration: expected the fields {sorted(expected)}, found {sorted(values)}"
        )
    return ReinforceConfig(**values)
