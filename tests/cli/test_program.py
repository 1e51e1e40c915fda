import subprocess
import sys


def test_a_warning_is_one_line():
    """A program's warning is printed without the source line that raised it."""
    code = (
        "import sys, warnings; from pong_agent.cli.program import exit_code; "
        "sys.exit(exit_code(lambda: warnings.warn('ignored unknown fields: zeta') or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "warning: ignored unknown fields: zeta\n")


def test_ctrl_c_at_the_end_is_ignored():
    """A library's clean-up at the end of the process is not cut short."""
    code = (
        "import atexit, signal, sys; from pong_agent.cli.program import exit_code; "
        "clean_up = lambda: (signal.raise_signal(signal.SIGINT), print('clean')); "
        "sys.exit(exit_code(lambda: atexit.register(clean_up) and 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("clean\n", "")
