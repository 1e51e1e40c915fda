from benchmarks.ablation import CHANGES
from benchmarks.commands import main
from benchmarks.learning import Learned, Point, learned, summary
from pong_agent.config import PPOConfig, with_hyperparams

CURVE = [
    Point(1000, 10.0, float("nan"), 0, None),
    Point(2000, 20.0, 3.0, 29, None),  # fewer than 30 episodes do not count
    Point(3000, 30.0, -1.0, 40, 18.5),
    Point(4000, 40.0, 0.5, 50, None),
    Point(5000, 50.0, 0.7, 60, 19.0),
]


def test_milestones_are_the_first_points_that_reach_them():
    """Above 0 needs 30 episodes; winning needs an evaluation."""
    result = learned(7, CURVE, goal=18.0)
    assert (result.positive.steps, result.winning.steps) == (4000, 3000)
    assert learned(7, CURVE, goal=18.6).winning.steps == 5000
    short = learned(7, CURVE[:2], goal=18.0)
    assert (short.positive, short.winning) == (None, None)


def test_the_summary_has_median_and_range():
    """Each seed has a row; a seed that missed a milestone counts as later than all others."""
    first, second = learned(0, CURVE, 18.0), learned(1, CURVE, 18.6)
    third = Learned(2, (), CURVE[0], None)
    rows = [line.split() for line in summary([first, second], 18.0).splitlines()]
    assert rows[1] == ["0", "4,000", "40", "3,000", "30"]
    assert rows[3] == ["median", "4,000", "40", "4,000", "40"]
    assert rows[4][3:] == ["3,000", "30"]
    assert rows[5][3:] == ["5,000", "50"]
    rows = [line.split() for line in summary([first, second, third], 18.0).splitlines()]
    assert rows[4] == ["median", "4,000", "40", "5,000", "50"]
    assert rows[5] == ["min", "1,000", "10", "3,000", "30"]
    assert rows[6] == ["max", "4,000", "40", "not", "reached", "-"]
    rows = [line.split() for line in summary([third, third, first], 18.0).splitlines()]
    assert rows[4][3:] == ["not", "reached", "-"]


def test_the_command_measures_learning(tmp_path, capsys):
    """A table with a row per seed, the curves as CSV and an image are left."""
    folder = tmp_path / "learning"
    args = ["learning", "--seeds", "3", "4", "--updates", "2", "--workers", "0"]
    tiny = ["--hyperparams", "n_envs:2", "fragment_steps:32", "final_fragment_steps:32"]
    assert main([*args, *tiny, "--eval-every", "1", "--output", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-7:-1]] == ["seed", "3", "4", "median", "min", "max"]
    assert "not reached" in lines[-6]
    rows = (folder / "learning.csv").read_text().splitlines()
    assert rows[0] == "seed,steps,seconds,return,greedy"
    assert [row.split(",")[:2] for row in rows[1:]] == [
        ["3", "64"],
        ["3", "128"],
        ["4", "64"],
        ["4", "128"],
    ]
    assert (folder / "learning.png").read_bytes().startswith(b"\x89PNG")


def test_every_change_of_the_ablation_is_one_of_the_preset():
    """Each names hyperparameters of `ppo` and changes their values."""
    changed = [with_hyperparams(PPOConfig(), values) for values in CHANGES.values()]
    assert changed[0] == PPOConfig()
    assert len({repr(one) for one in changed}) == len(CHANGES)
