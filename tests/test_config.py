import inspect
import json
import math
from dataclasses import FrozenInstanceError, asdict, fields

import numpy as np
import pytest

from pong_agent import PRESETS, ConfigError, PongAgent, PPOConfig, ReinforceConfig
from pong_agent.config import with_hyperparams


def test_reinforce_has_the_notebooks_values():
    """Each hyperparameter of the notebook stands in the preset."""
    config = PRESETS["reinforce"]
    assert config.hidden_units == 200
    assert config.discount == 0.99
    assert config.rmsprop_decay == 0.99
    assert config.rmsprop_epsilon == 1e-5
    assert config.learning_rate == 1e-4
    assert config.episodes_per_update == 4
    assert config.running_return_decay == 0.99
    assert config.env_id == "Pong-v0"


def test_a_preset_is_frozen():
    """A field cannot be assigned."""
    with pytest.raises(FrozenInstanceError):
        PRESETS["reinforce"].discount = 0.5


def test_an_unknown_preset_is_refused_by_name():
    """The error names the preset and those that exist."""
    with pytest.raises(
        ConfigError, match=r"unknown preset 'dqn'; expected one of \['ppo', 'reinforce'\]"
    ):
        PongAgent("dqn")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_units", 0),
        ("hidden_units", 2.0),
        ("episodes_per_update", True),
        ("learning_rate", -1e-4),
        ("learning_rate", float("nan")),
        ("discount", 1.01),
        ("rmsprop_decay", "0.99"),
        ("observation", "ram"),
        ("env_id", 5),
    ],
)
def test_values_out_of_range_are_refused(field, value):
    """The error names the field, what was expected and what came."""
    with pytest.raises(ConfigError, match=rf"^{field}: expected .*found {value!r}"):
        ReinforceConfig(**{field: value})


def test_an_odd_number_of_units_has_no_mirror():
    """Half of the units are the others' mirror images, so their number is even."""
    with pytest.raises(ConfigError, match="hidden_units: expected an even number with mirror"):
        PPOConfig(hidden_units=201)
    assert PPOConfig(hidden_units=201, mirror=False).hidden_units == 201


@pytest.mark.parametrize("config_class", [ReinforceConfig, PPOConfig])
def test_every_field_is_documented(config_class):
    """Under each field of the class stands a sentence."""
    source = inspect.getsource(config_class)
    for field in fields(config_class):
        after = source.split(f"    {field.name}: ")[1].split("\n", 2)[1]
        assert after.strip().startswith('"""'), field.name


@pytest.mark.parametrize(
    "blocks", [(3,), (4, 4), (0,), [4, 16], (160,), ((1, 80),), ("4",), (True,)]
)
def test_blocks_that_do_not_fit_are_refused(blocks):
    """Sides of blocks are different ints that divide 80."""
    with pytest.raises(
        ConfigError, match=r"^first_layer_blocks: expected a tuple of different sides"
    ):
        PPOConfig(first_layer_blocks=blocks)


def test_annealing_goes_from_the_first_values_to_the_final_ones():
    """Weights and targets shrink on straight lines; fragments grow by equal factors."""
    config = PPOConfig(anneal_steps=1000)
    pairs = {
        "entropy_coefficient": config.final_entropy_coefficient,
        "target_kl": config.final_target_kl,
        "stay_logit": config.final_stay_logit,
    }
    for name, final in pairs.items():
        first = getattr(config, name)
        for steps, done in [(0, 0.0), (250, 0.25), (1000, 1.0), (5000, 1.0)]:
            expected = (1 - done) * first + done * final
            assert getattr(config.annealed(steps), name) == pytest.approx(expected)
    config = PPOConfig(anneal_steps=900, fragment_steps=100, final_fragment_steps=800)
    found = [config.annealed(steps).fragment_steps for steps in (0, 300, 600, 900, 5000)]
    assert found == [100, 200, 400, 800, 800]


def test_annealing_follows_the_return_or_the_steps_whichever_is_further():
    """Nothing changes below the first return; above the second one everything has changed."""
    config = PPOConfig(
        anneal_from_return=0.0,
        anneal_to_return=18.0,
        anneal_steps=900,
        fragment_steps=100,
        final_fragment_steps=800,
    )
    for steps, mean_return, expected in [
        (0, math.nan, 100),
        (0, -21.0, 100),
        (0, 0.0, 100),
        (0, 6.0, 200),
        (0, 12.0, 400),
        (0, 20.0, 800),
        (600, 6.0, 400),
        (300, 12.0, 400),
        (300, -21.0, 200),
    ]:
        assert config.annealed(steps, mean_return).fragment_steps == expected
    with pytest.raises(ConfigError, match=r"^anneal_to_return: expected more than anneal_from_ret"):
        PPOConfig(anneal_from_return=18.0)


def test_no_more_games_vary_than_there_are():
    """Of 16 games 16 can have a drawn frame skip, 17 cannot."""
    assert PPOConfig(varied_games=16).varied_games == 16
    with pytest.raises(ConfigError, match="varied_games: expected at most n_envs, 16, found 17"):
        PPOConfig(varied_games=17)


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


def test_numbers_of_numpy_become_python_s():
    """A configuration from an array or a sweep is the same, and can be written as JSON."""
    given = {
        "learning_rate": np.float64(1e-4),
        "epochs": np.int64(3),
        "discount": np.array(0.9),
        "mirror": np.bool_(False),
        "env_id": np.str_("Pong-v0"),
        "first_layer_blocks": (np.int64(4), 8),
    }
    config = PPOConfig(**given)
    assert json.loads(json.dumps(asdict(config)))["epochs"] == 3
    assert config == PPOConfig(
        learning_rate=1e-4,
        epochs=3,
        discount=0.9,
        mirror=False,
        env_id="Pong-v0",
        first_layer_blocks=(4, 8),
    )
    for name, wrong in {"epochs": np.float64(3), "discount": np.array([0.9])}.items():
        with pytest.raises(ConfigError, match=f"^{name}: expected"):
            PPOConfig(**{name: wrong})


@pytest.mark.parametrize("preset", [5, None, PPOConfig])
def test_what_is_no_preset_is_refused(preset):
    """Neither a name nor a configuration."""
    with pytest.raises(ConfigError, match=r"preset: expected a name of .* or a configuration"):
        PongAgent(preset)
