import csv
import io
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

# What Stable-Baselines3 2.9 logs of PPO with an EvalCallback, and what of it is not here: the
# deviation of continuous actions, and epochs so far.
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
    """What TensorBoard reads: {tag: {step: value}}; a step that is told twice would fail."""
    events = EventAccumulator(str(folder.path / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["scalars"]:
        told = [(event.step, event.value) for event in events.Scalars(tag)]
        found[tag] = dict(told)
        assert sorted(found[tag]) == [step for step, _ in told]
    return found


def expected_scalars(folder):
    """The finite numbers of `metrics.csv` but for the axes, in the precision of TensorBoard."""
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


def test_a_resumed_run_goes_on_in_tensorboard(tmp_path):
    """By itself; updates that are made again are told once, though the lost ones were told."""
    config = replace(CONFIG, tensorboard=True, checkpoint_every=1)
    folder = run(config, tmp_path / "run")
    folder.checkpoints()[-1].unlink()  # as if the process had been killed before it
    resume(tmp_path / "run", updates=3)
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2
    assert len(scalars(folder)["train/loss"]) == 3
    assert scalars(folder) == expected_scalars(folder)


def test_a_run_can_turn_to_tensorboard_later(tmp_path):
    """Asked for when a run is resumed, the events begin with the run."""
    folder = run(replace(CONFIG, updates=1), tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()
    resume(tmp_path / "run", tensorboard=True)
    assert len(scalars(folder)["train/loss"]) == 2
    assert scalars(folder) == expected_scalars(folder)


def test_events_are_on_the_disk_at_each_checkpoint(tmp_path):
    """Before the run is closed, what was told until the checkpoint can be read."""
    with start_run(replace(CONFIG, tensorboard=True), tmp_path / "run") as trainer:
        trainer.train()
        assert scalars(trainer.run_folder) == expected_scalars(trainer.run_folder)


def test_without_the_library_nothing_is_begun(tmp_path, monkeypatch, capsys):
    """One line names what to install, and there is no run folder."""
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


def test_a_run_with_fewer_metrics_is_read_and_resumed(tmp_path):
    """A metric that an older version did not write stays empty."""
    folder = run(replace(CONFIG, updates=1), tmp_path / "run")
    [row] = folder.read_metrics()
    before = {name: value for name, value in row.items() if name != "train/clip_range"}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(before))
    writer.writeheader()
    writer.writerow(before)
    (tmp_path / "run" / "metrics.csv").write_text(text.getvalue(), newline="")
    assert folder.read_metrics() == [row | {"train/clip_range": ""}]
    resume(tmp_path / "run")
    first, second = folder.read_metrics()
    assert first == row | {"train/clip_range": ""}
    assert (second["time/iterations"], second["train/clip_range"]) == ("2", "0.2")


def test_another_table_is_no_run(tmp_path):
    """Without the columns that every run has, the file is refused by its name."""
    folder = RunFolder.create(tmp_path / "run", {})
    (tmp_path / "run" / "metrics.csv").write_text("seed,steps\n1,2\n")
    with pytest.raises(RunError, match=r"metrics\.csv: cannot be read: expected the numbers"):
        folder.read_metrics()
