import subprocess
import sys

import pytest

from pong_agent.__main__ import main


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


def test_ctrl_c_during_imports_ends_quietly():
    """The exit code is 130, with no traceback and nothing done."""
    code = (
        "import os, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tyro':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from pong_agent.__main__ import main\n"
        "sys.exit(main(['doctor']))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_package_missed_later_is_a_one_line_error(monkeypatch, capsys):
    """A package that is imported when it is needed is named in the same way."""
    monkeypatch.setitem(sys.modules, "ale_py", None)
    assert main(["evaluate", "--episodes", "1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: expected the package 'ale_py', which pong-agent needs")
    assert error.count("\n") == 1


def test_a_missing_module_of_the_package_is_a_bug():
    """It keeps its traceback."""
    done = doctor_without("pong_agent.cli.doctor")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "ModuleNotFoundError" in done.stderr
