import multiprocessing
import operator
import os
import subprocess
import sys
import types

import pytest

from pong_agent.processes import ProcessError, map_in_processes, usable_cpus


def test_processors_that_the_affinity_denies_do_not_count():
    """A process that is bound to one processor may use one."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "20000 100000"}, 1),
        ("0::/of/the/host", {"cpu.max": "150000 100000"}, 2),
        ("4:cpu,cpuacct:/c", {"cpu/c/cpu.cfs_quota_us": "9", "cpu/c/cpu.cfs_period_us": "10"}, 1),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("4:memory:/\n0::/", {"cpu.max": "max 100000"}, None),
        ("", {}, None),
        ("0::/", {"cpu.max": "\udcff"}, None),
    ],
)
def test_a_quota_of_a_control_group_counts(tmp_path, monkeypatch, groups, files, expected):
    """Quotas of both versions and of parent groups limit; a part of a processor counts as one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    for name, text in files.items():
        path = tmp_path / "sys" / "fs" / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(errors="surrogateescape"))
    assert usable_cpus(tmp_path) == (expected or 8)


def test_results_come_in_the_order_of_the_items():
    """Two processes share the items."""
    assert list(map_in_processes(operator.neg, [1, 2, 3], 2)) == [-1, -2, -3]


def test_a_worker_that_dies_is_one_error():
    """A process that the system kills is told as such, not as a broken pool."""
    with pytest.raises(ProcessError, match="a worker process did not start, or died; use fewer"):
        list(map_in_processes(os._exit, [3], 1))


def test_an_error_in_a_worker_is_raised_as_it_is():
    """An error of the work itself keeps its type."""
    with pytest.raises(TypeError, match="bad operand"):
        list(map_in_processes(operator.neg, ["text"], 1))


def test_a_script_needs_neither_a_file_nor_a_main_guard():
    """Processes do not import the script, so one on standard input, without a guard, runs once."""
    script = (
        "import operator\nfrom pong_agent.processes import map_in_processes\n"
        "print(*map_in_processes(operator.neg, [1, 2], 2))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "-1 -2\n", "")


def test_what_workers_cannot_import_is_refused(monkeypatch):
    """A function of a notebook, and one that cannot be pickled, are named with the remedy."""
    notebook = types.ModuleType("__main__")
    notebook.Player = type("Player", (), {"__module__": "__main__"})
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    with pytest.raises(ProcessError, match=r"defined in a notebook or on standard .*n_workers=1"):
        list(map_in_processes(notebook.Player, [1], 2))
    with pytest.raises(ProcessError, match=r"cannot be given the agent or game.*n_workers=1"):
        list(map_in_processes(lambda item: item, [1], 2))


def test_a_daemonic_process_is_refused(monkeypatch):
    """It may not start others."""
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.raises(ProcessError, match=r"found a daemonic one; use n_workers=1"):
        list(map_in_processes(operator.neg, [1], 2))
