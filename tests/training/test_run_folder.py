import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from pong_agent import CheckpointError, PongAgent
from pong_agent.training.config import TrainConfig
from pong_agent.training.metrics import METRICS
from pong_agent.training.run_folder import RunError, RunFolder, load_agent
from pong_agent.training.start import new_folder, start_run


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", {"train": {"seed": 1}})


def agent_after(updates):
    from dataclasses import replace

    agent = PongAgent("reinforce", seed=1)
    progress = replace(agent.progress, updates=updates)
    agent._state = replace(agent._state, progress=progress)
    return agent


def test_a_new_run_keeps_its_configuration(folder):
    """The configuration is read back, from a file a person can read."""
    assert RunFolder.open(folder.path).config() == {"train": {"seed": 1}}
    assert json.loads((folder.path / "config.json").read_text()) == {"train": {"seed": 1}}


def test_a_run_is_never_overwritten(folder):
    """A second run in the same folder is refused."""
    folder.release()
    with pytest.raises(RunError, match="run: holds a run already; resume it"):
        RunFolder.create(folder.path, {})


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path):
    """A path below a file is refused by name."""
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file/run: a run folder cannot be written there"):
        RunFolder.create(tmp_path / "file" / "run", {})


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_folder_without_a_run_is_refused(tmp_path, name):
    """Neither a missing folder nor any other is taken for a run."""
    with pytest.raises(RunError, match=r"expected the folder of a run, found no config\.json"):
        RunFolder.open(tmp_path / name)


def test_a_damaged_configuration_is_one_error(folder):
    """A file that is not a JSON object is refused by name."""
    for text in ("{", "[]"):
        (folder.path / "config.json").write_text(text)
        with pytest.raises(RunError, match=r"its config\.json"):
            folder.config()


def test_metrics_are_rows_of_a_csv(folder):
    """Rows are appended, missing values stay empty, rows after an update can be dropped."""
    for update in (1, 2, 3):
        folder.append_metrics({"time/iterations": update, "rollout/ep_rew_mean": -20.5})
    assert (folder.path / "metrics.csv").read_text().splitlines()[0] == ",".join(METRICS)
    folder.drop_metrics_after(2)
    rows = folder.read_metrics()
    assert [row["time/iterations"] for row in rows] == ["1", "2"]
    assert float(rows[1]["rollout/ep_rew_mean"]) == -20.5
    assert rows[1]["eval/mean_reward"] == ""


def test_the_newest_three_checkpoints_stay(folder):
    """Older ones are removed, the best one is kept beside them, the newest one is loaded."""
    folder.save_best(agent_after(1))
    for updates in (1, 2, 9, 10, 11):
        folder.save_checkpoint(agent_after(updates))
        folder.games_path(updates).touch()
    folder.save_checkpoint(agent_after(11))
    names = sorted(path.name for path in (folder.path / "checkpoints").glob("[bu]*[0-9t].npz"))
    assert names == ["best.npz", *(f"update-{n:06d}.npz" for n in (9, 10, 11))]
    kept = [folder.games_path(updates).exists() for updates in (1, 2, 9, 10, 11)]
    assert kept == [False, False, True, True, True]
    assert folder.load_latest().progress.updates == 11
    assert load_agent(folder.path).progress.updates == 11
    assert load_agent(folder.path / "checkpoints" / "best.npz").progress.updates == 1


def test_more_than_a_million_updates_keep_their_order(folder):
    """Checkpoints are ordered by number, not by name."""
    for updates in (999_999, 1_000_000):
        folder.save_checkpoint(agent_after(updates))
    assert folder.load_latest().progress.updates == 1_000_000


def test_a_run_without_a_checkpoint_is_refused(folder):
    """Loading says what is missing."""
    with pytest.raises(RunError, match="holds no checkpoint"):
        folder.load_latest()
    with pytest.raises(CheckpointError, match=r"w\.npz: no such file"):
        load_agent(folder.path / "w.npz")


@pytest.mark.parametrize("damage", ["1,many,3\n", "\xff", "1,2\n"])
def test_damaged_metrics_are_one_error(tmp_path, damage):
    """A row that is no row of numbers is refused by the file's name."""
    folder = RunFolder.create(tmp_path / "run", {})
    with (tmp_path / "run" / "metrics.csv").open("a", encoding="latin-1") as file:
        file.write(damage + "\n")
    with pytest.raises(RunError, match=r"metrics\.csv: (expected the numbers|cannot be read)"):
        folder.read_metrics()


def test_a_folder_is_locked_while_it_is_used(folder):
    """Who comes second is told which process holds it, until that releases it."""
    for second in (RunFolder.open(folder.path), folder):
        with pytest.raises(RunError, match=rf"nobody trains in, .* held by process {os.getpid()} "):
            second.lock()
    folder.release()
    second = RunFolder.open(folder.path)
    second.lock()
    second.release()


def test_a_killed_process_holds_no_folder(folder):
    """A lock ends with its process, however it ended, and a forked child does not keep it."""
    folder.release()
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from pong_agent.training.run_lock import RunLock\n"
        "lock = RunLock(Path(sys.argv[1]))\n"
        "runs, tells = os.pipe()\n"
        "child = os.fork()\n"
        "if child: os.read(runs, 1); print(child, flush=True); os.kill(os.getpid(), 9)\n"
        "os.write(tells, b'!'); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.path)], stdout=subprocess.PIPE, text=True
    ) as process:
        child = int(process.stdout.readline())
        process.wait()
        try:
            os.kill(child, 0)  # it lives
            folder.lock()
        finally:
            os.kill(child, 9)
    folder.release()


@pytest.mark.parametrize("name", ["metrics.csv", "config.toml", "checkpoints/update-000900.npz"])
def test_what_is_left_of_a_run_is_neither_read_nor_overwritten(tmp_path, name):
    """A new run needs a folder without files of another one; files of other names may be there."""
    (tmp_path / "notes.txt").touch()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("theirs\n1\n")
    with pytest.raises(RunError, match=rf"found {name[:6]}.*; remove them|metrics.csv: cannot be"):
        RunFolder.create(tmp_path, {})
    assert (tmp_path / name).read_text() == "theirs\n1\n"
    assert not (tmp_path / "config.json").exists()


def test_weights_of_another_run_are_not_read_as_its_own(folder):
    """A checkpoint of another seed is neither the newest one nor removed, and stops a resume."""
    folder.save_checkpoint(agent_after(1))
    other = folder.path / "checkpoints" / "update-000900.npz"
    PongAgent("reinforce", seed=77).save(other)
    shutil.copy(other, folder.path / "checkpoints" / "best.npz")
    for updates in (2, 3, 4):
        folder.save_checkpoint(agent_after(updates))
    assert [path.stem[-1] for path in folder.checkpoints()] == ["2", "3", "4"]
    assert folder.load_latest().seed == 1
    assert PongAgent.load(other).seed == 77
    with pytest.raises(RunError, match=r"best\.npz: is another run's"):
        folder.load_best()
    match = r"those of another: checkpoints/best\.npz, checkpoints/update-000900\.npz; move them"
    with pytest.raises(RunError, match=match):
        folder.check_own()


def test_default_folders_are_different(tmp_path, monkeypatch):
    """Runs that start within one second, even within one millisecond, have their own folders."""
    monkeypatch.chdir(tmp_path)
    paths = {new_folder(TrainConfig(seed=3)) for _ in range(5)}
    assert len(paths) == len(list((tmp_path / "runs").iterdir())) == 5
    assert all(path.parent == tmp_path / "runs" and "ppo-seed3-2" in path.name for path in paths)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "runs").symlink_to("missing")
    with pytest.raises(RunError, match="a run folder cannot be written there"):
        new_folder(TrainConfig())


def test_a_run_that_cannot_be_started_leaves_nothing(tmp_path):
    """A second attempt may use the same name."""
    config = TrainConfig("reinforce", workers=0)
    with pytest.raises(ZeroDivisionError):
        start_run(config, tmp_path / "run", worker_class=lambda _: 1 / 0)
    assert not (tmp_path / "run").exists()


def test_paths_that_are_no_folder_are_refused(tmp_path, monkeypatch):
    """A file and a link to nothing are named; ~ is the home, and the folder stays where it is."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    for name, found in {"file": "a file", "link": "a link to one that is missing"}.items():
        with pytest.raises(RunError, match=rf"{name}: expected a folder, found {found}"):
            RunFolder.create(tmp_path / name, {})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    folders = [RunFolder.create(path, {}) for path in ("~/run", "relative")]
    monkeypatch.chdir("/")
    assert [one.config() for one in folders] == [{}, {}]
    assert (tmp_path / "home" / "run" / "config.json").exists()


def test_a_configuration_with_a_byte_order_mark_is_read(folder):
    """As some editors write it."""
    path = folder.path / "config.json"
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert folder.config() == {"train": {"seed": 1}}


def test_a_file_system_without_locks_is_told(folder, monkeypatch):
    """Training goes on, and a warning says what cannot be prevented."""
    folder.release()

    def unsupported(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.warns(UserWarning, match="no locks .*; start one training in it only"):
        folder.lock()
    folder.release()


def test_a_start_that_was_killed_can_be_repeated(folder):
    """An empty table and an empty folder of checkpoints are not files of a run."""
    folder.release()
    (folder.path / "config.json").unlink()
    assert RunFolder.create(folder.path, {}).config() == {}
