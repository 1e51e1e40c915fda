"""A command's options as a TOML file, written and read back as the command's defaults.

    [train]
    minutes = 3.0
    hyperparams = ["epochs:3"]

A file may hold tables of several commands. Options are named as on the command line, with
underscores or hyphens.
"""

import contextlib
import io
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tomli_w
import tyro

from pong_agent.errors import ConfigError
from pong_agent.training.config import RENAMED


def read_options(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file by command name.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or has values outside tables.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: expected a TOML file of options: {error}") from error
    for name, value in tables.items():
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: expected tables such as [train], found {name} = {value!r}")
    if "train" in tables:  # perhaps the config.toml of an older run
        tables["train"] = {RENAMED.get(key, key): value for key, value in tables["train"].items()}
    return tables


def with_options(base: Any, options: Mapping[str, Any], where: str) -> Any:
    """Return a command with some options replaced.

    Args:
        base: a command, or its class, whose options without a default become `tyro.MISSING`.
        options: the table of a TOML file.
        where: name of the table in messages.

    Raises:
        ConfigError: an option is unknown or has a value of another type.

    Example:
        >>> from pong_agent.cli.evaluate import Evaluate
        >>> with_options(Evaluate, {"episodes": 3, "env-id": "Pong-v4"}, "[evaluate]").episodes
        3
    """
    command_class = base if isinstance(base, type) else type(base)
    given = {name.replace("-", "_"): value for name, value in options.items()}
    known = dict(_flat_types(command_class))
    if unknown := sorted(set(given) - set(known)):
        raise ConfigError(
            f"{where}: expected options among {', '.join(known)}; found {', '.join(unknown)}"
        )
    values = {name: _typed(known[name], value, where, name) for name, value in given.items()}
    return _rebuild(base, values)


def to_toml(command: Any) -> str:
    """Return a command as TOML text for `--config`; options that are None are omitted.

    Example:
        >>> from pong_agent.cli.export import Export
        >>> print(to_toml(Export(run_folder=Path("runs/a"), output=Path("w.npz"))), end="")
        [export]
        run_folder = "runs/a"
        output = "w.npz"
        best = false
        episodes = 100
        seed = 1000
        workers = 2
    """
    return tomli_w.dumps({type(command).__name__.lower(): _flat_values(command)})


def _flat_types(command_class: type) -> Iterator[tuple[str, Any]]:
    """Yield name and type of each option, with those of nested configurations."""
    plain = get_type_hints(command_class)
    annotated = get_type_hints(command_class, include_extras=True)
    for field in fields(command_class):
        if is_dataclass(plain[field.name]):
            yield from _flat_types(plain[field.name])
        else:
            yield field.name, annotated[field.name]


def _flat_values(command: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(command):
        value = getattr(command, field.name)
        if is_dataclass(value):
            values |= _flat_values(value)
        elif value is not None:
            values[field.name] = _as_toml(value)
    return values


def _as_toml(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_toml(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _typed(hint: Any, value: Any, where: str, name: str) -> Any:
    """Convert a TOML value to its option's type by the rules of the command line."""
    words = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return tyro.cli(
                Annotated[hint, tyro.conf.Positional],
                args=words,
                config=(tyro.conf.FlagConversionOff,),
            )
    except SystemExit:
        raise ConfigError(f"{where}: {name}: found a value of another type, {value!r}") from None


def _rebuild(base: Any, values: Mapping[str, Any]) -> Any:
    """Return `base`, or an instance of that class, with values replaced at any depth."""
    command_class = base if isinstance(base, type) else type(base)
    hints = get_type_hints(command_class)
    parts: dict[str, Any] = {}
    for field in fields(command_class):
        now = _default(field) if isinstance(base, type) else getattr(base, field.name)
        if is_dataclass(hints[field.name]):
            parts[field.name] = _rebuild(now, values)
        else:
            parts[field.name] = values.get(field.name, now)
    return command_class(**parts)


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    return tyro.MISSING if field.default_factory is MISSING else field.default_factory()
