import json
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from pong_agent.errors import ConfigError
from pong_agent.json_values import json_value


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2]], np.uint8), [[1, 2]]),
        (np.array(2.0), 2.0),
        (Path("runs", "a"), "runs/a"),
        (Colour.RED, "red"),
        ((1, (2, None)), [1, [2, None]]),
        (MappingProxyType({"a": np.int8(-1)}), {"a": -1}),
    ],
)
def test_values_are_converted(value, expected):
    """What JSON has a counterpart for becomes it, and reads back equal."""
    found = json_value(value, "metadata")
    assert (found, type(found)) == (expected, type(expected))
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize(
    "value", [float("nan"), np.float64("inf"), {1}, b"a", object(), {3: "a"}, 1j, [{"a": {2}}]]
)
def test_other_values_are_refused(value):
    """The error names the entry and shows the value."""
    with pytest.raises(ConfigError, match=r"^metadata.*found"):
        json_value(value, "metadata")


def test_a_list_that_holds_itself_is_refused():
    """Conversion ends."""
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="found"):
        json_value(endless, "metadata")
