"""Collectors: what Ray workers play is what this process plays."""

from dataclasses import replace

import numpy as np
import pytest

from pong_agent import PRESETS, ConfigError, PongAgent
from pong_agent.training import ray_collector
from pong_agent.training.collector import CollectorError, RolloutWorker, SerialCollector, WorkItem
from pong_agent.training.ray_collector import RayCollector

CONFIG = PRESETS["reinforce"]
AGENT = PongAgent(CONFIG, seed=1)
SEEDS = [5, 6, 7]


@pytest.fixture(scope="module")
def items():
    """One episode of each of three games, sampled."""
    collector = SerialCollector(CONFIG)
    snapshots = collector.start_games(SEEDS)
    collector.close()
    return [WorkItem([game], [seed], None) for game, seed in zip(snapshots, SEEDS, strict=True)]


@pytest.fixture(scope="module")
def serial(items):
    """The three episodes, played in this process."""
    collector = SerialCollector(CONFIG)
    results = collector.play(AGENT.parameters, items)
    collector.close()
    return [trajectory for result in results for trajectory in result.trajectories]


@pytest.fixture(scope="module")
def collector(ray_session):
    """Two Ray workers; a test may kill one, which is then replaced."""
    collector = RayCollector(CONFIG, n_workers=2)
    yield collector
    collector.close()
    assert ray_session.is_initialized()  # a collector must not stop a Ray that it did not start


def assert_same_trajectory(one, other):
    assert one.seed == other.seed
    for name in ("pixels", "offsets", "actions", "rewards"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_ray_plays_what_this_process_plays(collector, serial, items):
    """Two workers return the same three episodes, in the order of the seeds, bit for bit."""
    played = collector.play(AGENT.parameters, items)
    for one, result in zip(serial, played, strict=True):
        assert_same_trajectory(one, result.trajectories[0])


def test_ray_evaluates_as_this_process_does(collector):
    """A worker's greedy episode is that of this process, bit for bit."""
    here = SerialCollector(CONFIG)
    [expected] = here.evaluate(AGENT.parameters, SEEDS[:1])
    here.close()
    [found] = collector.evaluate(AGENT.parameters, SEEDS[:1])
    assert_same_trajectory(expected, found)


def test_workers_play_with_the_weights_they_are_given(collector, serial, items):
    """Other weights give other episodes from the same workers."""
    agent = PongAgent(CONFIG, seed=1)
    [first] = collector.play(agent.parameters, items[:1])
    agent.set_parameters({name: -array for name, array in agent.parameters.items()})
    [second] = collector.play(agent.parameters, items[:1])
    [first], [second] = first.trajectories, second.trajectories
    np.testing.assert_array_equal(first.actions, serial[0].actions)
    assert not np.array_equal(first.actions[:500], second.actions[:500])


def test_weights_are_put_into_the_store_once(collector):
    """The same weights keep their reference, others get another one."""
    other = PongAgent(CONFIG, seed=2)
    reference = collector._share(AGENT.parameters)
    assert collector._share(AGENT.parameters) is reference
    assert collector._share(other.parameters) is not reference


def test_killed_workers_are_replaced(collector, serial, items, ray_session):
    """Workers that are gone for good are replaced, and the result is what it would have been."""
    for handle in collector.handles:
        ray_session.kill(handle.actor)
    [played] = collector.play(AGENT.parameters, items[:1])
    assert_same_trajectory(serial[0], played.trajectories[0])


class StubbornWorker(RolloutWorker):
    """Returns its own kind of game."""

    def start_game(self, seed):
        return f"game {seed}"


def test_the_worker_class_is_an_argument(ray_session):
    """Both collectors play with the class that they are given."""
    for collector in (
        SerialCollector(CONFIG, StubbornWorker),
        RayCollector(CONFIG, 1, worker_class=StubbornWorker),
    ):
        assert collector.start_games([3, 4]) == ["game 3", "game 4"]
        collector.close()


def test_a_worker_that_fails_is_one_clear_error(ray_session, monkeypatch):
    """A failure in a worker names the work item, its tries and its reason."""
    monkeypatch.setattr(ray_collector, "MAX_TRIES", 2)
    collector = RayCollector(CONFIG, n_workers=1)
    match = r"(?s)work item 0 of 1 failed 2 times.*W1.*expected"
    try:
        with pytest.raises(CollectorError, match=match):
            collector.evaluate({"W1": np.zeros((2, 2)), "W2": np.zeros(2)}, [0])
    finally:
        collector.close()


@pytest.mark.parametrize("n_workers", [0, -2])
def test_a_number_of_workers_below_one_is_refused(n_workers):
    """The error says what was expected and what came, before Ray is started."""
    with pytest.raises(ConfigError, match=f"n_workers: expected 1 or more, .* found {n_workers}"):
        RayCollector(CONFIG, n_workers)


def test_ray_continues_games_as_this_process_does(ray_session):
    """Fragments are the same on 1 and 3 workers, however the games are divided into items."""
    config = replace(PRESETS["ppo"], n_envs=4)
    agent = PongAgent(config, seed=1)
    found = []
    for collector, sizes in (
        (SerialCollector(config), [4]),
        (RayCollector(config, 3), [1, 2, 3]),
    ):
        games = collector.start_games(range(4))
        for size in sizes:
            items = [
                WorkItem(games[first : first + size], range(first, min(first + size, 4)), 20)
                for first in range(0, 4, size)
            ]
            results = collector.play(agent.parameters, items)
            found.append([trajectory for result in results for trajectory in result.trajectories])
        collector.close()
    for others in found[1:]:
        assert [len(trajectory) for trajectory in others] == 4 * [20]
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
            np.testing.assert_array_equal(one.probabilities, other.probabilities)
