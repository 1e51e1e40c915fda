"""Errors that a user can cause, under one base class, and the check for optional packages."""

import difflib
import importlib
import sys
from collections.abc import Iterable
from typing import Any


class PongError(Exception):
    """Base of every error that this package raises on purpose.

    The message says what was expected and what was found. The command line prints it as one line.
    """


class ConfigError(PongError, ValueError):
    """A preset is unknown or a setting is out of range; the message names it."""


class LearningError(PongError, ArithmeticError):
    """An update would have given weights that are not finite."""


class MissingPackageError(ImportError, ConfigError):
    """An optional package is not installed; the message holds the command that installs it.

    A `ConfigError` too: that is what 0.1.0 raised.
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question about the known name most like an unknown one, or nothing.

    Example:
        >>> did_you_mean("trian", ["train", "evaluate"])
        'did you mean train? '
    """
    return "".join(f"did you mean {one}? " for one in difflib.get_close_matches(name, known, n=1))


def require(module: str, extra: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: dotted name, e.g. "matplotlib.pyplot".
        extra: the extra of pong-agent that brings the package.

    Returns:
        The module.

    Raises:
        MissingPackageError: the package, or one that it needs, is not installed.

    Example:
        >>> require("json", "plot").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise MissingPackageError(
            f"expected the package {package!r}, found none; "
            f"fix: {sys.executable} -m pip install 'pong-agent[{extra}]'",
            name=error.name,
        ) from error
