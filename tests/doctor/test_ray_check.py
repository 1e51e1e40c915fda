import os

import pytest

from pong_agent.doctor.ray_check import check_ray, check_temporary_path

# Length of Ray's temporary folder, for a process id of seven digits.
LONGEST = 107 - len("/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")


def test_a_short_temporary_path_passes():
    """The default is Ray's own, /tmp, and RAY_TMPDIR takes precedence over TMPDIR."""
    assert check_temporary_path({}).status == "ok"
    tmp = "/tmp"  # noqa: S108  # tmp_path is too long
    check = check_temporary_path({"TMPDIR": "/" + "x" * 200, "RAY_TMPDIR": tmp})
    assert check.status == "ok"
    assert check.found.startswith(f"{tmp}, ")


def test_a_long_temporary_path_fails_where_ray_does(tmp_path):
    """One byte too many fails with the remedy, and Ray itself does not start there."""
    short, long = ("/".ljust(length, "x") for length in (LONGEST, LONGEST + 1))
    assert "too long" not in check_temporary_path({"TMPDIR": short}).found
    check = check_temporary_path({"TMPDIR": long})
    assert check.status == "FAIL"
    assert "names of 108 bytes, more than 107" in check.found
    assert "export RAY_TMPDIR=/tmp" in check.remedy
    ray = check_ray({**os.environ, "RAY_TMPDIR": str(tmp_path / ("x" * 60))})
    assert ray.status == "FAIL"
    assert "path length cannot exceed 107 bytes" in ray.found
    assert "--workers 0" in ray.remedy


def test_a_temporary_path_that_is_no_folder_fails(tmp_path):
    """Neither Ray nor anything else can be written there."""
    file = tmp_path / "f"
    file.touch()
    link = f"/proc/self/fd/{os.open(file, os.O_RDONLY)}"  # a short name
    check = check_temporary_path({"RAY_TMPDIR": link})
    os.close(int(link.rpartition("/")[2]))
    assert check.status == "FAIL"
    assert f"{link} cannot be written: Not a directory" in check.found
    assert "export RAY_TMPDIR=/tmp" in check.remedy


def test_a_ray_that_does_not_answer_fails():
    """After the deadline the waiting process is killed, and the remedy is shown."""
    check = check_ray(os.environ, deadline=0.05)
    assert (check.status, check.found) == ("FAIL", "no worker answered within 0.05 s")
    assert "--workers 0" in check.remedy


@pytest.mark.slow
def test_ray_starts():
    """A worker starts a game in a new Ray."""
    check = check_ray(os.environ)
    assert (check.status, check.remedy) == ("ok", "")
    assert "a worker started a game" in check.found
