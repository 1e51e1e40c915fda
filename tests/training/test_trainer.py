import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from pong_agent import CheckpointError, ConfigError, NotPongError, PongAgent
from pong_agent.evaluation.model_card import current_commit
from pong_agent.training.config import TrainConfig
from pong_agent.training.loading import read_train_config
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import resume_run, start_run

CONFIG = TrainConfig(preset="reinforce", updates=2, workers=0)
# Fewer games than by default, each for longer: every emulator that starts reads its ROM.
QUICK = ("n_envs:4", "fragment_steps:512", "final_fragment_steps:512", "epochs:2")
PPO = TrainConfig(preset="ppo", updates=4, workers=0, hyperparams=QUICK)


def run(config, folder, **options):
    with start_run(config, folder) as trainer:
        assert trainer.train(**options) is None
        return trainer.agent


def assert_same_agent(one, other):
    for attribute in ("_parameters", "_optimizer_state"):
        for name, array in getattr(one, attribute).items():
            np.testing.assert_array_equal(getattr(other, attribute)[name], array)
    assert one.progress == other.progress


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Two updates of four games without Ray, and their run folder."""
    folder = tmp_path_factory.mktemp("runs") / "calm"
    rows = []
    agent = run(CONFIG, folder, on_update=rows.append)
    return agent, folder, rows


def test_a_run_learns_logs_and_saves(calm):
    """After two updates the weights have moved, and the folder tells how."""
    agent, folder, rows = calm
    assert agent.progress.updates == 2
    assert agent.progress.episodes == 8
    assert not np.array_equal(
        agent.parameters["W1"], PongAgent("reinforce", seed=0).parameters["W1"]
    )
    saved = RunFolder.open(folder)
    assert_same_agent(saved.load_latest(), agent)
    assert read_train_config(folder) == CONFIG
    assert saved.config()["hyperparameters"]["learning_rate"] == 1e-4
    assert set(saved.config()["versions"]) >= {"pong-agent", "ale-py", "numpy", "ray"}
    logged = saved.read_metrics()
    assert [row["time/iterations"] for row in logged] == ["1", "2"]
    for shown, row in zip(rows, logged, strict=True):
        assert float(row["rollout/running_return"]) == shown["rollout/running_return"]
        assert -21 <= shown["rollout/ep_rew_mean"] <= 21
    assert int(logged[-1]["time/total_timesteps"]) == agent.progress.agent_steps


@pytest.fixture(scope="module")
def calm_ppo(tmp_path_factory):
    """Four updates of preset `ppo` without Ray."""
    return run(PPO, tmp_path_factory.mktemp("runs") / "calm")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_games_are_the_same_on_any_number_of_workers(calm_ppo, ray_session, tmp_path, workers):
    """1, 2 and 4 Ray workers give bit for bit the weights of the serial run of `ppo`."""
    assert_same_agent(calm_ppo, run(replace(PPO, workers=workers), tmp_path / "run"))


def test_games_are_played_on_after_resuming(calm_ppo, ray_session, tmp_path):
    """2 + 2 updates of `ppo` end as 4: games, moments and step size come back."""
    run(replace(PPO, updates=2, workers=2), tmp_path / "run")
    with resume_run(tmp_path / "run", PPO) as trainer:
        trainer.train()
    assert_same_agent(calm_ppo, trainer.agent)
    assert calm_ppo.progress.agent_steps == 4 * 16 * 128


def test_a_signal_after_collecting_leaves_the_games_where_they_were(
    calm_ppo, tmp_path, monkeypatch
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
    assert_same_agent(calm_ppo, trainer.agent)


@pytest.mark.parametrize("damage", ["cut games", "no games", "cut weights"])
def test_the_newest_whole_checkpoint_is_resumed(calm_ppo, tmp_path, damage):
    """A checkpoint whose weights or games cannot be read is skipped, and the reason is told."""
    run(replace(PPO, updates=3, checkpoint_every=1), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    assert len(folder.checkpoints()) == 3
    hit = folder.checkpoints()[-1] if damage == "cut weights" else folder.games_path(3)
    if damage == "no games":
        hit.unlink()
    else:
        hit.write_bytes(hit.read_bytes()[:-100])
    with resume_run(tmp_path / "run", PPO) as trainer:
        [reason] = trainer.skipped
        assert str(hit) in reason
        assert trainer.agent.progress.updates == 2
        trainer.train()
    assert_same_agent(calm_ppo, trainer.agent)
    assert [row["time/iterations"] for row in folder.read_metrics()] == ["1", "2", "3", "4"]


def test_a_run_without_a_whole_checkpoint_is_one_error(tmp_path):
    """The error names each file and what is wrong with it."""
    run(replace(PPO, updates=1), tmp_path / "run")
    for path in RunFolder.open(tmp_path / "run").checkpoints():
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"no checkpoint is whole: .*000001.*; .*000000"):
        resume_run(tmp_path / "run")


def test_a_row_that_was_cut_off_is_dropped(tmp_path):
    """What a killed process leaves of a row of metrics does not stop the run."""
    run(replace(PPO, updates=1), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    with (tmp_path / "run" / "metrics.csv").open("a") as file:
        file.write("2,4096,3.1")
    assert len(folder.read_metrics()) == 1
    with resume_run(tmp_path / "run", replace(PPO, updates=2)) as trainer:
        trainer.train()
    assert [row["time/iterations"] for row in folder.read_metrics()] == ["1", "2"]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_changes_nothing(calm, ray_session, tmp_path, workers):
    """1, 2 and 4 Ray workers give bit for bit the weights of the serial run."""
    assert_same_agent(calm[0], run(replace(CONFIG, workers=workers), tmp_path / "run"))


def test_the_same_seed_gives_the_same_run(calm, tmp_path):
    """A second run is equal to the first bit for bit, one of another seed is not."""
    assert_same_agent(calm[0], run(CONFIG, tmp_path / "again"))
    other = run(replace(CONFIG, seed=1, updates=1), tmp_path / "other")
    assert not np.array_equal(other.parameters["W2"], calm[0].parameters["W2"])


def test_a_run_resumed_after_10_updates_equals_one_of_20(ray_session, tmp_path):
    """10 + 10 updates give the weights, the optimizer's state and the log of 20."""
    config = replace(
        CONFIG,
        updates=20,
        workers=2,
        checkpoint_every=7,
        hyperparams=("episodes_per_update:1",),  # for speed
    )
    whole = run(config, tmp_path / "whole")
    run(replace(config, updates=10), tmp_path / "parts")
    with resume_run(tmp_path / "parts", config) as trainer:
        assert trainer.agent.progress.updates == 10
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
    assert len(logs[0]) == 20


@pytest.mark.parametrize(
    ("limits", "updates"),
    [
        ({"updates": 3}, 3),
        ({"steps": 4096}, 2),
        ({"steps": 4097}, 3),
        ({"minutes": 1e-9}, 1),
        ({"minutes": 0.0}, 0),
    ],
)
def test_a_run_ends_at_its_nearest_limit(tmp_path, limits, updates):
    """Updates, agent steps and minutes each end training, after a whole update."""
    config = TrainConfig(preset="ppo", workers=0, **{"updates": 5, **limits})
    assert run(config, tmp_path / "run").progress.updates == updates


def test_a_run_ends_at_the_return_it_was_to_reach(calm):
    """A mean over 30 episodes ends the run, fewer episodes do not."""
    _, folder, _ = calm
    with resume_run(folder, replace(CONFIG, updates=9, stop_at_return=-21.0)) as trainer:
        assert trainer.fraction_done() < 1
        recent = (-21.0,) * 30
        trainer.agent.progress = replace(trainer.agent.progress, recent_returns=recent)
        assert trainer.fraction_done() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_leaves_a_run_that_goes_on(calm, tmp_path, number):
    """A run stopped after its first update is saved, and ends as the calm one when resumed."""

    def interrupt(_):
        os.kill(os.getpid(), number)

    with start_run(CONFIG, tmp_path / "run") as trainer:
        assert trainer.train(on_update=interrupt) == number
        assert trainer.agent.progress.updates == 1
    with resume_run(tmp_path / "run") as trainer:
        assert trainer.train() is None
    assert_same_agent(calm[0], trainer.agent)


def test_a_signal_within_an_update_drops_it(calm, tmp_path, monkeypatch):
    """Episodes that a signal interrupts are dropped, and played again identically on resuming."""
    with start_run(CONFIG, tmp_path / "run") as trainer:
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
    assert_same_agent(calm[0], trainer.agent)


def test_an_error_while_collecting_saves_the_last_update(calm, tmp_path):
    """Whatever ends training, the last update is in a checkpoint."""

    def fail(metrics):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), start_run(CONFIG, tmp_path / "run") as trainer:
        trainer.train(on_update=fail)
    assert RunFolder.open(tmp_path / "run").load_latest().progress.updates == 1


def test_evaluation_does_not_disturb_training(calm, tmp_path):
    """With an evaluation after each update the weights are the same; the best agent is kept."""
    config = replace(CONFIG, eval_every=1, eval_episodes=1)
    agent = run(config, tmp_path / "run")
    assert_same_agent(calm[0], agent)
    means = [
        float(row["eval/mean_reward"]) for row in RunFolder.open(tmp_path / "run").read_metrics()
    ]
    assert len(means) == 2
    best = PongAgent.load(tmp_path / "run" / "checkpoints" / "best.npz")
    assert best.progress.updates == 1 + int(np.argmax(means))


def test_evaluations_come_every_so_many_steps(tmp_path):
    """An update that passes a multiple of `eval_every` is evaluated, if the return is worth it."""
    config = replace(PPO, eval_every=4000, eval_episodes=1)
    run(config, tmp_path / "run")
    rows = RunFolder.open(tmp_path / "run").read_metrics()
    assert [bool(row["eval/mean_reward"]) for row in rows] == [False, True, False, True]
    run(replace(config, eval_from=0.0), tmp_path / "bad")
    rows = RunFolder.open(tmp_path / "bad").read_metrics()
    assert not any(row["eval/mean_reward"] for row in rows)


def test_a_run_ends_at_the_evaluation_it_was_to_reach(tmp_path):
    """A greedy evaluation that reaches the goal is the run's last, and its agent is the best."""
    config = replace(PPO, eval_every=2048, eval_episodes=1, stop_at_eval=-21.0)
    assert run(config, tmp_path / "run").progress.updates == 1
    assert RunFolder.open(tmp_path / "run").load_best().progress.updates == 1


def test_no_op_starts_are_the_same_on_any_number_of_workers(ray_session, tmp_path):
    """Numbers of no-ops come from seeds too, within fragments as at the beginning."""
    quick = ("noop_max:30", "repeat_action_probability:0.0", "fragment_steps:1200", "epochs:1")
    config = replace(PPO, updates=1, hyperparams=(*quick, "n_envs:4"))
    serial = run(config, tmp_path / "serial")
    assert serial.progress.episodes >= 3  # so some games began within the fragments
    assert_same_agent(serial, run(replace(config, workers=2), tmp_path / "parallel"))
    assert serial.config.noop_max == 30
    resumed = read_train_config(tmp_path / "serial")
    assert resumed == config


def test_a_run_goes_on_with_other_hyperparameters(tmp_path):
    """Values given when resuming replace the run's, for later resumptions too; others stay."""
    config = replace(PPO, updates=1, hyperparams=("epochs:2", "n_envs:2"))
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
        with pytest.raises(ConfigError, match="the network cannot be another one"):
            resume_run(tmp_path / "run", replace(config, hyperparams=(wrong,)))
    with pytest.raises(ConfigError, match="same algorithm and observation"):
        resume_run(tmp_path / "run", replace(config, hyperparams=("observation:difference",)))


def test_a_run_keeps_where_it_comes_from(tmp_path):
    """Commands and commits stand in the history, those before a checkpoint in its card."""
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
    assert origin["agent_steps"] == 2048
    assert origin["seconds"] > 0


def test_another_environment_can_be_learned_in(tmp_path):
    """The environment is in the run's and in the agent's configuration."""
    agent = run(TrainConfig(updates=1, workers=0, env_id="PongNoFrameskip-v4"), tmp_path / "run")
    assert agent.config.env_id == "PongNoFrameskip-v4"
    assert RunFolder.open(tmp_path / "run").load_latest().config == agent.config


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
        ConfigError, match=rf"^{field}: expected an int of -?\d or more, found {value}"
    ):
        TrainConfig(**{field: value})


def test_an_environment_that_is_not_pong_makes_no_run(tmp_path):
    """The id is refused by name before anything is written."""
    with pytest.raises(NotPongError, match="ALE/Breakout-v5"):
        start_run(replace(CONFIG, env_id="ALE/Breakout-v5"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"hyperparams": (*QUICK, "varied_games:2")}, id="some"),
        pytest.param({"env_id": "Pong-v0"}, id="all", marks=pytest.mark.slow),
    ],
)
def test_drawn_frame_skips_are_the_same_on_any_number_of_workers(ray_session, tmp_path, changed):
    """With 2 of 4 games varied, or in Pong-v0, two workers and a resumed run change nothing."""
    config = replace(PPO, updates=2, **changed)
    calm = run(config, tmp_path / "calm")
    assert_same_agent(calm, run(replace(config, workers=2), tmp_path / "ray"))
    run(replace(config, updates=1), tmp_path / "halves")
    with resume_run(tmp_path / "halves", config) as trainer:
        trainer.train()
    assert_same_agent(calm, trainer.agent)


def test_games_can_be_varied_from_some_update_on(tmp_path):
    """Games differ from the update on at which varied games begin, not before."""
    calm = run(replace(PPO, updates=2), tmp_path / "calm")
    run(replace(PPO, updates=1), tmp_path / "run")
    varied = replace(PPO, updates=2, hyperparams=(*QUICK, "varied_games:2"))
    with resume_run(tmp_path / "run", varied) as trainer:
        trainer.train()
    first, second = (RunFolder.open(tmp_path / name).read_metrics() for name in ("calm", "run"))
    assert first[0]["train/loss"] == second[0]["train/loss"]
    assert first[1]["train/loss"] != second[1]["train/loss"]
    assert calm.progress.agent_steps == trainer.agent.progress.agent_steps


def test_resuming_needs_a_run_of_the_same_seed(calm, tmp_path):
    """A folder without a run, and another seed than the run's, are refused."""
    with pytest.raises(RunError, match="expected the folder of a run"):
        resume_run(tmp_path)
    with pytest.raises(ConfigError, match="seed: expected 0 as in the run, found 4"):
        resume_run(calm[1], replace(CONFIG, seed=4))


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


def test_options_of_another_version_are_read(tmp_path):
    """Renamed options keep their value, missing ones get the default, unknown ones are named."""
    train = {"unit_timeout": 7.0, "batch": 3, "hyperparams": ["epochs:3", "dead_steps_:1"]}
    RunFolder.create(tmp_path / "run", {"train": train})
    with pytest.warns(UserWarning, match="of another version: batch, dead_steps_:1$"):
        config = read_train_config(tmp_path / "run")
    assert config == TrainConfig(work_timeout=7.0, hyperparams=("epochs:3",))
