"""The benchmarks `throughput`, `act` and `scaling` at tiny sizes; no time is asserted."""

import csv
import math
import subprocess
import sys

import pytest

from benchmarks import acting, breakdown, commands, driver, emulator, speed, throughput, wire
from benchmarks.commands import main
from benchmarks.instruments import Call, Clock
from faults.commands import main as faults_main
from pong_agent.config import PPOConfig, ReinforceConfig

TINY = {
    "ppo": ("n_envs:8", "fragment_steps:8", "final_fragment_steps:8"),
    "reinforce": ("episodes_per_update:1",),
}
TINY_PPO = PPOConfig(n_envs=8, fragment_steps=8, final_fragment_steps=8)
TINY_REINFORCE = ReinforceConfig(episodes_per_update=1)


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def positive(cells):
    return all(math.isfinite(float(cell)) and float(cell) > 0 for cell in cells)


@pytest.mark.slow
def test_throughput_measures_all_loops_and_where_the_time_goes(
    ray_session, tmp_path, capsys, monkeypatch
):
    """Each loop has a row for each round, each ratio is of its round, all parts add up."""
    loops = throughput.contenders(1, TINY)
    monkeypatch.setattr(throughput, "contenders", lambda _: loops)
    monkeypatch.setattr(speed, "resolve_preset", lambda _: TINY_PPO)
    options = ["--workers", "2", "--seconds", "0.05", "--rounds", "1", "--output", str(tmp_path)]
    assert main(["throughput", *options]) == 0
    printed = capsys.readouterr().out

    rows = rows_of(tmp_path / "throughput.csv")
    assert [row["loop"] for row in rows] == [loop.name for loop in loops]
    assert [row["env_id"] for row in rows] == 5 * ["ALE/Pong-v5"] + 2 * ["Pong-v0"]
    rates = [float(row["decisions_per_second"]) for row in rows]
    assert positive(rates)
    for row, rate in zip(rows, rates, strict=True):
        assert float(row["to_bare"]) == pytest.approx(rate / rates[0], rel=1e-4)
        assert float(row["to_notebook"]) == pytest.approx(rate / rates[-1], rel=1e-4)
        assert row["loop"] in printed

    parts = rows_of(tmp_path / "breakdown.csv")
    assert len(parts) == 3 * len(breakdown.PARTS)
    for process in ("driver", "worker 0", "worker 1"):
        own = {row["part"]: row for row in parts if row["process"] == process}
        assert tuple(own) == breakdown.PARTS
        assert sum(float(row["share"]) for row in own.values()) == pytest.approx(1, abs=1e-4)
        assert all(float(row["seconds"]) >= -1e-6 for row in own.values())
        done = ("learner", "transport") if process == "driver" else breakdown.PARTS[:5]
        assert positive(own[part]["seconds"] for part in done)
    assert "sum        100.0%" in printed


def test_act_measures_times_bytes_and_memory(ray_session, tmp_path, capsys, monkeypatch):
    """Every figure of the command is in its file, for each round, and positive."""
    monkeypatch.setattr(wire, "CONFIGS", {"ppo": TINY_PPO, "reinforce": TINY_REINFORCE})
    endless = throughput.endless("ppo", 1, TINY)
    monkeypatch.setattr(throughput, "endless", lambda *_: endless)
    options = ["--rounds", "1", "--calls", "4", "--minutes", "0.001", "--workers", "1"]
    assert main(["act", *options, "--output", str(tmp_path)]) == 0
    rows = rows_of(tmp_path / "act.csv")
    assert positive(row["figure"] for row in rows)
    by_unit = {unit: {row["what"] for row in rows if row["unit"] == unit} for unit in ("us", "ms")}
    assert len(by_unit["us"]) == 2 * len(acting.BATCH_SIZES)
    assert by_unit["ms"] == {"import of numpy", "import of PongAgent"}
    names = [row["what"] for row in rows]
    assert "ppo: on the wire per step" in names
    assert names[-2:] == ["peak memory of the driver", "peak memory of the worker 0"]
    assert all(float(row["figure"]) > 20 for row in rows[-2:])  # an interpreter with NumPy
    printed = capsys.readouterr().out
    assert "PongAgent beyond numpy" in printed
    assert "act on 64" in printed


@pytest.mark.slow
def test_scaling_measures_workers_and_the_driver(ray_session, tmp_path, capsys, monkeypatch):
    """Each number of workers that fits the cores has its rate, each size the driver's cost."""
    monkeypatch.setattr(speed, "PPOConfig", lambda: TINY_PPO)
    monkeypatch.setattr(speed, "ReinforceConfig", lambda: TINY_REINFORCE)
    monkeypatch.setattr(speed, "cores", lambda: 1)
    options = ["--workers", "1", "64", "--rollouts", "4", "8", "--seconds", "0.05", "--rounds", "1"]
    assert main(["scaling", *options, "--output", str(tmp_path)]) == 0
    [row] = rows_of(tmp_path / "scaling.csv")
    assert row["workers"] == "1"
    assert positive([row["steps_per_second"]])
    rows = rows_of(tmp_path / "driver.csv")
    assert [(row["preset"], row["rollouts"]) for row in rows] == [
        (preset, size) for preset in ("reinforce", "ppo") for size in ("4", "8")
    ]
    assert {row["steps_each"] for row in rows if row["preset"] == "ppo"} == {"8"}
    for row in rows:
        assert positive(list(row.values())[3:])
    assert "workers  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["throughput", "--rounds", "0"], "rounds: expected an int of 1 or more, found 0"),
        (
            ["throughput", "--seconds", "0"],
            "seconds: expected a number from 0.001 to 1000000, found 0.0",
        ),
        (["act", "--workers", "0"], "workers: expected an int of 1 or more, found 0"),
        (["scaling", "--rollouts", "0"], "rollouts: expected an int of 1 or more, found 0"),
        (["scaling", "--workers", "100000"], "workers: expected at most"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_error(options, message, capsys):
    """The error names the option, what was expected and what came, before anything starts."""
    assert main(options) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize(
    ("program", "args"),
    [(faults_main, []), (main, []), *((main, [name]) for name in commands._COMMANDS)],
)
def test_help_fits_the_terminal(program, args, columns, monkeypatch, capsys):
    """No line is longer than the terminal is wide."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        program([*args, "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_acting_is_measured_without_the_learners_packages():
    """The benchmark imports neither SciPy, with which the network is another, nor Ray."""
    code = "import sys, benchmarks.acting; print({'scipy', 'ray'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_the_bare_emulator_counts_whole_decisions():
    """Two processes together play, and each counts in chunks of 64 decisions."""
    assert emulator.bare_rate(2, 0.05) > 0


def test_a_call_within_a_call_counts_for_its_own_part():
    """Parts never overlap: they add up to the outer call's time."""
    clock = Clock()
    inner = clock.around("inner", lambda: sum(range(10_000)))
    outer = clock.around("outer", lambda: [inner(), inner(), sum(range(10_000))])
    both = Clock()
    both.around("all", outer)()
    assert set(clock.seconds) == {"inner", "outer"}
    assert sum(clock.seconds.values()) <= both.seconds["all"]
    assert min(clock.seconds.values()) > 0


def test_a_workers_parts_are_those_within_the_window():
    """A call that begins before the window counts by half; pauses are Ray's CPU time or waiting."""
    calls = [
        Call(0.0, 2.0, 0.0, 1.5, {"emulator": 1.0, "pixels": 0.5, "transport": 0.5}),
        Call(3.0, 4.0, 1.75, 2.5, {"emulator": 1.0}),
    ]
    parts = breakdown.worker_parts(calls, 1.0, 5.0)
    assert parts == {
        "emulator": 1.5,
        "pixels": 0.25,
        "network": 0.0,
        "loop": 0.0,
        "transport": 0.25 + 0.25,  # of the first call, and of the pause from 2 to 3
        "learner": 0.0,
        "waiting": 0.75 + 1.0,  # the rest of the pause, and from 4 to 5
    }
    assert sum(parts.values()) == 4.0


def test_the_limit_is_where_the_drivers_time_is_up():
    """Ten workers that take 1 s for a rollout bring one each 100 ms."""
    assert driver.worker_limit(cost_ms=100.0, steps=1000, rate_of_one=1000.0) == 10
