import subprocess
import sys

import pytest


def doctor_without(module):
    """Start the doctor in a fresh interpreter that cannot import a module."""
    code = (
        f"import sys; sys.modules[{module!r}] = None; "
        "from pong_agent.__main__ import main; sys.exit(main(['doctor', '--no-ray']))"
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("package", ["tyro", "gymnasium"])
def test_a_missing_package_is_a_one_line_error(package):
    """Without a dependency the doctor, too, names it and the fix, and exits with 1."""
    done = doctor_without(package)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: expected the package '{package}'")
    assert line.endswith("-m pip install pong-agent")


def test_a_missing_module_of_the_package_is_a_bug():
    """It keeps its traceback."""
    done = doctor_without("pong_agent.cli.doctor")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "ModuleNotFoundError" in done.stderr
