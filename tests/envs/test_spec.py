import json
import sys

import numpy as np
import pytest

from pong_agent import ConfigError, NotPongError, ReinforceConfig, make_env
from pong_agent.envs.spec import EnvSpec, own_spec

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


def test_numpy_values_and_lists_become_pythons_own():
    """Numbers of NumPy's types and lists give an equal specification, which JSON can hold."""
    spec = EnvSpec(
        "ALE/Pong-v5",
        noop_max=np.int64(3),
        frameskip=[np.int32(2), 5],
        repeat_action_probability=np.float32(0.25),
        full_action_space=np.True_,
    )
    assert EnvSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert (spec.noop_max, spec.frameskip, spec.full_action_space) == (3, (2, 5), True)
    assert EnvSpec("ALE/Pong-v5", frameskip=np.array([2, 5])).frameskip == (2, 5)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A module that could be imported, and that writes a file when it is."""
    code = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
    (tmp_path / "a_stranger.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "a_stranger.ran"
    sys.modules.pop("a_stranger", None)


def test_a_file_cannot_have_a_module_imported(stranger):
    """An id that names a module is refused from a file; a user's own is imported."""
    env_id = "a_stranger:ALE/Pong-v5"
    for read in (
        lambda: EnvSpec.from_dict({"env_id": env_id}),
        lambda: own_spec(ReinforceConfig(env_id=env_id)),
    ):
        with pytest.raises(ConfigError, match="a file may not import a module, found 'a_stranger:"):
            read()
    assert not stranger.exists()
    make_env(env_id).close()
    assert stranger.exists()
    assert own_spec(ReinforceConfig(env_id=env_id)).env_id == env_id  # it has been imported


@pytest.mark.parametrize(
    ("env_id", "arguments", "error", "message"),
    [
        ("ALE/Pong-v5", {"render_mode": "rgb"}, ConfigError, "render_mode: expected one of"),
        ("ALE/Pong-v5", {"stickiness": 1}, ConfigError, "ALE/Pong-v5: cannot be made .*stickiness"),
        ("no_such_module:Pong-v0", {}, NotPongError, "No module named 'no_such_module'"),
        ("a:b:c", {}, NotPongError, "'a:b:c'"),
    ],
)
def test_make_env_refuses_by_name(env_id, arguments, error, message):
    """An unknown keyword, a misspelt render mode and a missing module are one clear error."""
    with pytest.raises(error, match=message):
        make_env(env_id, **arguments)


def test_fields_are_replaced_by_name():
    """`with_kwargs` replaces fields; an unknown one or another type is refused."""
    spec = EnvSpec("ALE/Pong-v5", difficulty=1)
    assert spec.with_kwargs({"difficulty": 2}) == EnvSpec("ALE/Pong-v5", difficulty=2)
    assert spec.with_kwargs(None) == spec
    for values in ({"dificulty": 2}, [("difficulty", 2)]):
        with pytest.raises(ConfigError, match="environment: expected fields of"):
            spec.with_kwargs(values)
