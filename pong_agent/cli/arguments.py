"""Types of the commands' options, and their check before any work."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pong_agent.bounds import Bounds, check_fields
from pong_agent.errors import ConfigError
from pong_agent.whole_file import absolute_path, is_stream

_OUTPUT = "written by the command"

Output = Annotated[Path, _OUTPUT]  # a file to write, whose folder need not exist
Seed = Annotated[int, Bounds(0, 10**18)]  # leaves room for SEED + I below 2**63
Number = Annotated[int, Bounds(1, 10**6)]  # of episodes or games
Processes = Annotated[int, Bounds(1, 256)]
Scale = Annotated[int, Bounds(1, 20)]  # of a video's pixels
EmulatorFrames = Annotated[int, Bounds(1, 10**9)]  # of a game
Options = TypeVar("Options")


def checked(options: Options) -> Options:
    """Return a command's options with `~` in their paths expanded.

    Relative paths stay as the user gave them.

    Raises:
        ConfigError: a number is out of range, or an `Output` cannot be written.

    Example:
        >>> from pong_agent.cli.evaluate import Evaluate
        >>> checked(Evaluate(json=Path("~/result.json"))).json == Path.home() / "result.json"
        True
    """
    if not is_dataclass(options) or isinstance(options, type):
        return options
    changes = {one.name: _expanded(getattr(options, one.name), one.name) for one in fields(options)}
    for one in fields(options):
        if changes[one.name] == () and isinstance(one.default, tuple) and one.default:
            raise ConfigError(f"{one.name}: expected one value or more, found none")
    options = replace(options, **changes)
    check_fields(options)
    paths = {name: value for name, value in changes.items() if isinstance(value, Path)}
    for name, hint in get_type_hints(type(options), include_extras=True).items():
        if name in paths and _is_output(hint):
            _check_apart(paths, name)
            check_output(paths[name], name)
    return options


def _expanded(value: Any, name: str) -> Any:
    if isinstance(value, Path):
        return expanded(value, name)
    if isinstance(value, tuple):
        return tuple(_expanded(one, name) for one in value)
    return checked(value)


def expanded(path: str | Path, name: str) -> Path:
    """Return a path with `~` expanded, for the file system's encoding; raise ConfigError.

    Names from a UTF-8 file or a default are bytes of UTF-8 on the disk whatever the locale.
    """
    absolute = absolute_path(path, name)
    kept = absolute if str(path).startswith("~") else Path(path)
    try:
        os.fsencode(kept)
    except UnicodeEncodeError:
        return Path(os.fsdecode(str(kept).encode("utf-8", "surrogateescape")))
    return kept


def _check_apart(paths: Mapping[str, Path], name: str) -> None:
    """Raise ConfigError if an output would replace another file that the command names."""
    for other, path in paths.items():
        if other != name and os.path.realpath(path) == os.path.realpath(paths[name]):
            raise ConfigError(f"{name}: expected another file than {other}, found {path} for both")


def check_output(path: Path, name: str) -> None:
    """Raise ConfigError unless a file can be written, with its missing folders; leave no trace."""
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError("it is a folder")
        if is_stream(path):
            path.stat()  # fails for a descriptor that is not open
        else:
            with contextlib.suppress(FileNotFoundError):
                target.stat()  # fails for a name that is too long, or a loop of links
            # Missing folders are made, but not those of a link's target.
            folders = [one for one in target.parents if os.path.lexists(one)]
            tempfile.TemporaryFile(dir=target.parent if path.is_symlink() else folders[0]).close()
        if os.path.lexists(target) and not os.access(target, os.W_OK):
            raise PermissionError("it is write-protected")
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{name}: {path} cannot be written: {reason}") from error


def _is_output(hint: Any) -> bool:
    return _OUTPUT in getattr(hint, "__metadata__", ()) or any(map(_is_output, get_args(hint)))
