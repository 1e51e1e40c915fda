"""Undisturbed runs in this process; tests compare with their agents and copy their folders."""

import shutil

import pytest
from small_runs import PPO, REINFORCE, SHORT, run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """Two updates of preset `reinforce`, four games each: agent, folder and rows shown."""
    folder = tmp_path_factory.mktemp("runs") / "reinforce"
    rows = []
    agent = run(REINFORCE, folder, on_update=rows.append)
    return agent, folder, rows


@pytest.fixture(scope="session")
def undisturbed_short(tmp_path_factory):
    """Two updates of preset `reinforce`, one game each: agent and folder."""
    folder = tmp_path_factory.mktemp("runs") / "short"
    return run(SHORT, folder), folder


@pytest.fixture(scope="session")
def undisturbed_ppo(tmp_path_factory):
    """Four updates of preset `ppo`, the last three of them saved: agent and folder."""
    folder = tmp_path_factory.mktemp("runs") / "ppo"
    return run(PPO, folder), folder


@pytest.fixture
def ppo_folder(undisturbed_ppo, tmp_path):
    """A copy of the folder of `undisturbed_ppo`, to damage or to continue."""
    return shutil.copytree(undisturbed_ppo[1], tmp_path / "copy")
