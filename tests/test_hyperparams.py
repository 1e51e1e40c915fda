import pytest

from pong_agent import ConfigError, PPOConfig, ReinforceConfig
from pong_agent.hyperparams import config_from_dict, config_to_dict, with_hyperparams


@pytest.mark.parametrize("config", [ReinforceConfig(hidden_units=10), PPOConfig(n_envs=4)])
def test_a_configuration_survives_a_dictionary(config):
    """To a dictionary and back gives an equal configuration; other fields are refused."""
    values = config_to_dict(config)
    assert config_from_dict(values) == config
    old = {name: value for name, value in values.items() if name != "hidden_units"}
    with pytest.raises(ConfigError, match=r"missing: hidden_units, unknown: width$"):
        config_from_dict({**old, "width": 80})
    with pytest.raises(ConfigError, match="unknown preset 'dqn'"):
        config_from_dict({**values, "algorithm": "dqn"})


def test_hyperparameters_are_replaced_by_name():
    """Each NAME:VALUE replaces one value, of whatever type."""
    given = ["epochs:3", "mirror:False", "observation:difference", "first_layer_blocks:(8,)"]
    config = with_hyperparams(PPOConfig(), [*given, "repeat_action_probability:0.0"])
    assert config == PPOConfig(
        epochs=3,
        mirror=False,
        observation="difference",
        first_layer_blocks=(8,),
        repeat_action_probability=0.0,
    )


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("epoch:3", "hyperparams: expected NAME:VALUE of .*, found 'epoch:3'"),
        ("epochs", "hyperparams: expected NAME:VALUE"),
        ("epochs:many", "epochs: expected a value, found 'many'"),
        ("epochs:0.5", "epochs: expected an int of 1 or more, found 0.5"),
    ],
)
def test_wrong_hyperparameters_are_refused(item, message):
    """An unknown name, a missing or a wrong value is told in one line."""
    with pytest.raises(ConfigError, match=f"^{message}"):
        with_hyperparams(PPOConfig(), [item])
