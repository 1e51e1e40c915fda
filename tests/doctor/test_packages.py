import sys

import pytest

from pong_agent.doctor.packages import check_extras, check_packages, check_python


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution's metadata before the installed ones."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, version, *lines):
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        text = [f"Name: {name}", f"Version: {version}", *lines]
        (folder / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", *text, ""]))

    return write


def test_this_python_passes():
    """This Python is supported and has every required package."""
    assert check_python().status == "ok"
    packages = check_packages()
    assert packages.status == "ok"
    assert "numpy 2." in packages.found


def test_an_older_python_is_refused():
    """An unsupported version fails, and the one to install is named."""
    check = check_python(">=4.7")
    assert (check.status, check.remedy) == ("FAIL", "install a Python >=4.7 and use it")
    assert sys.executable in check.found


def test_a_package_that_is_too_old_is_named(install):
    """The message holds both versions and the command that fixes it."""
    install("numpy", "1.9.0")
    check = check_packages()
    assert (check.status, check.found) == ("FAIL", "numpy 1.9.0, expected >=2.0")
    assert "pip install --upgrade pong-agent" in str(check)


def test_a_missing_package_is_named(install):
    """Also if only an extra of another package requires it."""
    install("pong-agent", "9.9", "Requires-Dist: gymnasium[atari]>=1.2")
    install("gymnasium", "1.4", "Provides-Extra: atari", "Requires-Dist: gone>1; extra == 'atari'")
    check = check_packages()
    assert (check.status, check.found) == ("FAIL", "gone missing")
    assert check.remedy == "pip install --upgrade pong-agent"


def test_a_package_that_was_not_installed_is_a_warning(monkeypatch):
    """Without metadata, as with sources alone, the check warns."""
    monkeypatch.setattr(sys, "path", [])
    assert [check_packages().status, check_extras().status] == ["warn", "warn"]
    assert "pip install -e ." in check_packages().remedy


def test_missing_extras_are_listed(install):
    """They are no failure; those for developers are not mentioned."""
    extras = ("here", "away", "test")
    install(
        "pong-agent",
        "9.9",
        "Requires-Dist: numpy",
        *(f"Provides-Extra: {extra}" for extra in extras),
        "Requires-Dist: scipy; extra == 'here'",
        *(f"Requires-Dist: gone{number}; extra == 'away'" for number in range(4)),
        "Requires-Dist: gone; extra == 'test'",
    )
    check = check_extras()
    expected = "installed: here; not installed: away (gone0 missing, gone1 missing, and 2 more)"
    assert (check.status, check.found) == ("ok", expected)
    assert "pip install 'pong-agent[away]'" in check.remedy
