"""Values converted to JSON's types where they come in, not when a file is written."""

import math
import os
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from pong_agent.errors import ConfigError

_DEEPEST = 50  # levels of nesting; a structure that holds itself has no end


def json_value(value: Any, name: str) -> Any:
    """Return a value as dicts, lists, strings, finite numbers, booleans and None.

    NumPy's scalars and arrays, tuples, enumerations and paths are converted.

    Args:
        value: what will be written to a JSON file.
        name: how an error names it; entries are named like `metadata.runs[2]`.

    Raises:
        ConfigError: JSON cannot hold the value, or a mapping's key is no string.

    Example:
        >>> json_value({"discount": np.float32(0.5), "runs": (np.int64(3), None)}, "metadata")
        {'discount': 0.5, 'runs': [3, None]}
        >>> json_value({"x": {1}}, "metadata")
        Traceback (most recent call last):
        pong_agent.errors.ConfigError: metadata.x: expected a value that JSON can hold, found {1}
    """
    return _convert(value, name, _DEEPEST)


def _convert(value: Any, name: str, depth: int) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, os.PathLike):
        return str(value)
    if depth and isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ConfigError(f"{name}: expected strings as keys, found {key!r:.60}")
        return {str(key): _convert(one, f"{name}.{key}", depth - 1) for key, one in value.items()}
    if depth and isinstance(value, (list, tuple)):
        return [_convert(one, f"{name}[{i}]", depth - 1) for i, one in enumerate(value)]
    raise ConfigError(f"{name}: expected a value that JSON can hold, found {value!r:.60}")
