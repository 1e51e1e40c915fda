"""Short forms of `python scripts/faults`; each report also says what was not as required."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faults import disk, driver, files, workers
from faults.commands import main
from faults.report import Report
from pong_agent import PRESETS, CheckpointError, PongAgent
from pong_agent.training.collector import CollectorError, RolloutWorker
from pong_agent.training.ray_collector import WorkerHandle
from pong_agent.training.run_folder import RunFolder
from pong_agent.training.start import start_run

SCRIPTS = Path(__file__).parents[2] / "scripts"


def assert_as_required(report, faults):
    assert report.failures == [], str(report)
    assert report.as_required == report.faults >= faults


def test_killed_workers_change_nothing(ray_session, tmp_path):
    """Five workers are killed while 30 updates are made: the weights are the undisturbed run's."""
    report = workers.kill_workers(tmp_path, updates=30, kills=5, n_workers=4, seed=1)
    assert_as_required(report, 5)
    assert len(report.recoveries) == 5


def test_a_worker_that_hangs_is_replaced(ray_session, tmp_path):
    """Its update ends within the deadline and five seconds, with the undisturbed run's weights."""
    assert_as_required(workers.hang_worker(tmp_path, deadline=2.0, n_workers=3), 1)


def test_workers_that_always_die_end_the_run(ray_session, tmp_path, monkeypatch):
    """After the stated number of tries comes one error, with the last update saved."""
    config = workers.small_run(20, workers=2)
    with start_run(config, tmp_path / "run") as trainer:
        collect = trainer._batches.collect

        def kill_from_the_third_on(agent, root_seed):
            if agent.progress.updates < 3:
                return collect(agent, root_seed)
            ask = WorkerHandle.wait_for

            def ask_and_kill(handle, pending, item=None):
                ask(handle, pending, item)
                if item is not None:
                    ray_session.kill(handle.actor)

            monkeypatch.setattr(WorkerHandle, "wait_for", ask_and_kill)
            return collect(agent, root_seed)

        monkeypatch.setattr(trainer._batches, "collect", kill_from_the_third_on)
        with pytest.raises(CollectorError, match=r"work item \d of 2 failed 5 times"):
            trainer.train()
    assert RunFolder.open(tmp_path / "run").load_latest().progress.updates == 3


class BrokenWorker(RolloutWorker):
    """Cannot be made."""

    def __init__(self, config):
        raise OSError("no emulator here")


def test_workers_that_cannot_start_end_the_run(ray_session, tmp_path):
    """The error says how often it was tried and what the last one died of."""
    config = workers.small_run(2, workers=2)
    with (
        start_run(config, tmp_path / "run", worker_class=BrokenWorker) as trainer,
        pytest.raises(CollectorError, match=r"(?s)failed to start 10 times.*no emulator here"),
    ):
        trainer.train()


# A test cluster does not start beside the session's own Ray: `pytest -m slow tests/faults` runs it.
@pytest.mark.parametrize("fault", [pytest.param("nodes", marks=pytest.mark.slow), "listeners"])
def test_faults_that_need_a_ray_of_their_own(fault, tmp_path):
    """A cluster that loses a node goes on; a local run listens on the loopback interface alone.

    What Ray writes into the user's home for a local run, a token among it, nobody else can read;
    the cluster is started by its own tools.
    """
    command = [sys.executable, str(SCRIPTS / "faults"), fault, "--quick"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "as required" in ran.stdout
    written = [path for path in tmp_path.rglob("*") if path.is_file() and fault == "listeners"]
    assert [str(path) for path in written if path.stat().st_mode & 0o077] == []


def test_a_killed_driver_loses_an_interval_at_most(tmp_path):
    """Killed at three random moments and resumed, a run ends with the undisturbed run's weights."""
    report = driver.kill_driver(tmp_path, updates=16, kills=3, n_workers=0, seed=0)
    assert_as_required(report, 3)


def test_a_signal_ends_a_run_in_good_order(tmp_path):
    """SIGINT and SIGTERM save the last update within two seconds, and exit with 128 + N."""
    report = driver.stop_driver(tmp_path, updates=40, stops=2, n_workers=0, seed=0)
    assert_as_required(report, 2)


def test_a_stopped_recorder_leaves_no_video(tmp_path):
    """SIGINT, SIGTERM and SIGKILL leave nothing under a video's final name."""
    assert_as_required(driver.stop_recording(tmp_path / "videos", stops=3, seed=0), 3)


def test_a_full_disk_loses_nothing(tmp_path):
    """The older checkpoint stays, the error is clear, and the run can be resumed."""
    assert_as_required(disk.fill_while_saving(tmp_path / "saving", tries=12), 12)
    assert_as_required(disk.fill_while_training(tmp_path / "training", tries=3), 3)


def test_damaged_files_are_refused_or_the_same(tmp_path):
    """Flipped bits and truncations give a CheckpointError or the exact weights."""
    generator = np.random.default_rng(0)
    report = files.flip_bits(tmp_path, lambda n: iter(generator.integers(n, size=1500).tolist()))
    assert_as_required(report, 1500)
    assert_as_required(files.truncate(tmp_path, lambda n: iter(range(0, n, 97))), 170)


def test_hostile_files_do_no_harm(tmp_path):
    """Each is refused or has the same weights, in little memory, and nothing in it runs."""
    assert_as_required(files.hostile_files(tmp_path, number=480, seed=1), 480)


def test_harm_would_be_seen(tmp_path, monkeypatch):
    """The experiments do notice other weights, other errors and a pickle that runs."""
    agent = files.small_file(tmp_path / "w.npz")
    other = PongAgent(replace(PRESETS["reinforce"], hidden_units=1), seed=1)
    assert files.load_wrong(tmp_path / "w.npz", agent) is None
    assert files.load_wrong(tmp_path / "w.npz", other) == "other weights were loaded"
    real = PongAgent.load

    def careless(path):
        if path.read_bytes()[:1] == b"\x80":
            np.load(path, allow_pickle=True)
        if path.stat().st_size < 9000:
            raise KeyError("W1")
        return real(path)

    monkeypatch.setattr(PongAgent, "load", careless)
    found = " ".join(files.hostile_files(tmp_path, number=320, seed=1).failures)
    assert "code in it ran" in found
    assert "KeyError: 'W1'" in found
    with pytest.raises(CheckpointError):
        real(tmp_path / "missing.npz")


def test_the_command_counts_and_fails(capsys, monkeypatch):
    """It prints what was not as required and exits with 1; an unknown fault is refused."""
    report = Report("x")
    report.count(None)
    report.count("it broke")
    monkeypatch.setattr("faults.listeners.look_for_listeners", lambda folder: report)
    assert main(["listeners"]) == 1
    printed = capsys.readouterr().out
    assert "x: 1 of 2 as required" in printed
    assert "NOT AS REQUIRED: it broke" in printed
    with pytest.raises(SystemExit):
        main(["floods"])
    assert "invalid choice 'floods'" in capsys.readouterr().err


def test_reports_add_up():
    """The sum of two reports names both and keeps every failure."""
    first, second = Report("x"), Report("y")
    first.count(None)
    second.count("it broke")
    whole = str(Report.together(first, second))
    assert "x (1 of 1), y (0 of 1): 1 of 2 as required" in whole
    assert "NOT AS REQUIRED: it broke" in whole
