import sys
from importlib.resources import files

import gymnasium as gym
import pytest

from pong_agent.agent import PRETRAINED
from pong_agent.doctor.game import ENV_IDS, check_environment, check_rom, check_weights


def test_the_game_passes(capfd):
    """ROM, both ids and the weights pass, and nothing is printed."""
    checks = [check_rom(None), *map(check_environment, ENV_IDS), check_weights()]
    assert [check.status for check in checks] == ["ok"] * 4
    assert [check.remedy for check in checks] == [""] * 4
    assert capfd.readouterr() == ("", "")


def test_a_missing_emulator_fails(monkeypatch):
    """Without ale-py the ROM and both environments fail, each with its remedy."""
    monkeypatch.setitem(sys.modules, "ale_py", None)
    checks = [check_rom(None), *map(check_environment, ENV_IDS)]
    assert [check.status for check in checks] == ["FAIL"] * 3
    assert all(check.remedy.startswith("pip install --force-reinstall") for check in checks)


@pytest.fixture
def roms(tmp_path, monkeypatch):
    """An empty folder in which ale-py looks for ROMs."""
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    return tmp_path


def test_a_missing_rom_fails(roms, capfd):
    """The ROM's line names the variable to unset, the environments' lines point at it."""
    check = check_rom(str(roms))
    assert (check.status, check.remedy) == ("FAIL", "unset ALE_ROMS_DIR")
    assert str(roms / "pong.bin") in check.found
    for env_id in ENV_IDS:
        played = check_environment(env_id)
        assert (played.status, played.remedy) == ("FAIL", "fix the Pong ROM first, see there")
    assert capfd.readouterr() == ("", "")


def test_a_missing_folder_of_roms_fails(roms, monkeypatch):
    """The message names it."""
    monkeypatch.setenv("ALE_ROMS_DIR", str(roms / "none"))
    check = check_rom(str(roms / "none"))
    assert (check.status, check.remedy) == ("FAIL", "unset ALE_ROMS_DIR")
    assert str(roms / "none") in check.found


def test_a_damaged_rom_fails(roms):
    """One byte less changes the checksum; without the variable, the remedy is to reinstall."""
    rom = files("ale_py.roms").joinpath("pong.bin").read_bytes()
    (roms / "pong.bin").write_bytes(rom)
    assert check_rom(str(roms)).status == "ok"
    (roms / "pong.bin").write_bytes(rom[:-1])
    check = check_rom(None)
    assert check.status == "FAIL"
    assert "hash of pong.bin does not match" in check.found
    assert check.remedy == "pip install --force-reinstall --no-deps ale-py"


@pytest.mark.parametrize(
    ("env_id", "package"), [("ALE/Pong-v5", "ale-py"), ("PongAgent/Pong-v5", "pong-agent")]
)
def test_an_id_that_is_not_registered_fails(env_id, package, monkeypatch):
    """The line names the id and the package to install again."""
    assert check_environment(env_id).status == "ok"
    monkeypatch.delitem(gym.registry, env_id)
    check = check_environment(env_id)
    assert (check.name, check.status) == (env_id, "FAIL")
    assert package in check.remedy
    assert check.remedy.startswith("pip install --force-reinstall")


def test_truncated_weights_fail(tmp_path):
    """Half a file fails, and the remedy names the package that holds the whole one."""
    half = tmp_path / "half.npz"
    half.write_bytes(PRETRAINED.read_bytes()[: PRETRAINED.stat().st_size // 2])
    check = check_weights(half)
    assert check.status == "FAIL"
    assert str(half) in check.found
    assert check.remedy == "pip install --force-reinstall --no-deps pong-agent"
