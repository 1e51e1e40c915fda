"""Configurations as text and JSON: values replaced by name, written down and read back."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from pong_agent.config import PRESETS, AgentConfig, resolve_preset
from pong_agent.errors import ConfigError


def with_hyperparams(config: AgentConfig, hyperparams: Sequence[str]) -> AgentConfig:
    """Return a configuration with some values replaced, each given as "NAME:VALUE".

    Raises:
        ConfigError: a name is unknown, or a value is out of range or not a Python literal.

    Example:
        >>> with_hyperparams(PRESETS["ppo"], ["epochs:3", "observation:difference"]).epochs
        3
    """
    known = {field.name: field for field in fields(config)}
    given: dict[str, Any] = {}
    for item in hyperparams:
        name, colon, text = item.partition(":")
        if not colon or name not in known:
            raise ConfigError(
                f"hyperparams: expected NAME:VALUE of {sorted(known)}, found {item!r}"
            )
        try:
            given[name] = text if known[name].type is str else ast.literal_eval(text)
        except (SyntaxError, ValueError) as error:
            raise ConfigError(f"{name}: expected a value, found {text!r}") from error
    return replace(config, **given)


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
    missing, unknown = expected - set(values), set(values) - expected
    if missing or unknown:
        raise ConfigError(
            f"configuration: expected the fields of this version's {config_class.__name__}; "
            f"missing: {_listed(missing)}, unknown: {_listed(unknown)}"
        )
    given: dict[str, Any] = {name: values[name] for name in expected - {"algorithm"}}
    # JSON knows lists only.
    return config_class(**{name: _as_tuples(value) for name, value in given.items()})


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
