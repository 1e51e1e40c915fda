import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pong_agent import CheckpointError, PongAgent
from pong_agent.cli.app import _COMMANDS, main
from pong_agent.cli.evaluate import Evaluate
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation import evaluate_policy
from pong_agent.evaluation.scores import SETTINGS, score
from pong_agent.learning.trajectory import BatchError
from pong_agent.recording.encoder import read_video_info
from pong_agent.training.batches import GameBatches
from pong_agent.training.collector import SerialCollector
from pong_agent.training.run_folder import RunFolder
from pong_agent.vision.pixels import ObservationError

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def run_folder(ray_session, tmp_path_factory):
    """A run of two updates through Ray, made by the command line."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    args = ["train", "--preset", "reinforce", "--updates", "2", "--workers", "2"]
    args += ["--hyperparams", "episodes_per_update:2", "hidden_units:20"]
    assert main([*args, "--run-folder", str(folder)]) == 0
    return folder


def error_of(capsys, *args):
    assert main([str(arg) for arg in args]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    return message


def test_train_prints_a_line_per_update(run_folder, capsys):
    """It prints what a return is, a line per update, the checkpoint and what to do next."""
    assert main(["train", "--resume", str(run_folder), "--updates", "3", "--workers", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"reinforce in Pong-v0, run {run_folder}"
    assert lines[1] == "return: points won less points lost, -21 to 21; mean of the last 30 games"
    assert lines[2].startswith("batch 3: 2 rollouts in ")
    assert " s, running mean -2" in lines[2]
    assert lines[3] == f"saved {run_folder / 'checkpoints' / 'update-000003.npz'}"
    assert lines[4:] == [
        f"next: pong-agent evaluate --weights {run_folder}",
        f"      pong-agent record --weights {run_folder}",
    ]


def test_a_finished_run_says_so(run_folder, capsys):
    """Resumed without a higher limit, it names the limit and the option that raises it."""
    assert main(["train", "--resume", str(run_folder), "--updates", "1", "--workers", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "nothing to do: the run has reached 1 update; raise --updates to go on"


def test_a_run_without_an_update_leaves_nothing(tmp_path, monkeypatch, capsys):
    """Stopped in its first update it has no folder, whenever Ctrl-C is pressed again."""

    def interrupted(method):
        def call(*args, **kwargs):
            signal.raise_signal(signal.SIGINT)
            return method(*args, **kwargs)

        return call

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(GameBatches, "collect", interrupted(GameBatches.collect))
    monkeypatch.setattr(RunFolder, "discard", interrupted(RunFolder.discard))
    monkeypatch.setattr(SerialCollector, "close", interrupted(SerialCollector.close))
    assert main(["train", "--workers", "0", "--hyperparams", "hidden_units:4", "n_envs:2"]) == 130
    assert capsys.readouterr().err == "stopped by SIGINT before the first update\n"
    assert list(tmp_path.iterdir()) == []


def test_ppo_prints_its_steps(ray_session, tmp_path, capsys):
    """The default preset has a line every few seconds, with steps, return and step size."""
    args = ["train", "--updates", "3", "--run-folder", str(tmp_path / "run")]
    assert main([*args, "--hyperparams", "n_envs:4", "hidden_units:8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ppo in ALE/Pong-v5, run {tmp_path / 'run'}"
    assert "512 steps  return" in lines[2]
    assert "1,536 steps  return" in lines[-4]
    assert "step size" in lines[-4]
    assert len(RunFolder(tmp_path / "run").read_metrics()) == 3


def test_evaluate_prints_a_table_and_writes_json(run_folder, tmp_path, capsys):
    """Each episode has a row; mean, deviation and interval are printed below and written."""
    out = tmp_path / "new" / "result.json"
    args = ["evaluate", "--weights", str(run_folder), "--episodes", "2", "--json", str(out)]
    assert main([*args, "--env-id", "ALE/Pong-v5", "--sampled", "--seed", "4"]) == 0
    printed = capsys.readouterr().out
    written = json.loads(out.read_text())
    assert [episode["seed"] for episode in written["episodes"]] == [4, 5]
    assert f"ALE/Pong-v5, sampled, 2 episodes: mean {written['mean_reward']:+.2f}, std" in printed
    assert "95 % interval" in printed
    assert len(printed.splitlines()) == 6


def test_record_writes_a_video_of_a_whole_game(run_folder, tmp_path, capsys):
    """Every emulator frame of one game is recorded, and its return and path are printed."""
    args = ["record", "--weights", str(run_folder), "--video-folder", str(tmp_path), "--gif"]
    assert main([*args, "--env-id", "PongNoFrameskip-v4", "--scale", "2", "--no-overlay"]) == 0
    printed = capsys.readouterr().out
    video = tmp_path / "pong-episode-0.mp4"
    assert str(video) in printed
    assert "return -21\n" in printed or "return -20\n" in printed
    info = read_video_info(video)
    assert (info.width, info.height, info.fps) == (320, 420, 60.0)
    steps = int(printed.splitlines()[2].split()[2])
    # A frame for each act of the emulator, the first one, and two seconds of the result.
    assert info.frames == steps + 1 + 120
    assert video.with_suffix(".gif").stat().st_size < 1_500_000
    assert main(["record", "--replay", str(video)]) == 0
    assert f"{steps + 1:,} frames and {steps:,} agent steps, all identical" in (
        capsys.readouterr().out
    )


def test_ways_to_choose_episodes_exclude_each_other(capsys):
    """The error names both."""
    assert main(["record", "--best-of", "3", "--until-win"]) == 1
    assert "found --best-of and --until-win" in capsys.readouterr().err


def test_the_pretrained_agent_is_the_default(tmp_path, monkeypatch, capsys):
    """Without --weights the package's agent plays, and wins."""
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "--episodes", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("the pretrained agent, ")
    assert re.search(r"1 episode: return \+\d+\n$", printed)  # no deviation, no interval


def test_options_of_the_environment_are_used(tmp_path, capsys):
    """Sticky actions, frame skip, difficulty and no-ops are those of the command line."""
    out = tmp_path / "result.json"
    args = ["evaluate", "--episodes", "1", "--json", str(out), "--env-id", "PongNoFrameskip-v4"]
    args += ["--frameskip", "4", "--sticky", "0", "--difficulty", "1", "--noop-max", "30"]
    agent, weights = PongAgent("reinforce"), tmp_path / "w.npz"  # loses soon
    agent.save(weights)
    assert main([*args, "--weights", str(weights)]) == 0
    capsys.readouterr()
    spec = EnvSpec(
        "PongNoFrameskip-v4",
        noop_max=30,
        frameskip=4,
        repeat_action_probability=0.0,
        difficulty=1,
    )
    expected = evaluate_policy(agent, spec, 1)
    assert json.loads(out.read_text())["episodes"] == expected.to_dict()["episodes"]


def test_export_writes_weights_with_their_scores(tmp_path, capsys, monkeypatch):
    """The file acts like the run's agent and holds its history and scores."""
    folder, file = tmp_path / "run", tmp_path / "w.npz"
    hyperparams = ["--hyperparams", "hidden_units:2", "n_envs:4"]
    args = ["train", "--workers", "0", "--updates", "1", "--run-folder", str(folder)]
    monkeypatch.setattr(sys, "argv", ["scripts/train.py", *args[1:], *hyperparams])
    assert main([*args, *hyperparams]) == 0
    short = {"max_num_frames_per_episode": 800}  # whole games would take a while
    settings = [replace(one, env=replace(one.env, **short)) for one in SETTINGS]
    monkeypatch.setattr("pong_agent.cli.export.score", partial(score, settings=settings))
    args = ["export", "--run-folder", str(folder), "--output", str(file)]
    assert main([*args, "--episodes", "2", "--seed", "5", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert "difficulty 3" in printed
    assert printed.count("greedy, 2 episodes: mean -") == 8
    agent = PongAgent.load(file)
    card = agent.model_card
    assert card["history"][0]["command"].endswith("--hyperparams hidden_units:2 n_envs:4")
    assert (card["updates"], card["agent_steps"]) == (1, 512)
    assert len(card["scores"]) == 9
    result = evaluate_policy(agent, EnvSpec("Pong-v4", **short), 2, seed=5)
    [shown] = [one for one in card["scores"] if one["env_id"] == "Pong-v4"]
    assert shown["mean_reward"] == result.mean
    assert shown["mean_ep_length"] == sum(result.lengths) / 2
    assert "holds no best checkpoint" in error_of(capsys, *args, "--best")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "--preset", "dqn"], "unknown preset 'dqn'"),
        (["train", "--workers", "-2"], "workers: expected an int from -1 to 10000, found -2"),
        (["train", "--workers", "0", "--env-id", "ALE/Breakout-v5"], "Breakout"),
        (["train", "--resume", "nowhere"], "nowhere: expected the folder of a run"),
        (
            ["train", "--workers", "0", "--run-folder", "/dev/null/run"],
            "/dev/null/run: a run folder",
        ),
        (["train", "--resume", "RUN", "--run-folder", "x"], "run_folder: expected none with"),
        (["evaluate", "--weights", "nothing.npz"], "nothing.npz: no such file"),
        (
            ["evaluate", "--weights", "RUN", "--episodes", "0"],
            "expected an int from 1 to 1000000, found 0",
        ),
        (["evaluate", "--weights", "RUN", "--env-id", "CartPole-v1"], "CartPole-v1"),
        (["record", "--weights", "RUN", "--video-folder", "/dev/null/videos"], "/dev/null/videos"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(run_folder, capsys, args, message):
    """Exit code 1 and one line on standard error, without a traceback."""
    args = [run_folder if arg == "RUN" else arg for arg in args]
    assert message in error_of(capsys, *args)


def test_debug_shows_the_traceback():
    """With --debug an error is the exception itself."""
    with pytest.raises(CheckpointError, match=r"nothing.npz: no such file"):
        main(["evaluate", "--weights", "nothing.npz", "--debug"])


def test_a_command_line_that_cannot_be_parsed_is_2(capsys):
    """Unknown options and commands end with exit code 2, help with 0."""
    for args, code in [(["train", "--minuts", "3"], 2), (["fly"], 2), (["train", "--help"], 0)]:
        with pytest.raises(SystemExit) as raised:
            main(args)
        assert raised.value.code == code


def test_output_that_nobody_reads_ends_quietly():
    """`pong-agent ... | head` ends with SIGPIPE's exit code and no traceback."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "pong_agent", "train", "--print-config"]
    ran = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_runs_config_toml_reproduces_the_run(tmp_path, capsys):
    """RUN/config.toml alone trains to the same weights, whatever ended the run."""
    first, again = tmp_path / "first", tmp_path / "again"
    args = ["train", "--workers", "0", "--steps", "400"]
    args += ["--hyperparams", "hidden_units:4", "n_envs:2"]
    assert main([*args, "--seed", "7", "--run-folder", str(first)]) == 0
    options = tomllib.loads((first / "config.toml").read_text())["train"]
    assert (options["updates"], options["minutes"]) == (2, float("inf"))
    assert main(["--config", str(first / "config.toml"), "--run-folder", str(again)]) == 0
    expected, found = RunFolder(first).load_latest(), RunFolder(again).load_latest()
    assert found.progress == expected.progress
    for name, values in expected.parameters.items():
        np.testing.assert_array_equal(found.parameters[name], values)


def test_the_command_line_overrides_an_options_file(tmp_path, capsys):
    """--config reads what --print-config writes; other options override it."""
    file = tmp_path / "options.toml"
    assert main(["evaluate", "--episodes", "3", "--sampled", "--print-config"]) == 0
    file.write_text(capsys.readouterr().out)
    assert main(["evaluate", "--config", str(file), "--episodes", "4", "--print-config"]) == 0
    options = tomllib.loads(capsys.readouterr().out)["evaluate"]
    assert (options["episodes"], options["sampled"], options["seed"]) == (4, True, 0)


def test_resuming_takes_a_files_options_over_the_runs(run_folder, tmp_path, capsys):
    """With --resume the run's options are defaults, which the file overrides."""
    file = tmp_path / "options.toml"
    file.write_text("[train]\nminutes = 3\n")
    args = ["train", "--resume", str(run_folder), "--config", str(file), "--print-config"]
    assert main(args) == 0
    options = tomllib.loads(capsys.readouterr().out)["train"]
    assert (options["preset"], options["minutes"]) == ("reinforce", 3.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("minutes = 3", "expected tables such as [train], found minutes = 3"),
        ("[train", "expected a TOML file of options"),
        ("[evaluate]", "expected a table [train], found ['evaluate']"),
        ("[train]\nminuts = 3", "found minuts"),
        ("[train]\nenv_id = 'a'\nenv-id = 'b'", "each option once, found env_id, env-id"),
        (f"[train]\nseed = {'9' * 5000}", "expected a TOML file of options: Exceeds the limit"),
        (f"[train]\nseed = {'[' * 5000}", "expected a TOML file of options: maximum recursion"),
        ("[train]\nminutes = 'x'", "[train]: minutes: found a value of another type, 'x'"),
        ("[train]\nworkers = -2", "workers: expected an int from -1 to 10000, found -2"),
    ],
)
def test_a_wrong_file_of_options_is_one_line(tmp_path, capsys, text, message):
    """The message names the file and the mistake."""
    file = tmp_path / "options.toml"
    file.write_text(text)
    assert message in error_of(capsys, "train", "--config", file)


def test_resuming_with_another_seed_is_refused(run_folder, capsys):
    """The message names the option that contradicts the run."""
    message = error_of(capsys, "train", "--resume", run_folder, "--seed", "5")
    assert "seed: expected 0 as in the run, found 5" in message


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("name", [None, *_COMMANDS])
def test_help_fits_the_terminal(monkeypatch, capsys, name, columns):
    """No line is too long, and the list of commands shows only the first line of each."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        main(["--help"] if name is None else [name, "--help"])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= columns
    assert ("Ctrl-C" in printed) == (name == "train")


@pytest.mark.parametrize("error", [BatchError, ObservationError, ValueError])
def test_a_bug_keeps_its_traceback(monkeypatch, error):
    """Errors that no command line can cause are raised."""

    def fail(_):
        raise error("broken")

    monkeypatch.setattr(Evaluate, "run", fail)
    with pytest.raises(error, match="broken"):
        main(["evaluate"])


@pytest.mark.parametrize("name", ["train", "evaluate", "record"])
def test_the_scripts_are_doors_to_the_commands(name):
    """Each script shows its command's help."""
    ran = subprocess.run(
        [sys.executable, SCRIPTS / f"{name}.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"pong-agent {name}" in ran.stdout
    assert "--env" in ran.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_can_be_resumed(tmp_path, number):
    """Ctrl-C and SIGTERM save and exit with 128 + N, and `--resume` continues."""
    command = [sys.executable, SCRIPTS / "train.py", "--workers", "0", "--preset", "reinforce"]
    command += ["--hyperparams", "episodes_per_update:2", "hidden_units:20"]
    process = subprocess.Popen(
        [*command, "--run-folder", tmp_path / "run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("batch"):
            break
    time.sleep(0.2)  # into the second update
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}; continue with --resume" in err
    assert "Traceback" not in err
    updates = RunFolder(tmp_path / "run").load_latest().progress.updates
    assert f"update-{updates:06d}.npz" in out
    target = ["--updates", str(updates + 1), "--resume", str(tmp_path / "run")]
    assert main(["train", *target]) == 0
    assert len(RunFolder(tmp_path / "run").read_metrics()) == updates + 1


def test_a_terminal_of_one_column_is_enough(monkeypatch, capsys):
    """Help is as wide as it must be; tyro would take all memory."""
    monkeypatch.setenv("COLUMNS", "1")
    with pytest.raises(SystemExit) as raised:
        main(["evaluate", "--help"])
    assert raised.value.code == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40
