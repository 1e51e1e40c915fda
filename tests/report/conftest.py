"""A run with a name that HTML would misread, and the page about it."""

import pytest

from pong_agent import PongAgent
from pong_agent.report.page import write_report
from pong_agent.report.played_games import ReportOptions
from pong_agent.report.provenance import Subject
from pong_agent.training.run_folder import RunFolder

SHORT = {"max_num_frames_per_episode": 800}


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run folder of two updates, evaluated once, whose newest checkpoint is the shipped agent."""
    folder = tmp_path_factory.mktemp("report") / 'run <b title="x">&'
    history = [
        {"updates": 0, "command": "train --run-folder '<i>'", "commit": "abc"},
        {"updates": 1, "command": "train --resume", "commit": None},
        {"updates": 2},
        "no entry",
    ]
    run = RunFolder.create(folder, {"history": history, "train": {}})
    for update in (1, 2):
        metrics = {"time/iterations": update, "time/total_timesteps": 2048 * update}
        run.append_metrics({**metrics, "rollout/ep_rew_mean": update - 20.0})
    run.append_metrics({"time/iterations": 3, "time/total_timesteps": 6144, "eval/mean_reward": 5})
    run.save_checkpoint(PongAgent.pretrained())
    return folder


@pytest.fixture(scope="session")
def page(run, tmp_path_factory):
    """The path of the page about that run."""
    return write_report(
        Subject.load(run),
        tmp_path_factory.mktemp("page") / "new" / "report.html",
        ReportOptions(
            episodes=2,
            seed=7,
            env_kwargs=SHORT,
            command="pong-agent report '<run>'",
            date="2026-01-02 03:04 UTC",
        ),
    )
