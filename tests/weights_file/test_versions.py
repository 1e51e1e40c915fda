import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic

from pong_agent import Batch, CheckpointError, PongAgent, PPOConfig, ReinforceConfig
from pong_agent.config import PRESETS
from pong_agent.errors import ConfigError
from pong_agent.weights_file.archive import load_arrays, save_arrays
from pong_agent.weights_file.metadata import (
    UnknownFieldsWarning,
    config_from_dict,
    config_to_dict,
)

FORMAT_2 = Path(__file__).parents[1] / "fixtures" / "format_2"


def rewritten(path, change):
    """Change a file's metadata in place."""
    arrays, metadata = load_arrays(path)
    change(metadata)
    for name in ("format", "format_version", "digest"):
        del metadata[name]
    save_arrays(path, arrays, metadata)
    return path


@pytest.fixture
def saved(tmp_path):
    """A file of format 3, of few hidden units, and the configuration of its agent."""
    config = PPOConfig(hidden_units=2, epochs=3, discount=0.9)
    PongAgent(config).save(tmp_path / "w.npz")
    return tmp_path / "w.npz", config


@pytest.mark.parametrize("name", ["ppo", "reinforce", "exported"])
def test_files_of_format_2_act_and_learn_as_they_did(name, tmp_path):
    """Files of version 0.1.0 give the actions and the update that version 0.1.0 gave."""
    expected = json.loads((FORMAT_2 / f"{name}.json").read_text())
    agent, frames = PongAgent.load(FORMAT_2 / f"{name}.npz"), synthetic.frames(40)
    assert [agent.act(frame) for frame in frames] == expected["sampled"]
    agent.reset()
    assert [agent.act(frame, deterministic=True) for frame in frames] == expected["greedy"]
    agent.save(tmp_path / "again.npz")
    for learner in (agent, PongAgent.load(tmp_path / "again.npz")):
        kind = learner.config.observation
        metrics = learner.learn_from_batch(Batch(synthetic.trajectories(kind, n_actions=2, seed=1)))
        for metric, value in expected["metrics"].items():
            assert metrics[metric] == pytest.approx(value, rel=1e-5), metric
        progress = learner.progress
        assert [progress.updates, progress.episodes, progress.agent_steps] == expected["progress"]
        for parameter, (total, squares) in expected["parameters"].items():
            array = learner.parameters[parameter].astype(float)
            assert (array**2).sum() == pytest.approx(squares, rel=1e-6)
            assert array.sum() == pytest.approx(total, rel=1e-4, abs=1e-5)


def test_format_3_keeps_what_acting_needs_apart(saved):
    """The policy's section holds what acting needs, the training section the rest."""
    path, config = saved
    _, metadata = load_arrays(path)
    assert metadata["format_version"] == 3
    assert metadata["policy"] == {
        "observation": "two_frames",
        "hidden_units": 2,
        "mirror": True,
        "actions": ["DOWN", "UP", "STAY"],
        "action_indices": {"down": 3, "up": 2, "stay": 0},
    }
    assert metadata["training"]["algorithm"] == "ppo"
    assert metadata["training"]["epochs"] == 3
    assert not set(metadata["policy"]) & set(metadata["training"])
    assert PongAgent.load(path).config == config


def test_missing_training_fields_take_their_defaults(saved):
    """A file without an option that this version has loads with the option's default."""
    path, config = saved
    rewritten(path, lambda metadata: metadata["training"].pop("epochs"))
    assert PongAgent.load(path).config == replace(config, epochs=PRESETS["ppo"].epochs)


def test_unknown_training_fields_are_named_in_one_warning(saved):
    """Options of another version are ignored; one warning names file and options."""
    path, config = saved
    rewritten(path, lambda metadata: metadata["training"].update(zeta=1, dropout=0.5))
    with pytest.warns(UnknownFieldsWarning, match=r"w\.npz: .*: dropout, zeta$") as caught:
        agent = PongAgent.load(path)
    assert len(caught) == 1
    assert agent.config == config
    agent.save(path)  # without them
    assert PongAgent.load(path).config == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["policy"].pop("mirror"), "missing: mirror, unknown: none"),
        (lambda m: m["policy"].update(depth=2), "missing: none, unknown: depth"),
        (lambda m: m["policy"].update(actions=["UP"]), r"expected actions .* found \['UP'\]"),
        (lambda m: m["policy"].update(observation="ram"), "observation: expected one of"),
        (lambda m: m["policy"].update(mirror=False), "W1: expected .*found"),
        (lambda m: m["policy"]["action_indices"].update(up=-1), "an int of 0 or more, found -1"),
        (lambda m: m["training"].update(epochs=0), "epochs: expected an int of 1 or more, found 0"),
        (lambda m: m["training"].update(algorithm="dqn"), "unknown preset 'dqn'"),
        (lambda m: m.pop("training"), r"KeyError\('training'\)"),
        (lambda m: m.update(seed=-1), "seed: expected an int of 0 or more, found -1"),
    ],
)
def test_what_acting_needs_is_checked_strictly(saved, change, message):
    """A policy's field that is missing, unknown or invalid is one error; so are bad values."""
    path, _ = saved
    rewritten(path, change)
    with pytest.raises(CheckpointError, match=rf"w\.npz: not a valid agent: .*{message}"):
        PongAgent.load(path)


def test_deleted_options_of_format_2_pass_in_silence(tmp_path):
    """Options that were off are dropped by the migration; one that was on is named."""
    path = shutil.copy(FORMAT_2 / "ppo.npz", tmp_path / "w.npz")
    arrays, metadata = load_arrays(path)
    assert metadata["config"]["dead_steps"] == 0
    PongAgent.load(path)
    metadata["config"]["dead_steps"] = 15
    np.savez(path, **arrays, metadata=np.array(json.dumps(metadata)))
    with pytest.warns(UnknownFieldsWarning, match="dead_steps"):
        PongAgent.load(path)


@pytest.mark.parametrize("config", [ReinforceConfig(hidden_units=10), PPOConfig(n_envs=4)])
def test_a_configuration_survives_a_dictionary(config):
    """To a dictionary, through JSON and back gives an equal configuration."""
    values = json.loads(json.dumps(config_to_dict(config)))
    assert config_from_dict(values) == config
    with pytest.raises(ConfigError, match="unknown preset 'dqn'"):
        config_from_dict({**values, "algorithm": "dqn"})
