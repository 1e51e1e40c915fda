import numpy as np
import pytest

from pong_agent.plots.runs import group_runs, mean_of, points, running_mean
from pong_agent.training.run_folder import RunFolder


def run(folder, preset, seed, **hyperparameters):
    config = {"train": {"preset": preset, "seed": seed}, "hyperparameters": hyperparameters}
    return RunFolder.create(folder, config)


def test_runs_that_differ_in_their_seeds_are_one_group(tmp_path):
    """Other runs are apart, named by the differences within their preset."""
    runs = [
        run(tmp_path / "a", "ppo", 0, epochs=5, discount=0.99),
        run(tmp_path / "b", "ppo", 0, epochs=1, discount=0.99),
        run(tmp_path / "c", "reinforce", 0, discount=0.9),
        run(tmp_path / "d", "ppo", 1, discount=0.99, epochs=5),
    ]
    groups = group_runs(runs)
    assert [group.label for group in groups] == ["ppo, epochs 5", "ppo, epochs 1", "reinforce"]
    assert groups[0].runs == (runs[0], runs[3])
    many = {f"h{number}": number for number in range(6)}
    others = [run(tmp_path / "e", "ppo", 0, **many), run(tmp_path / "f", "ppo", 0)]
    assert group_runs(others)[0].label == "ppo, h0 0, h1 1, h2 2, h3 3, ..."


def test_points_are_finite():
    """Rows without a value are left out; x can be minutes of training."""
    rows = [
        {"time/time_elapsed": str(60.0 * minute), "train/loss": loss}
        for minute, loss in enumerate(("", "nan", "2.5", "inf", "-1"))
    ]
    x, y = points(rows, "train/loss", "minutes")
    assert (x.tolist(), y.tolist()) == ([2.0, 4.0], [2.5, -1.0])


def test_a_running_mean_keeps_a_straight_line():
    """It is the mean over the window, with fewer values at the ends."""
    y = np.arange(500.0)
    smooth, window = running_mean(y)
    assert window == 11
    np.testing.assert_allclose(smooth[5:-5], y[5:-5])
    assert smooth[0] == y[:6].mean()
    assert smooth[-2] == y[-7:].mean()


def test_a_single_run_has_no_band():
    """Its running mean is drawn over the raw curve, if anything is smoothed."""
    x = np.arange(100.0)
    long, short = mean_of([(x, x % 2)]), mean_of([(x[:20], x[:20])])
    assert (long.band, long.label, len(long.raw)) == (None, "mean over 3 updates", 1)
    assert 0.3 < long.y[50] < 0.7
    assert (short.label, short.raw) == ("", ())
    assert short.y.tolist() == list(range(20))


def test_few_runs_have_their_range_as_a_band():
    """It reaches from lowest to highest while two runs go on; the mean ends with the longest."""
    x = np.arange(10.0)
    mean = mean_of([(x, x), (x + 2, x + 5), (x * 2, x * 2 + 10)])
    assert (mean.x[0], mean.x[mean.n_solid - 1], mean.x[-1]) == (2.0, 9.0, 18.0)
    all_three, two, one = mean.x <= 9, (mean.x > 9) & (mean.x <= 11), mean.x > 11
    np.testing.assert_allclose(mean.y[all_three], mean.x[all_three] + 13 / 3)
    np.testing.assert_allclose(mean.y[two], mean.x[two] + 6.5)
    np.testing.assert_allclose(mean.y[one], mean.x[one] + 10)
    low, high = mean.band
    np.testing.assert_allclose((low[all_three], high[all_three] - 10), [mean.x[all_three]] * 2)
    np.testing.assert_allclose((low[two] - 3, high[two] - 10), [mean.x[two]] * 2)
    assert np.isnan(low[one]).all()
    start = "mean of 3 runs, dashed where fewer are left (1 at the end)"
    assert mean.label == f"{start}; band: lowest to highest"


def test_five_runs_have_a_bootstrap_interval():
    """It contains the mean, is narrower than the range, and is reproducible."""
    x = np.linspace(0, 1, 50)
    curves = [(x, np.full(50, height)) for height in (0.0, 1.0, 2.0, 3.0, 14.0)]
    mean, again = mean_of(curves), mean_of(curves)
    assert mean.label == "mean of 5 runs; band: 95 % bootstrap interval"
    np.testing.assert_allclose(mean.y, 4.0)
    assert 0 < mean.band[0][7] < 2 < 6 < mean.band[1][7] < 14
    np.testing.assert_array_equal(mean.band, again.band)
    equal = mean_of([(x, np.ones(50))] * 5)
    np.testing.assert_array_equal(*equal.band)
    longer = mean_of([*curves, (x * 2, np.zeros(50))])
    assert longer.label.endswith("bootstrap interval of 5 runs or more")
    assert np.isfinite(longer.band[0]).tolist() == (longer.x <= 1).tolist()


@pytest.mark.parametrize("n_runs", [2, 5])
def test_runs_that_never_meet_have_no_mean(n_runs):
    """Curves without common x are not averaged."""
    curves = [(np.array([2.0 * n, 2.0 * n + 1]), np.zeros(2)) for n in range(n_runs)]
    mean = mean_of(curves)
    assert len(mean.x) == len(mean.y) == 0
    assert (len(mean.raw), mean.label, mean.band) == (n_runs, f"{n_runs} runs", None)
    one_place = mean_of([(np.ones(1), np.full(1, value)) for value in (1.0, 3.0)])
    assert (one_place.x.tolist(), one_place.y.tolist()) == ([1.0], [2.0])
