"""The training loop, on real Pong: metrics, limits, evaluations, and any number of workers."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import PPO, QUICK, REINFORCE, SHORT, assert_same_agent, run

from pong_agent import NotPongError, PongAgent
from pong_agent.training.config import TrainConfig
from pong_agent.training.run_folder import RunFolder
from pong_agent.training.start import read_train_config, resume_run, start_run


def test_a_run_learns_logs_and_saves(undisturbed):
    """After two updates the weights have moved, and the folder says how."""
    agent, folder, rows = undisturbed
    assert agent.progress.updates == 2
    assert agent.progress.episodes == 8
    assert not np.array_equal(
        agent.parameters["W1"], PongAgent(agent.config, seed=0).parameters["W1"]
    )
    saved = RunFolder.open(folder)
    assert_same_agent(saved.load_latest(), agent)
    assert read_train_config(folder) == REINFORCE
    assert saved.config()["hyperparameters"]["learning_rate"] == 1e-4
    assert set(saved.config()["versions"]) >= {"pong-agent", "ale-py", "numpy", "ray"}
    logged = saved.read_metrics()
    assert [row["time/iterations"] for row in logged] == ["1", "2"]
    for shown, row in zip(rows, logged, strict=True):
        assert float(row["rollout/running_return"]) == shown["rollout/running_return"]
        assert -21 <= shown["rollout/ep_rew_mean"] <= 21
    assert int(logged[-1]["time/total_timesteps"]) == agent.progress.agent_steps


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_fragments_are_the_same_on_any_number_of_workers(
    undisturbed_ppo, ray_session, tmp_path, workers
):
    """1, 2 and 4 Ray workers give bit for bit the weights of the serial run of `ppo`."""
    agent, _ = undisturbed_ppo
    assert agent.progress.agent_steps == 4 * 4 * 256
    assert agent.progress.episodes >= 1  # so that some fragment contains the end of an episode
    assert_same_agent(agent, run(replace(PPO, workers=workers), tmp_path / "run"))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_episodes_are_the_same_on_any_number_of_workers(
    undisturbed, ray_session, tmp_path, workers
):
    """1, 2 and 4 Ray workers give bit for bit the weights of the serial run of `reinforce`."""
    assert_same_agent(undisturbed[0], run(replace(REINFORCE, workers=workers), tmp_path / "run"))


def test_no_op_starts_are_the_same_on_any_number_of_workers(ray_session, tmp_path):
    """Seeds determine the numbers of no-ops, within fragments as at the start."""
    quick = ("noop_max:30", "repeat_action_probability:0.0", "fragment_steps:1500", "epochs:1")
    config = replace(PPO, updates=1, hyperparams=(*quick, "n_envs:2", "hidden_units:20"))
    serial = run(config, tmp_path / "serial")
    assert serial.progress.episodes >= 2  # so that some games began within the fragments
    assert_same_agent(serial, run(replace(config, workers=2), tmp_path / "parallel"))
    assert serial.config.noop_max == 30
    assert read_train_config(tmp_path / "serial") == config


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"hyperparams": (*QUICK, "varied_games:2")}, id="some"),
        pytest.param({"env_id": "Pong-v0"}, id="all", marks=pytest.mark.slow),
    ],
)
def test_drawn_frame_skips_are_the_same_on_any_number_of_workers(ray_session, tmp_path, changed):
    """With 2 of 4 games varied, or in Pong-v0, two workers and a resumed run change nothing."""
    config = replace(PPO, **changed)
    serial = run(config, tmp_path / "serial")
    run(replace(config, updates=2, workers=2), tmp_path / "halves")
    with resume_run(tmp_path / "halves", config) as trainer:
        trainer.train()
    assert_same_agent(serial, trainer.agent)


def test_games_can_be_varied_from_some_update_on(undisturbed_ppo, tmp_path):
    """Games differ from the update on at which varied games begin, not before."""
    run(replace(PPO, updates=1), tmp_path / "run")
    varied = replace(PPO, updates=2, hyperparams=(*QUICK, "varied_games:2"))
    with resume_run(tmp_path / "run", varied) as trainer:
        trainer.train()
    folders = undisturbed_ppo[1], tmp_path / "run"
    first, second = (RunFolder.open(folder).read_metrics() for folder in folders)
    assert first[0]["train/loss"] == second[0]["train/loss"]
    assert first[1]["train/loss"] != second[1]["train/loss"]
    assert first[1]["time/total_timesteps"] == str(trainer.agent.progress.agent_steps)


def test_the_same_seed_gives_the_same_run(undisturbed_short, tmp_path):
    """A second run is equal to the first bit for bit, one with another seed is not."""
    agent, _ = undisturbed_short
    assert_same_agent(agent, run(SHORT, tmp_path / "again"))
    other = run(replace(SHORT, seed=1, updates=1), tmp_path / "other")
    assert not np.array_equal(other.parameters["W2"], agent.parameters["W2"])


@pytest.mark.parametrize(
    ("limits", "updates"),
    [
        ({"updates": 3}, 3),
        ({"steps": 512}, 2),
        ({"steps": 513}, 3),
        ({"minutes": 1e-9}, 1),
        ({"minutes": 0.0}, 0),
    ],
)
def test_a_run_ends_at_its_nearest_limit(tmp_path, limits, updates):
    """Updates, agent steps and minutes each end training, after a whole update."""
    hyperparams = (*QUICK, "n_envs:1")
    config = TrainConfig("ppo", hyperparams, workers=0, **{"updates": 5, **limits})
    assert run(config, tmp_path / "run").progress.updates == updates


def test_a_run_ends_at_the_return_it_was_to_reach(ppo_folder):
    """A mean over 30 episodes ends the run, fewer episodes do not."""
    with resume_run(ppo_folder, replace(PPO, updates=9, stop_at_return=-21.0)) as trainer:
        assert trainer.nearest_limit()[0] < 1
        recent = (-21.0,) * 30
        state = trainer.agent._state
        progress = replace(state.progress, recent_returns=recent)
        trainer.agent._state = replace(state, progress=progress)
        assert trainer.nearest_limit()[0] == 1


def test_evaluation_does_not_disturb_training(undisturbed_short, tmp_path):
    """With an evaluation after each update the weights are the same; the best agent is kept."""
    config = replace(SHORT, eval_every=1, eval_episodes=1)
    assert_same_agent(undisturbed_short[0], run(config, tmp_path / "run"))
    means = [
        float(row["eval/mean_reward"]) for row in RunFolder.open(tmp_path / "run").read_metrics()
    ]
    assert len(means) == 2
    best = PongAgent.load(tmp_path / "run" / "checkpoints" / "best.npz")
    assert best.progress.updates == 1 + int(np.argmax(means))


def test_evaluations_come_every_so_many_steps(tmp_path):
    """An update that passes a multiple of `eval_every` is evaluated, unless returns are too low."""
    config = replace(PPO, eval_every=2000, eval_episodes=1)
    run(config, tmp_path / "run")
    rows = RunFolder.open(tmp_path / "run").read_metrics()
    assert [bool(row["eval/mean_reward"]) for row in rows] == [False, True, False, True]
    run(replace(config, updates=2, eval_from=0.0), tmp_path / "bad")
    rows = RunFolder.open(tmp_path / "bad").read_metrics()
    assert [bool(row["eval/mean_reward"]) for row in rows] == [False, False]


def test_a_run_ends_at_the_evaluation_it_was_to_reach(tmp_path):
    """A greedy evaluation that reaches the goal ends the run, and its agent is the best."""
    config = replace(PPO, eval_every=1024, eval_episodes=1, stop_at_eval=-21.0)
    assert run(config, tmp_path / "run").progress.updates == 1
    assert RunFolder.open(tmp_path / "run").load_best().progress.updates == 1


def test_another_environment_can_be_learned_in(tmp_path):
    """The environment is in the run's and in the agent's configuration."""
    config = replace(PPO, updates=1, env_id="PongNoFrameskip-v4")
    agent = run(config, tmp_path / "run")
    assert agent.config.env_id == "PongNoFrameskip-v4"
    assert RunFolder.open(tmp_path / "run").load_latest().config == agent.config


def test_an_environment_that_is_not_pong_makes_no_run(tmp_path):
    """The id is refused by name before anything is written."""
    with pytest.raises(NotPongError, match="ALE/Breakout-v5"):
        start_run(replace(PPO, env_id="ALE/Breakout-v5"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
