"""Every hyperparameter, frozen, in one place: a preset is a value of a configuration class."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeAlias


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

    mirror: ClassVar[bool] = False  # the notebook's policy has no symmetry

    def __post_init__(self) -> None:
        """Refuse values that no update can work with.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        if self.observation != "difference":
            raise ConfigError(f"observation: expected 'difference', found {self.observation!r}")
        _check_ranges(self)


@dataclass(frozen=True)
class PPOConfig:
    """Hyperparameters of proximal policy optimization, tuned for wall-clock on two cores."""

    env_id: str = "ALE/Pong-v5"
    """Environment to learn in; frame skip 4, sticky actions 0.25."""

    observation: str = "two_frames"
    """What the network sees: "two_frames" is the current playing field and the previous one."""

    hidden_units: int = 200
    """Number of ReLU units in the hidden layer, shared by policy and value; even with mirror."""

    mirror: bool = True
    """Half of the units see the picture upside down, with the others' weights."""

    first_layer_scale: float = 0.4
    """Standard deviation of a hidden pre-activation at the start, for unsmoothed weights."""

    first_layer_smoothing: float = 2.0
    """Standard deviation, in pixels, of the Gaussian that blurs the first weights; 0 for none."""

    n_envs: int = 16
    """Games that are played on, each from where the last update left it."""

    fragment_steps: int = 128
    """Agent steps of each game per update."""

    discount: float = 0.99
    """Discount of the reward per agent step."""

    gae_lambda: float = 0.95
    """Decay of the advantage estimate's look ahead, lambda of Schulman et al. 2016."""

    epochs: int = 3
    """Passes over the batch per update."""

    minibatch_size: int = 1024
    """Agent steps per gradient."""

    clip_range: float = 0.2
    """How far the probability ratio may leave 1 before its gradient is cut."""

    entropy_coefficient: float = 0.02
    """Weight of the policy's entropy in the objective, at the start."""

    final_entropy_coefficient: float = 0.002
    """The same after `anneal_steps`."""

    value_coefficient: float = 0.5
    """Weight of half the squared value error in the objective."""

    max_grad_norm: float = 0.5
    """Gradients with a larger Euclidean norm are scaled down to it."""

    learning_rate: float = 1e-3
    """Adam's step size at the start; from then on the policy's change adapts it."""

    min_learning_rate: float = 1e-5
    """Lower bound of the adapted step size."""

    max_learning_rate: float = 5e-3
    """Upper bound of the adapted step size, at the start; it shrinks to the lower one."""

    target_kl: float = 0.01
    """Divergence of the new policy from the old one, nats per decision, that an update aims at."""

    final_target_kl: float = 0.001
    """The same after `anneal_steps`: smaller steps average out what chance has in them."""

    anneal_steps: int = 3_000_000
    """Agent steps over which entropy weight, target and largest step size shrink linearly."""

    learning_rate_factor: float = 1.5
    """The step size is divided by it above twice the target, multiplied below half of it."""

    adam_beta1: float = 0.9
    """Decay of Adam's mean of gradients, per gradient."""

    adam_beta2: float = 0.999
    """Decay of Adam's mean of squared gradients, per gradient."""

    adam_epsilon: float = 1e-8
    """Added to the root of that mean."""

    running_return_decay: float = 0.99
    """Decay, per episode, of the running mean of returns that is reported."""

    def __post_init__(self) -> None:
        """Refuse values that no update can work with.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        if self.observation not in ("difference", "two_frames"):
            raise ConfigError(
                f"observation: expected 'difference' or 'two_frames', found {self.observation!r}"
            )
        _check_ranges(self)
        if self.mirror and self.hidden_units % 2:
            raise ConfigError(
                f"hidden_units: expected an even number with mirror, found {self.hidden_units}"
            )


AgentConfig: TypeAlias = ReinforceConfig | PPOConfig

# Largest value of each number; counts start at 1, the others at 0.
_UPPER_BOUNDS = {
    "discount": 1.0,
    "gae_lambda": 1.0,
    "rmsprop_decay": 1.0,
    "running_return_decay": 1.0,
    "adam_beta1": 1.0,
    "adam_beta2": 1.0,
}


def _check_ranges(config: AgentConfig) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        if field.type is str:
            if not isinstance(value, str):
                raise ConfigError(f"{field.name}: expected a str, found {value!r}")
        elif field.type is bool:
            if type(value) is not bool:
                raise ConfigError(f"{field.name}: expected a bool, found {value!r}")
        elif field.type is int:
            if type(value) is not int or value < 1:
                raise ConfigError(f"{field.name}: expected an int of 1 or more, found {value!r}")
        else:
            most = _UPPER_BOUNDS.get(field.name, 1e3)
            # The comparison is also false for NaN.
            if type(value) not in (int, float) or not 0 <= value <= most:
                raise ConfigError(
                    f"{field.name}: expected a number from 0 to {most:g}, found {value!r}"
                )


PRESETS: dict[str, AgentConfig] = {"reinforce": ReinforceConfig(), "ppo": PPOConfig()}


def resolve_preset(preset: str | AgentConfig) -> AgentConfig:
    """Return the configuration that a preset's name stands for, or the configuration given.

    Raises:
        ConfigError: there is no preset of that name.

    Example:
        >>> resolve_preset("reinforce").discount
        0.99
    """
    if not isinstance(preset, str):
        return preset
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset {preset!r}; expected one of {sorted(PRESETS)}")
    return PRESETS[preset]


def config_to_dict(config: AgentConfig) -> dict[str, Any]:
    """Return a configuration as a dictionary that JSON can hold."""
    [algorithm] = [name for name, default in PRESETS.items() if type(default) is type(config)]
    return {"algorithm": algorithm, **asdict(config)}


def config_from_dict(values: Mapping[str, Any]) -> AgentConfig:
    """Rebuild a configuration from `config_to_dict`.

    Raises:
        ConfigError: a field is missing, unknown, of the wrong type or out of range.
    """
    config_class = type(resolve_preset(str(values.get("algorithm"))))
    expected = {"algorithm", *(field.name for field in fields(config_class))}
    if set(values) != expected:
        raise ConfigError(
            f"configuration: expected the fields {sorted(expected)}, found {sorted(values)}"
        )
    return config_class(**{name: values[name] for name in expected - {"algorithm"}})
