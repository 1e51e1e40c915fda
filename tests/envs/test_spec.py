import json

import pytest

from pong_agent import ConfigError, make_env
from pong_agent.envs.spec import EnvSpec

FULL = EnvSpec(
    "PongNoFrameskip-v4",
    noop_max=30,
    frameskip=(2, 5),
    repeat_action_probability=0.5,
    difficulty=2,
    mode=1,
    full_action_space=True,
    max_num_frames_per_episode=400,
)


@pytest.mark.parametrize("spec", [FULL, EnvSpec("ALE/Pong-v5"), EnvSpec("Pong-v0", frameskip=3)])
def test_json_keeps_every_field(spec):
    """A specification read from its JSON is equal, down to the frame skip's tuple."""
    assert EnvSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_an_environment_is_made_as_its_specification_says():
    """Every field reaches the environment, and a keyword replaces the specification's."""
    env = make_env(FULL, difficulty=3)
    made = env.unwrapped._ezpickle_kwargs
    assert {name: made[name] for name in FULL.kwargs} == {**FULL.kwargs, "difficulty": 3}
    assert env.noop_max == 30
    assert env.action_space.n == 18
    env.close()
    env = make_env(FULL, noop_max=0)
    assert not hasattr(env, "noop_max")
    env.close()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("env_id", "", "an environment's id"),
        ("noop_max", -1, "an int from 0 to 1000"),
        ("noop_max", True, "an int"),
        ("frameskip", 0, "an int from 1 to 1000"),
        ("frameskip", (3, 3), "an int from 1 to 1000, or a rising pair"),
        ("frameskip", (1, 2, 3), "an int"),
        ("frameskip", "often", "an int"),
        ("frameskip", 10**12, "an int"),
        ("repeat_action_probability", 1.5, "a number from 0 to 1"),
        ("repeat_action_probability", float("nan"), "a number from 0 to 1"),
        ("difficulty", 4, "an int from 0 to 3"),
        ("mode", 2, "an int from 0 to 1"),
        ("full_action_space", 1, "a bool"),
        ("max_num_frames_per_episode", -1, "an int from 0"),
    ],
)
def test_a_value_out_of_range_is_refused(name, value, expected):
    """The message names the field, the expectation and the value."""
    with pytest.raises(ConfigError, match=f"{name}: expected {expected}.*, found "):
        EnvSpec(**{"env_id": "ALE/Pong-v5", name: value})


def test_make_env_validates_its_keywords():
    """A keyword of `make_env` is validated as a field of a specification is."""
    with pytest.raises(ConfigError, match="difficulty: expected an int from 0 to 3"):
        make_env("ALE/Pong-v5", difficulty=9)


@pytest.mark.parametrize("values", [{}, {"env_id": "ALE/Pong-v5", "game": "breakout"}])
def test_json_of_another_kind_is_refused(values):
    """A missing id and an unknown field raise `ConfigError`."""
    with pytest.raises(ConfigError, match="expected"):
        EnvSpec.from_dict(values)
