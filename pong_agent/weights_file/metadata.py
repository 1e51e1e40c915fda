"""The metadata of a weights file: what acting needs, what training needs, and older versions.

Format 3 stores the policy's description apart from the training configuration:

    {"policy": {"observation": "two_frames", "hidden_units": 200, "mirror": true,
                "actions": ["DOWN", "UP", "STAY"],
                "action_indices": {"down": 3, "up": 2, "stay": 0}},
     "training": {"algorithm": "ppo", "discount": 0.995, ...},
     "seed": 0, "progress": {...}, "generator": {...}, "model_card": {...}}

Reading is strict about "policy" and tolerant about "training": fields that are missing take this
version's defaults, unknown ones are ignored with one warning. So options can come and go.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from pong_agent.actions import NAMES, PaddleActions
from pong_agent.config import AgentConfig, resolve_preset
from pong_agent.errors import ConfigError
from pong_agent.learning.algorithm import algorithm_of

# Fields of a configuration that decide how a policy acts, beside its number of actions.
_POLICY_FIELDS = ("observation", "hidden_units", "mirror")
_POLICY_KEYS = {*_POLICY_FIELDS, "actions", "action_indices"}


class UnknownFieldsWarning(UserWarning):
    """A file holds training fields that this version does not know; it ignores them.

    Example:
        >>> warnings.simplefilter("ignore", UnknownFieldsWarning)
    """


def config_to_dict(config: AgentConfig) -> dict[str, Any]:
    """Return a configuration as a dictionary that JSON can hold, its algorithm's name included."""
    return {"algorithm": algorithm_of(config).name, **asdict(config)}


def config_from_dict(values: Mapping[str, Any], source: str = "configuration") -> AgentConfig:
    """Rebuild a configuration from `config_to_dict`, of this version or another one.

    Missing fields take their defaults; unknown ones are named in one `UnknownFieldsWarning`.

    Args:
        values: the dictionary.
        source: where it comes from, for the warning.

    Raises:
        ConfigError: the algorithm is unknown, or a value has the wrong type or is out of range.
    """
    config_class = type(resolve_preset(str(values.get("algorithm"))))
    known = {field.name for field in fields(config_class)}
    unknown = sorted(set(values) - known - {"algorithm"})
    if unknown:
        warnings.warn(
            f"{source}: ignored unknown fields: {', '.join(unknown)}",
            UnknownFieldsWarning,
            stacklevel=2,
        )
    given: dict[str, Any] = {name: values[name] for name in values if name in known}
    return config_class(**{name: _as_tuples(value) for name, value in given.items()})


def to_sections(config: AgentConfig, paddle_actions: PaddleActions) -> dict[str, Any]:
    """Return the sections "policy" and "training" of format 3."""
    training = config_to_dict(config)
    training.pop("n_actions", None)
    policy = {name: getattr(config, name) for name in _POLICY_FIELDS}
    return {
        "policy": {
            **policy,
            "actions": list(NAMES[: config.n_actions]),
            "action_indices": paddle_actions._asdict(),
        },
        "training": {name: training[name] for name in training if name not in policy},
    }


def from_sections(
    metadata: Mapping[str, Any], source: str = "weights file"
) -> tuple[AgentConfig, PaddleActions]:
    """Rebuild a configuration and action indices from the metadata of format 3.

    Raises:
        ConfigError: a field of the policy is missing, unknown or invalid, or a known training
            field is invalid.
    """
    policy = metadata["policy"]
    missing, unknown = _POLICY_KEYS - set(policy), set(policy) - _POLICY_KEYS
    if missing or unknown:
        raise ConfigError(
            f"policy: expected the fields {sorted(_POLICY_KEYS)}, "
            f"missing: {_listed(missing)}, unknown: {_listed(unknown)}"
        )
    actions = policy["actions"]
    if actions not in (list(NAMES[:2]), list(NAMES)):
        raise ConfigError(
            f"policy: expected actions {list(NAMES)} or the first two of these, found {actions!r}"
        )
    given = {**metadata["training"], **{name: policy[name] for name in _POLICY_FIELDS}}
    config_class = type(resolve_preset(str(given.get("algorithm"))))
    acting = {"n_actions": len(actions), "mirror": given["mirror"]}
    for name, value in acting.items():
        if name in {field.name for field in fields(config_class)}:
            given[name] = value
        elif given.pop(name, value) != getattr(config_class, name):
            raise ConfigError(
                f"policy: expected {name} {getattr(config_class, name)} for this algorithm, "
                f"found {value}"
            )
    indices = {name: _count(index) for name, index in policy["action_indices"].items()}
    return config_from_dict(given, source), PaddleActions(**indices)


def migrated(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a file of any version as those of the newest one."""
    result = dict(metadata)
    while result["format_version"] in _MIGRATIONS:
        result = _MIGRATIONS[result["format_version"]](result)
    return result


def _from_2_to_3(metadata: dict[str, Any]) -> dict[str, Any]:
    """Split "config" into "policy" and "training", and drop the options that version 3 lacks."""
    training = dict(metadata.pop("config"))
    for name, off in {"dead_steps": 0, "first_layer_smoothing": 0.0}.items():
        if training.get(name) == off:  # any other value is named in the warning
            del training[name]
    n_actions = training.pop("n_actions", 2)
    return {
        **metadata,
        "format_version": 3,
        "policy": {
            "observation": training.pop("observation"),
            "hidden_units": training.pop("hidden_units"),
            "mirror": training.pop("mirror", False),
            "actions": list(NAMES[:n_actions]),
            "action_indices": metadata.pop("actions"),
        },
        "training": training,
    }


# Version of a file -> function to the metadata of the next version.
_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {2: _from_2_to_3}


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected an int of 0 or more, found {value!r}")
    return value


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _as_tuples(value: Any) -> Any:
    """Return lists, the only sequences of JSON, as tuples."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
