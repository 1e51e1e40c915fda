"""A command's options as a TOML file, written and read back as the command's defaults.

    [train]
    minutes = 3.0
    hyperparams = ["epochs:3"]

A file may hold tables of several commands. Options are named as on the command line, with
underscores or hyphens.
"""

import contextlib
import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import tomli_w
import tyro

from pong_agent.envs.spec import check_ids
from pong_agent.errors import ConfigError, did_you_mean
from pong_agent.training.config import RENAMED
from pong_agent.whole_file import read_text


def read_options(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file by command name, or raise ConfigError."""
    try:
        tables = tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: UTF-8, TOML, long numbers
        raise ConfigError(f"{path}: expected a TOML file of options: {error}") from error
    for name, value in tables.items():
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: expected tables such as [train], found {name} = {value!r}")
    if "train" in tables:  # perhaps the config.toml of an older run
        tables["train"] = {RENAMED.get(key, key): value for key, value in tables["train"].items()}
    return tables


def defaults(command_class: type) -> Any:
    """Return a command with its default options; those without one are `tyro.MISSING`."""
    required = [
        field.name
        for field in fields(command_class)
        if field.default is MISSING and field.default_factory is MISSING
    ]
    return command_class(**dict.fromkeys(required, tyro.MISSING))


def with_options(command: Any, options: Mapping[str, Any], where: str) -> Any:
    """Return a command with the options of a TOML table, which messages call `where`.

    Raises ConfigError if an option is unknown or has a value of another type, or if an
    environment's id would import a module.

    Example:
        >>> from pong_agent.cli.evaluate import Evaluate
        >>> with_options(Evaluate(), {"episodes": 3, "env-id": "Pong-v4"}, "[evaluate]").episodes
        3
    """
    given = {name.replace("-", "_"): value for name, value in options.items()}
    if len(given) < len(options):
        raise ConfigError(f"{where}: expected each option once, found {', '.join(options)}")
    known = _options(command)
    if unknown := sorted(set(given) - set(known)):
        hint = (
            did_you_mean(unknown[0], known).strip() or f"expected options among {', '.join(known)}"
        )
        raise ConfigError(f"{where}: found {', '.join(unknown)}; {hint}")
    check_ids(given)
    if given.get("address"):
        raise ConfigError(f"{where}: a file may not choose a Ray cluster; give --address")
    values = {name: _typed(known[name][0], value, where, name) for name, value in given.items()}
    return _replaced(command, values)


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
    given = {name: value for name, (_, value) in _options(command).items() if value is not None}
    given.pop("address", None)  # see `with_options`
    plain = json.loads(json.dumps(given, default=str))  # paths as text
    return tomli_w.dumps({type(command).__name__.lower(): plain})


def _options(command: Any) -> dict[str, tuple[Any, Any]]:
    """Return type and value of each option, with those of nested configurations."""
    hints = get_type_hints(type(command), include_extras=True)
    options: dict[str, tuple[Any, Any]] = {}
    for field in fields(command):
        value = getattr(command, field.name)
        options |= (
            _options(value) if is_dataclass(value) else {field.name: (hints[field.name], value)}
        )
    return options


def _typed(hint: Any, value: Any, where: str, name: str) -> Any:
    """Convert a TOML value to its option's type by the rules of the command line."""
    if get_origin(hint) is Annotated:  # without the command line's names, which are not positional
        hint = get_args(hint)[0]
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


def _replaced(command: Any, values: Mapping[str, Any]) -> Any:
    """Return a command with some options replaced, also those of nested configurations."""
    changes: dict[str, Any] = {}
    for field in fields(command):
        value = getattr(command, field.name)
        if is_dataclass(value):
            changes[field.name] = _replaced(value, values)
        elif field.name in values:
            changes[field.name] = values[field.name]
    return replace(command, **changes)
