import json

import pytest

from pong_agent import CheckpointError, PongAgent
from pong_agent.training.metrics import METRICS
from pong_agent.training.run_folder import RunError, RunFolder, load_agent


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
