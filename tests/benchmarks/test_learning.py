from benchmarks.learning import Learned, Point, learned, summary

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
