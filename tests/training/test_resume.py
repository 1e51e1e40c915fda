"""Runs that are stopped, killed or damaged, and resumed."""

import os
import signal
from dataclasses import replace

import pytest
from small_runs import PPO, SHORT, assert_same_agent, run

from pong_agent import CheckpointError, ConfigError
from pong_agent.evaluation.model_card import current_commit
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import load_run, read_train_config, resume_run, start_run
from pong_agent.weights_file.metadata import UnknownFieldsWarning


def test_games_continue_after_resuming(undisturbed_ppo, ray_session, tmp_path):
    """2 + 2 updates of `ppo` equal 4: games, moments and step size are restored."""
    run(replace(PPO, updates=2, workers=2), tmp_path / "run")
    with resume_run(tmp_path / "run", PPO) as trainer:
        trainer.train()
    assert_same_agent(undisturbed_ppo[0], trainer.agent)


def test_a_run_resumed_after_3_updates_equals_one_of_6(ray_session, tmp_path):
    """3 + 3 updates of `reinforce` give the weights, the optimizer's state and the log of 6."""
    config = replace(SHORT, updates=6, checkpoint_every=2)
    whole = run(config, tmp_path / "whole")
    run(replace(config, updates=3, workers=2), tmp_path / "parts")
    with resume_run(tmp_path / "parts", config) as trainer:
        assert trainer.agent.progress.updates == 3
        trainer.train()
    assert_same_agent(whole, trainer.agent)
    logs = [RunFolder.open(tmp_path / name).read_metrics() for name in ("whole", "parts")]
    for column in (
        "time/iterations",
        "rollout/ep_rew_mean",
        "train/entropy_loss",
        "train/grad_norm",
    ):
        assert [row[column] for row in logs[0]] == [row[column] for row in logs[1]]
    assert len(logs[0]) == 6


def test_a_loaded_run_is_the_run_that_ended(undisturbed_ppo):
    """Agent, options, games and metrics are read together, and nothing is written."""
    agent, folder = undisturbed_ppo
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    loaded = load_run(folder)
    assert_same_agent(agent, loaded.agent)
    assert (loaded.config, len(loaded.games), loaded.skipped) == (PPO, 4, ())
    assert [row["time/iterations"] for row in loaded.metrics] == ["1", "2", "3", "4"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("damage", ["cut games", "no games", "cut weights"])
def test_the_newest_whole_checkpoint_is_resumed(undisturbed_ppo, ppo_folder, damage):
    """A checkpoint whose weights or games cannot be read is skipped, and the reason is kept."""
    folder = RunFolder.open(ppo_folder)
    assert len(folder.checkpoints()) == 3
    hit = folder.checkpoints()[-1] if damage == "cut weights" else folder.games_path(4)
    if damage == "no games":
        hit.unlink()
    else:
        hit.write_bytes(hit.read_bytes()[:-100])
    with resume_run(ppo_folder, PPO) as trainer:
        [reason] = trainer.skipped
        assert str(hit) in reason
        assert trainer.agent.progress.updates == 3
        trainer.train()
    assert_same_agent(undisturbed_ppo[0], trainer.agent)
    assert [row["time/iterations"] for row in folder.read_metrics()] == ["1", "2", "3", "4"]


def test_a_run_without_a_whole_checkpoint_is_one_error(ppo_folder):
    """The error names each file and what is wrong with it."""
    for path in RunFolder.open(ppo_folder).checkpoints():
        path.write_bytes(path.read_bytes()[:1000])
    match = r"no checkpoint is whole: .*000004.*; .*000003.*; .*000002"
    with pytest.raises(CheckpointError, match=match):
        resume_run(ppo_folder)


def test_a_row_that_was_cut_off_is_dropped(ppo_folder):
    """The part of a row that a killed process leaves does not stop the run."""
    folder = RunFolder.open(ppo_folder)
    with (ppo_folder / "metrics.csv").open("a") as file:
        file.write("5,5120,3.1")
    assert len(folder.read_metrics()) == 4
    with resume_run(ppo_folder, replace(PPO, updates=5)) as trainer:
        trainer.train()
    assert [row["time/iterations"] for row in folder.read_metrics()] == ["1", "2", "3", "4", "5"]


def test_a_signal_after_collecting_leaves_the_games_where_they_were(
    undisturbed_ppo, tmp_path, monkeypatch
):
    """A batch that was collected but not learned from is played again from the same games."""
    with start_run(PPO, tmp_path / "run") as trainer:
        collect = trainer._batches.collect

        def interrupted(agent, root_seed):
            batch = collect(agent, root_seed)
            if agent.progress.updates == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return batch

        monkeypatch.setattr(trainer._batches, "collect", interrupted)
        assert trainer.train() == signal.SIGTERM
        assert trainer.agent.progress.updates == 2
    with resume_run(tmp_path / "run") as trainer:
        trainer.train()
    assert_same_agent(undisturbed_ppo[0], trainer.agent)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_a_run_that_can_be_resumed(undisturbed_short, tmp_path, number):
    """A run stopped after its first update ends as the undisturbed one when resumed."""

    def interrupt(_):
        os.kill(os.getpid(), number)

    with start_run(SHORT, tmp_path / "run") as trainer:
        assert trainer.train(on_update=interrupt) == number
        assert trainer.agent.progress.updates == 1
    with resume_run(tmp_path / "run") as trainer:
        assert trainer.train() is None
    assert_same_agent(undisturbed_short[0], trainer.agent)


def test_a_signal_within_an_update_drops_it(undisturbed_short, tmp_path, monkeypatch):
    """Episodes that a signal interrupts are dropped, and played again identically on resuming."""
    with start_run(SHORT, tmp_path / "run") as trainer:
        play = trainer._collector.play

        def interrupted(parameters, items):
            play(parameters, items[:1])
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the signal was not noticed")

        monkeypatch.setattr(trainer._collector, "play", interrupted)
        assert trainer.train() == signal.SIGTERM
        assert trainer.agent.progress.updates == 0
    with resume_run(tmp_path / "run") as trainer:
        trainer.train()
    assert_same_agent(undisturbed_short[0], trainer.agent)


def test_an_error_saves_the_last_update(tmp_path):
    """Whatever ends training, the last update is in a checkpoint."""

    def fail(metrics):
        raise ZeroDivisionError

    config = replace(SHORT, checkpoint_every=50)
    with pytest.raises(ZeroDivisionError), start_run(config, tmp_path / "run") as trainer:
        trainer.train(on_update=fail)
    assert RunFolder.open(tmp_path / "run").load_latest().progress.updates == 1


def test_a_run_continues_with_other_hyperparameters(tmp_path):
    """Values given when resuming replace the run's, also for later resumes; others stay."""
    config = replace(PPO, updates=1, hyperparams=("epochs:2", "n_envs:2", "hidden_units:20"))
    run(config, tmp_path / "run")
    changed = replace(config, updates=2, hyperparams=("target_kl:0.5",))
    with resume_run(tmp_path / "run", changed) as trainer:
        trainer.train()
    assert read_train_config(tmp_path / "run").hyperparams == ("target_kl:0.5",)
    with resume_run(tmp_path / "run") as trainer:
        found = trainer.agent.config
    assert (found.epochs, found.n_envs, found.target_kl) == (2, 2, 0.5)
    assert RunFolder.open(tmp_path / "run").config()["hyperparameters"]["target_kl"] == 0.5
    for wrong in ("hidden_units:10", "n_actions:2", "first_layer_blocks:()"):
        with pytest.raises(ConfigError, match="expected the same network"):
            resume_run(tmp_path / "run", replace(config, hyperparams=(wrong,)))
    with pytest.raises(ConfigError, match="same algorithm and observation"):
        resume_run(tmp_path / "run", replace(config, hyperparams=("observation:difference",)))


def test_the_number_of_games_stays(ppo_folder):
    """Another number of games than the run's is refused, and nothing is written."""
    before = RunFolder.open(ppo_folder).config()
    with pytest.raises(ConfigError, match="expected 4 games as in the run, found 8"):
        resume_run(ppo_folder, replace(PPO, hyperparams=("n_envs:8",)))
    assert RunFolder.open(ppo_folder).config() == before


def test_a_run_keeps_where_it_comes_from(tmp_path):
    """Commands and commits are in the history, those before a checkpoint in its card."""
    with start_run(replace(PPO, updates=1), tmp_path / "run", command="train it") as trainer:
        trainer.train()
    with resume_run(tmp_path / "run", replace(PPO, updates=2), command="go on") as trainer:
        trainer.train()
    folder = RunFolder.open(tmp_path / "run")
    first = {"updates": 0, "command": "train it", "commit": current_commit()}
    second = {"updates": 1, "command": "go on", "commit": current_commit()}
    assert folder.origin(2)["history"] == [first, second]
    origin = folder.origin(1)
    assert origin["history"] == [first]
    assert origin["agent_steps"] == 1024
    assert origin["seconds"] > 0


def test_resuming_needs_a_run_of_the_same_seed(undisturbed_short, tmp_path):
    """A folder without a run, and another seed than the run's, are refused."""
    with pytest.raises(RunError, match="expected the folder of a run"):
        resume_run(tmp_path)
    with pytest.raises(ConfigError, match="seed: expected 0 as in the run, found 4"):
        resume_run(undisturbed_short[1], replace(SHORT, seed=4))


@pytest.mark.parametrize(
    "config",
    [{}, {"train": [3]}, {"train": {"minutes": "many"}}, {"train": {"hyperparams": [3]}}],
    ids=str,
)
def test_a_foreign_configuration_is_refused(tmp_path, config):
    """A config.json that is not a run's is one error."""
    RunFolder.create(tmp_path / "run", config)
    with pytest.raises(RunError, match=r"its config\.json is not a run's: "):
        resume_run(tmp_path / "run")


def test_a_run_of_another_version_is_resumed(ppo_folder):
    """Renamed options keep their value, missing ones get the default, unknown ones are named."""
    folder = RunFolder.open(ppo_folder)
    config = folder.config()
    train = config["train"]
    del train["eval_episodes"], train["work_timeout"]
    train |= {"unit_timeout": 7.0, "batch": 3}
    train["hyperparams"] = [*train["hyperparams"], "gamma_2:0.5"]
    folder._write_config(config)
    with pytest.warns(UnknownFieldsWarning, match=r"config\.json: .*: batch, gamma_2:0\.5$"):
        assert read_train_config(ppo_folder) == replace(PPO, work_timeout=7.0)
    with pytest.warns(UnknownFieldsWarning, match="batch"):
        trainer = resume_run(ppo_folder)
    trainer.close()
    assert trainer.config.work_timeout == 7.0
    assert trainer.agent.progress.updates == 4
