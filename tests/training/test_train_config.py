"""Options of a run."""

import math

import numpy as np
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


def test_values_are_converted_or_refused_where_they_come_in():
    """No seed means a drawn one, which is then known; a list of hyperparameters is a tuple."""
    config = TrainConfig(seed=None, hyperparams=["epochs:3"])
    assert type(config.seed) is int
    assert f"seed = {config.seed}" in config.to_toml()
    assert config.hyperparams == ("epochs:3",)
    assert TrainConfig(seed=np.int64(7)) == TrainConfig(seed=7)
    for field, value in [("seed", True), ("hyperparams", "epochs:3"), ("stop_at_eval", math.nan)]:
        with pytest.raises(ConfigError, match=f"^{field}: expected .* found {value!r}"):
            TrainConfig(**{field: value})
