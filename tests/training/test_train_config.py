"""Options of a run."""

import pytest

from pong_agent import ConfigError
from pong_agent.training.config import TrainConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workers", -2),
        ("workers", 1.5),
        ("updates", 0),
        ("steps", 0),
        ("seed", -3),
        ("checkpoint_every", 0),
        ("eval_every", -1),
        ("eval_episodes", 0),
    ],
)
def test_numbers_out_of_range_are_refused(field, value):
    """The error names the field, what was expected and what came."""
    with pytest.raises(
        ConfigError, match=rf"^{field}: expected an int (of|from) -?\d .*found {value}"
    ):
        TrainConfig(**{field: value})
