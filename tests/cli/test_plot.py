"""Learning curves of real short runs, read back from the figure and from the files."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pong_agent.cli.app import main
from pong_agent.plots.curves import draw_runs
from pong_agent.training.config import TrainConfig
from pong_agent.training.run_folder import RunFolder
from pong_agent.training.start import start_run

PLOT = Path(__file__).parents[2] / "scripts" / "plot.py"
CONFIG = TrainConfig(
    hyperparams=("hidden_units:4", "n_envs:1", "fragment_steps:640", "final_fragment_steps:640"),
    workers=0,
    updates=3,
)
MEAN = "ppo: mean of 2 runs; band: lowest to highest"
GREY = ["greedy evaluation", "single runs"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two seeds of three updates, the first one evaluated, and a run without a whole game."""
    folder = tmp_path_factory.mktemp("plot")
    short = replace(CONFIG, hyperparams=(*CONFIG.hyperparams, "epochs:1"), updates=1)
    evaluated = replace(CONFIG, eval_every=1920, eval_episodes=1)
    for name, config in (
        ("seed0", evaluated),
        ("seed1", replace(CONFIG, seed=1)),
        ("short", short),
    ):
        with start_run(config, folder / name) as trainer:
            trainer.train()
    return folder


def labels(figure):
    """The texts of the legend, which does not cover the curves."""
    [legend] = figure.legends
    figure.draw_without_rendering()
    assert legend.get_window_extent().y1 <= figure.axes[0].get_window_extent().y0
    return [text.get_text() for text in legend.get_texts()]


def test_seeds_become_one_curve_with_a_band(runs):
    """The mean is drawn over each run; the evaluation is a dot at its steps."""
    figure, left_out = draw_runs([runs / "seed0", runs / "seed1"])
    [axes] = figure.axes
    assert (left_out, labels(figure)) == ([], [MEAN, *GREY])
    assert axes.get_title() == "How the agent learned"
    [mean] = [line for line in axes.lines if line.get_label().startswith("ppo")]
    assert len(axes.collections) == 1
    row = RunFolder(runs / "seed0").read_metrics()[-1]
    [dot] = [
        line for line in axes.lines if line.get_linestyle() == "None" and len(line.get_xdata())
    ]
    assert dot.get_xdata().tolist() == [float(row["time/total_timesteps"])]
    assert dot.get_ydata().tolist() == [float(row["eval/mean_reward"])]
    lasts = [
        float(RunFolder(runs / name).read_metrics()[-1]["rollout/ep_rew_mean"])
        for name in ("seed0", "seed1")
    ]
    assert mean.get_ydata()[-1] == pytest.approx(sum(lasts) / 2)
    assert axes.get_ylabel() == "mean score of the last 30 training games"


def test_groups_can_be_named(runs):
    """Any column can be drawn, also against minutes; labels replace the groups' names."""
    paths = [runs / name for name in ("seed0", "short", "seed1")]
    figure, _ = draw_runs(paths, metric="train/approx_kl", axis="minutes")
    first, *others = labels(figure)
    assert re.match("ppo, epochs 5: (mean of )?2 runs", first)  # they may not meet in minutes
    assert others == ["ppo, epochs 1", GREY[1]]
    assert figure.axes[0].get_xlabel() == "minutes of training"
    assert figure.axes[0].get_ylabel() == "train/approx_kl"
    names = [r"$\bad{$", os.fsdecode("\u00e9".encode() + b"\xe9")]
    figure, _ = draw_runs(paths, metric="train/approx_kl", labels=names)
    assert labels(figure)[0].startswith(r"\$\bad{\$: mean of 2 runs")
    assert labels(figure)[1] == "\u00e9\\xe9"
    figure.canvas.draw()  # fails for a formula that cannot be parsed


def test_the_command_writes_images(runs, tmp_path, capsys):
    """The suffix chooses the format, folders are made, and a run without values is named."""
    output = tmp_path / "new" / "curves.png"
    args = ["plot", str(runs / "seed0"), str(runs / "short"), "--output"]
    assert main([*args, str(output)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"wrote {output}\n"
    assert printed.err == f"left out {runs / 'short'}: no value of rollout/ep_rew_mean yet\n"
    with Image.open(output) as image:
        assert image.size == (960, 540)
        assert len(image.convert("RGB").getcolors(100_000)) > 50
    for name, start in (("curves.svg", b"<?xml"), ("curves.PDF", b"%PDF")):
        assert main([*args, str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(start)


def test_paths_that_hold_no_run_are_left_out(runs, tmp_path, monkeypatch, capsys):
    """Each is named with the reason, a run given twice is drawn once, and strays alone fail."""
    monkeypatch.chdir(tmp_path)
    Path("a-file.txt").touch()
    Path("being-made", "checkpoints").mkdir(parents=True)
    for name in ("damaged-config", "damaged-metrics", "good", "no-update"):
        shutil.copytree(runs / "seed0", name)
    Path("damaged-config", "config.json").write_text('{"train": [], "hyperparameters": {}}')
    Path("damaged-metrics", "metrics.csv").write_bytes(b"time/iterations\n\xff\n")
    RunFolder("no-update").drop_metrics_after(0)
    Path("latest").symlink_to("good")
    paths = sorted(map(str, Path().iterdir()))
    figure, left_out = draw_runs(paths)
    assert labels(figure) == ["ppo", GREY[0]]
    names = [Path(reason.partition(":")[0]).name for reason in left_out]
    assert names == ["a-file.txt", "being-made", "damaged-config", "metrics.csv", "no-update"]
    assert main(["plot", *paths]) == 0
    assert capsys.readouterr().err.splitlines() == [f"left out {reason}" for reason in left_out]
    assert main(["plot", "a-file.txt", "being-made"]) == 1
    error = capsys.readouterr().err
    assert "a-file.txt: expected the folder of a run, found no config.json there" in error
    assert error.endswith("; 1 other path(s) hold none\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "runs: expected the folder of a run or several, found none"),
        (["nowhere"], "nowhere: expected the folder of a run"),
        (["seed0", "--metric", "train/kl"], "found 'train/kl'; with values: time/iterations, "),
        (["short"], "no run has a value of rollout/ep_rew_mean yet; with values: time/iter"),
        (["seed0", "--labels", "a", "b"], "labels: expected 1, one for each of ppo, found 2"),
        (["seed0", "-o", "curves.txt"], "output: expected NAME.png, NAME.svg, NAME.pdf, found"),
        (["seed0", "-o", "/dev/null/a.png"], "output: /dev/null/a.png cannot be written"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(runs, monkeypatch, capsys, args, message):
    """Exit code 1 and one line on standard error."""
    monkeypatch.chdir(runs)
    assert main(["plot", *args]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_a_run_without_updates_is_an_error(runs, tmp_path, capsys):
    """The message says that no run has made an update."""
    shutil.copytree(runs / "short", tmp_path / "run")
    RunFolder(tmp_path / "run").drop_metrics_after(0)
    assert main(["plot", str(tmp_path / "run")]) == 1
    assert "no run has made an update" in capsys.readouterr().err


def test_without_matplotlib_the_extra_is_named(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["plot", str(runs / "seed0"), "-o", str(tmp_path / "a.png")]) == 1
    assert "pip install 'pong-agent[plot]'" in capsys.readouterr().err


def test_the_script_is_a_door_to_the_command():
    ran = subprocess.run(
        [sys.executable, PLOT, "--help"], capture_output=True, text=True, check=True
    )
    assert "pong-agent plot" in ran.stdout
    assert "--metric" in ran.stdout
