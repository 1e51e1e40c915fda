"""What a file that a stranger wrote may choose: no code, no cluster, no place to write to."""

import json
import sys

import pytest

from pong_agent import PongAgent, ReinforceConfig
from pong_agent.cli.app import main
from pong_agent.training.config import TrainConfig
from pong_agent.training.run_folder import RunError, RunFolder

ENV_ID = "named_by_a_file:ALE/Pong-v5"


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """The file that a module writes when it is imported."""
    code = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
    (tmp_path / "named_by_a_file.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "named_by_a_file.ran"
    sys.modules.pop("named_by_a_file", None)


@pytest.fixture
def files(tmp_path):
    """A weights file, a run folder and options files that name a module."""
    PongAgent(ReinforceConfig(env_id=ENV_ID, hidden_units=4)).save(tmp_path / "w.npz")
    run = RunFolder.create(tmp_path / "run", {"train": {"env_id": ENV_ID}})
    PongAgent(ReinforceConfig(env_id=ENV_ID, hidden_units=4)).save(
        tmp_path / "run/checkpoints/update-000001.npz"
    )
    run.release()
    table = f'env_id = "{ENV_ID}"\n'
    tables = "".join(f"[{name}]\n{table}" for name in ("train", "evaluate", "record"))
    (tmp_path / "options.toml").write_text(tables)
    (tmp_path / "hyperparams.toml").write_text(f'[train]\nhyperparams = ["env_id:{ENV_ID}"]\n')


@pytest.mark.parametrize(
    "line",
    [
        "evaluate --weights w.npz",
        "evaluate --weights w.npz --difficulty 1",
        "evaluate --weights run",
        "record --weights w.npz",
        "report w.npz",
        "evaluate --config options.toml",
        "record --config options.toml",
        "train --config options.toml",
        "train --config hyperparams.toml",
        "train --resume run",
    ],
)
def test_no_file_has_a_module_imported(ran, files, capsys, line):
    """One line says so and names the remedy."""
    assert main(line.split()) == 1
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert "a file may not import a module" in error
    assert "--env-id" in error
    assert not ran.exists()


def test_the_command_line_may_name_a_module(ran, files, capsys):
    """It is imported before the files that name it too are read."""
    assert main(["evaluate", "--config", "options.toml", "--env-id", ENV_ID, "--print-config"]) == 0
    assert ran.exists()
    assert main(["evaluate", "--env-id", "no_such_module:Pong-v0"]) == 1
    assert "the module cannot be imported: No module named" in capsys.readouterr().err


def test_a_cluster_is_joined_only_if_the_command_line_names_it(tmp_path, capsys):
    """Who owns the cluster runs code in every process that joins it."""
    with pytest.warns(UserWarning, match="left out the Ray cluster 'stranger:6379'"):
        assert TrainConfig.from_dict({"address": "stranger:6379"}).address is None
    assert "address" not in TrainConfig(address="auto").to_toml()
    (tmp_path / "options.toml").write_text('[train]\naddress = "stranger:6379"\n')
    assert main(["train", "--config", str(tmp_path / "options.toml")]) == 1
    assert "a file may not choose a Ray cluster; give --address" in capsys.readouterr().err


def test_a_link_in_a_run_folder_is_not_written_through(tmp_path):
    """Resuming would replace the file that it names."""
    run = RunFolder.create(tmp_path / "run", {})
    run.release()
    run.check_own()
    (tmp_path / "run/config.toml").symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match=r"config\.toml: expected a file of the run, found a link"):
        run.check_own()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"history": 5}'])
def test_a_damaged_history_is_one_error(tmp_path, text):
    """Neither deep nesting nor another type is a traceback."""
    RunFolder.create(tmp_path / "run", {}).release()
    (tmp_path / "run/config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json"):
        RunFolder.open(tmp_path / "run").config()


def test_a_files_text_cannot_command_the_terminal(tmp_path, capsys):
    """Control characters are shown by their codes."""
    (tmp_path / "run").mkdir()
    options = {"train": {"\x1b[2Jwipe": 1, "preset": "\x1b[2J"}}
    (tmp_path / "run/config.json").write_text(json.dumps(options))
    assert main(["train", "--resume", str(tmp_path / "run")]) == 1
    assert "\x1b" not in capsys.readouterr().err
