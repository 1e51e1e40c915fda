"""A run's event files, as TensorBoard reads them."""

import sys
from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pong_agent.cli.app import main
from pong_agent.training.config import TrainConfig
from pong_agent.training.metrics import METRICS
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import resume_run, start_run

CONFIG = TrainConfig(
    "ppo",
    hyperparams=("hidden_units:4", "n_envs:1", "fragment_steps:640", "final_fragment_steps:640"),
    workers=0,
    updates=2,
)

# Metrics of Stable-Baselines3 2.9 for PPO with an EvalCallback, except the deviation of
# continuous actions and the epochs so far.
STABLE_BASELINES3 = {
    "time/iterations", "time/total_timesteps", "time/time_elapsed", "time/fps",
    "rollout/ep_rew_mean", "rollout/ep_len_mean",
    "train/entropy_loss", "train/policy_gradient_loss", "train/value_loss", "train/approx_kl",
    "train/clip_fraction", "train/clip_range", "train/loss", "train/explained_variance",
    "train/learning_rate",
    "eval/mean_reward", "eval/mean_ep_length",
}  # fmt: skip


def run(config, folder):
    with start_run(config, folder) as trainer:
        trainer.train()
    return RunFolder.open(folder)


def resume(folder, **changes):
    with resume_run(folder, replace(CONFIG, **changes)) as trainer:
        trainer.train()
    return RunFolder.open(folder)


def scalars(folder):
    """Return {tag: {step: value}} as TensorBoard reads it; a step that comes twice fails."""
    events = EventAccumulator(str(folder.path / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["scalars"]:
        events_of = [(event.step, event.value) for event in events.Scalars(tag)]
        found[tag] = dict(events_of)
        assert sorted(found[tag]) == [step for step, _ in events_of]
    return found


def expected_scalars(folder):
    """Return the finite numbers of `metrics.csv` except the axes, in TensorBoard's precision."""
    expected = {}
    for row in folder.read_metrics():
        for name in METRICS:
            value = float(row[name] or "nan")
            if name not in METRICS[:3] and not isnan(value):
                of_steps = expected.setdefault(name, {})
                of_steps[int(row["time/total_timesteps"])] = float(np.float32(value))
    return expected


def test_tensorboard_reads_what_the_csv_says(tmp_path):
    """The names of Stable-Baselines3, same values at the same steps, and a table of the options."""
    config = replace(CONFIG, tensorboard=True, eval_every=1280, eval_episodes=1)
    folder = run(config, tmp_path / "run")
    row = folder.read_metrics()[-1]
    assert set(METRICS) > STABLE_BASELINES3
    assert all(row[name] for name in STABLE_BASELINES3)
    assert float(row["train/entropy_loss"]) < 0
    assert float(row["train/clip_range"]) == 0.2
    found = scalars(folder)
    assert found == expected_scalars(folder)
    assert len(found["train/approx_kl"]) == 2
    assert len(found["eval/mean_reward"]) == 1
    events = EventAccumulator(str(folder.path / "tensorboard"))
    events.Reload()
    [table] = events.Tensors("hyperparameters/text_summary")
    assert b"| hidden_units | 4 |" in table.tensor_proto.string_val[0]


def test_a_resumed_run_continues_in_tensorboard(tmp_path):
    """Without the option; updates that are repeated after a loss appear once."""
    config = replace(CONFIG, tensorboard=True, checkpoint_every=1)
    folder = run(config, tmp_path / "run")
    folder.checkpoints()[-1].unlink()  # as if the process had been killed before it
    resume(tmp_path / "run", updates=3)
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2
    assert len(scalars(folder)["train/loss"]) == 3
    assert scalars(folder) == expected_scalars(folder)


def test_tensorboard_can_be_switched_on_later(tmp_path):
    """Switched on when a run is resumed, the events start at its first update."""
    folder = run(replace(CONFIG, updates=1), tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()
    resume(tmp_path / "run", tensorboard=True)
    assert len(scalars(folder)["train/loss"]) == 2
    assert scalars(folder) == expected_scalars(folder)


def test_events_are_on_the_disk_at_each_checkpoint(tmp_path):
    """The events up to a checkpoint can be read before the run is closed."""
    with start_run(replace(CONFIG, tensorboard=True), tmp_path / "run") as trainer:
        trainer.train()
        assert scalars(trainer.run_folder) == expected_scalars(trainer.run_folder)


def test_without_the_package_no_run_is_made(tmp_path, monkeypatch, capsys):
    """One line names the package to install, and there is no run folder."""
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    args = ["train", "--workers", "0", "--tensorboard", "--run-folder", str(tmp_path / "run")]
    assert main(args) == 1
    message = capsys.readouterr().err
    assert "pip install 'pong-agent[tensorboard]'" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path):
    """A file where the events' folder should be is named."""
    run(replace(CONFIG, updates=1), tmp_path / "run")
    (tmp_path / "run" / "tensorboard").touch()
    with pytest.raises(RunError, match=r"run/tensorboard: cannot be written: .*exists"):
        resume(tmp_path / "run", tensorboard=True)
