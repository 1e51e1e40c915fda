"""The table of metrics of a run."""

import csv
import io
from dataclasses import replace

import pytest
from small_runs import PPO

from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.start import resume_run


def test_a_run_with_fewer_metrics_is_read_and_resumed(ppo_folder):
    """A metric that an older version did not write stays empty."""
    folder = RunFolder.open(ppo_folder)
    rows = folder.read_metrics()
    before = [{n: v for n, v in row.items() if n != "train/clip_range"} for row in rows]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(before[0]))
    writer.writeheader()
    writer.writerows(before)
    (ppo_folder / "metrics.csv").write_text(text.getvalue(), newline="")
    expected = [row | {"train/clip_range": ""} for row in rows]
    assert folder.read_metrics() == expected
    with resume_run(ppo_folder, replace(PPO, updates=5)) as trainer:
        trainer.train()
    *first, last = folder.read_metrics()
    assert first == expected
    assert (last["time/iterations"], last["train/clip_range"]) == ("5", "0.2")


def test_another_table_is_no_run(tmp_path):
    """Without the columns that every run has, the file is refused by its name."""
    folder = RunFolder.create(tmp_path / "run", {})
    (tmp_path / "run" / "metrics.csv").write_text("seed,steps\n1,2\n")
    with pytest.raises(RunError, match=r"metrics\.csv: cannot be read: expected the numbers"):
        folder.read_metrics()
