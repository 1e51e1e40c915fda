"""Weights files along tiny runs of real Pong: when they are written, what they contain."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from small_runs import run

from faults.disk import files_up_to
from pong_agent import CheckpointError, PongAgent
from pong_agent.training import milestones as milestones_module
from pong_agent.training.config import TrainConfig
from pong_agent.training.milestones import (
    FIRST_MILESTONE,
    N_MILESTONES,
    Milestones,
    milestones_passed,
    read_stages,
)
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import resume_run, start_run

# 512 agent steps an update: a game of 760 steps or more ends in the second one.
TINY = ("n_envs:1", "fragment_steps:512", "epochs:1", "minibatches:1", "hidden_units:20")
CONFIG = TrainConfig(preset="ppo", updates=5, workers=0, hyperparams=TINY, checkpoint_every=1)
STEPS = [0, 512, 1024, 2048]  # the first updates that reach 400, 800, 1,600; 3,200 is never reached


@pytest.fixture(autouse=True)
def early_milestones(monkeypatch):
    """Milestones at 400, 800, 1,600, ... agent steps."""
    monkeypatch.setattr(milestones_module, "FIRST_MILESTONE", 400)


def contents(folder):
    """Bytes of each snapshot of a run, by its name."""
    return {path.name: path.read_bytes() for path in sorted((folder / "snapshots").iterdir())}


def assert_same_weights(one, other):
    for name, array in one.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], array)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Five updates without interruption: agent and folder."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(milestones_module, "FIRST_MILESTONE", 400)
        return run(CONFIG, folder), folder


def test_milestones_double_and_end(monkeypatch):
    """25,000, 50,000, 100,000 ... 409,600,000: each is reached by its first step; then no more."""
    monkeypatch.setattr(milestones_module, "FIRST_MILESTONE", FIRST_MILESTONE)
    milestones = [25_000 * 2**n for n in range(15)]
    assert len(milestones) == N_MILESTONES
    for number, milestone in enumerate(milestones):
        assert (milestones_passed(milestone - 1), milestones_passed(milestone)) == (
            number,
            number + 1,
        )
    assert milestones_passed(0) == 0
    assert milestones_passed(2 * milestones[-1]) == 15


def test_a_snapshot_comes_at_the_start_and_after_each_milestone(tiny):
    """The first update that reaches a milestone is kept; the folder holds nothing else."""
    assert list(contents(tiny[1])) == [f"steps-{steps:09d}.npz" for steps in STEPS]


def test_a_snapshot_is_the_agent_of_its_update(tiny):
    """It has the averaged weights at half precision and names its update; it is small."""
    checkpoint = tiny[1] / "checkpoints" / "update-000004.npz"
    agent = PongAgent.load(checkpoint)
    path = tiny[1] / "snapshots" / "steps-000002048.npz"
    snapshot = PongAgent.load(path)
    assert snapshot.progress == agent.progress
    assert snapshot.model_card == {"updates": 4, "agent_steps": 2048}
    for name, array in agent.averaged().parameters.items():
        np.testing.assert_array_equal(snapshot.parameters[name], array.astype(np.float16))
    assert path.stat().st_size < checkpoint.stat().st_size / 7


def test_snapshots_do_not_disturb_training(tiny, tmp_path, monkeypatch):
    """Without them the weights are the same bit for bit."""
    monkeypatch.setattr(Milestones, "take", lambda *_: None)
    assert_same_weights(tiny[0], run(CONFIG, tmp_path / "run"))
    assert not (tmp_path / "run" / "snapshots").exists()


@pytest.mark.parametrize("updates", [0, 2, 3])
def test_a_resumed_run_has_the_same_snapshots(tiny, tmp_path, updates):
    """A run that was stopped and resumed has the files of one that was not, byte for byte."""
    run(replace(CONFIG, updates=max(1, updates), minutes=60.0 * bool(updates)), tmp_path / "run")
    with resume_run(tmp_path / "run", CONFIG) as trainer:
        trainer.train()
    assert contents(tmp_path / "run") == contents(tiny[1])


def test_a_run_that_goes_back_to_an_older_checkpoint_takes_them_again(tiny, tmp_path):
    """Snapshots from after the checkpoint go: hyperparameters may be others from there on."""
    shutil.copytree(tiny[1], tmp_path / "run")
    for path in RunFolder.open(tmp_path / "run").checkpoints()[1:]:
        path.unlink()
    with resume_run(tmp_path / "run", CONFIG) as trainer:
        assert trainer.agent.progress.updates == 3
        assert list(contents(tmp_path / "run")) == [f"steps-{steps:09d}.npz" for steps in STEPS[:3]]
        trainer.train()
    assert contents(tmp_path / "run") == contents(tiny[1])


def test_a_snapshot_that_a_failure_prevented_is_taken_on_resuming(tiny, tmp_path, monkeypatch):
    """An update that was learned but not logged is in a checkpoint, and its snapshot follows."""
    with start_run(CONFIG, tmp_path / "run") as trainer:
        append = trainer.run_folder.append_metrics

        def fail(row):
            if row["time/iterations"] == 2:
                raise RunError("disk full")
            append(row)

        monkeypatch.setattr(trainer.run_folder, "append_metrics", fail)
        with pytest.raises(RunError, match="disk full"):
            trainer.train()
    assert len(contents(tmp_path / "run")) == 2
    with resume_run(tmp_path / "run", CONFIG) as trainer:
        trainer.train()
    assert contents(tmp_path / "run") == contents(tiny[1])


def test_a_snapshot_that_cannot_be_written_is_an_error(tmp_path):
    """The file is named, whether the folder or the file is at fault."""
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"steps-000000000\.npz: cannot be written"):
        Milestones(tmp_path / "file", 0).take(PongAgent("reinforce"))
    milestones = Milestones(tmp_path / "full", 0)
    agent = PongAgent("reinforce")
    with (
        files_up_to(1000),
        pytest.raises(CheckpointError, match=r"steps-000000000\.npz: cannot be written"),
    ):
        milestones.take(agent)
    assert list((tmp_path / "full").iterdir()) == []
    milestones.take(agent)  # once there is room again
    assert len(list((tmp_path / "full").iterdir())) == 1


def test_weights_too_large_for_half_precision_do_not_stop_a_run(tmp_path):
    """They are left out, without a trace on the disk."""
    agent = PongAgent("reinforce")
    agent._state.parameters["W2"][0] = 1e6
    Milestones(tmp_path, 0).take(agent)
    assert list(tmp_path.iterdir()) == []


def test_foreign_files_are_left_alone(tmp_path):
    """Files with other names are neither read nor removed."""
    for name in ("notes.txt", "steps-x.npz", "steps-000000512.npz"):
        (tmp_path / name).touch()
    Milestones(tmp_path, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "steps-x.npz"]


def test_stages_are_the_snapshots_and_the_newest_checkpoint(tiny):
    """Each has the seconds and the score that the log has for its agent steps."""
    agent, folder = tiny
    stages = read_stages(folder)
    assert [stage.agent_steps for stage in stages] == [*STEPS, 5 * 512]
    rows = {int(row["time/total_timesteps"]): row for row in RunFolder(folder).read_metrics()}
    assert (stages[0].seconds, stages[0].score, stages[1].score) == (0.0, None, None)
    for stage in stages[1:]:
        assert stage.seconds == float(rows[stage.agent_steps]["time/time_elapsed"])
    for stage in stages[2:]:
        assert stage.score == float(rows[stage.agent_steps]["rollout/ep_rew_mean"])
    assert stages[-1].weights == RunFolder(folder).checkpoints()[-1]
    assert_same_weights(PongAgent.load(stages[-1].weights), agent)


def test_a_snapshot_is_preferred_to_a_checkpoint_of_the_same_steps(tmp_path):
    """A run that ends with a snapshot has no stage twice."""
    run(replace(CONFIG, updates=2), tmp_path / "run")
    stages = read_stages(tmp_path / "run")
    assert [stage.agent_steps for stage in stages] == [0, 512, 1024]
    assert {stage.weights.parent.name for stage in stages} == {"snapshots"}


def test_a_run_without_snapshots_has_its_checkpoint(tmp_path):
    """Such a run of an older version has a single stage; one without weights is refused."""
    folder = RunFolder.create(tmp_path / "run", {})
    with pytest.raises(RunError, match="run: holds neither snapshots nor a checkpoint"):
        read_stages(tmp_path / "run")
    folder.save_checkpoint(PongAgent("reinforce"))
    [stage] = read_stages(tmp_path / "run")
    assert (stage.agent_steps, stage.seconds, stage.score) == (0, 0.0, None)
    with pytest.raises(RunError, match="expected the folder of a run"):
        read_stages(tmp_path)
