from dataclasses import replace

import numpy as np
import pytest

from pong_agent import PRESETS, ConfigError, PongAgent
from pong_agent.training.collector import CollectorError, SerialCollector, Unit
from pong_agent.training.ray_collector import RayCollector

CONFIG = PRESETS["reinforce"]
SEEDS = [5, 6, 7]


@pytest.fixture(scope="module")
def serial():
    collector = SerialCollector(CONFIG)
    yield collector.call("play_episode", PongAgent(CONFIG, seed=1).parameters, SEEDS)
    collector.close()


def test_ray_plays_what_this_process_plays(ray_session, serial):
    """Two workers bring the same three episodes, in the order of the seeds, bit for bit."""
    collector = RayCollector(CONFIG, n_workers=2)
    try:
        played = collector.call("play_episode", PongAgent(CONFIG, seed=1).parameters, SEEDS)
    finally:
        collector.close()
    for one, other in zip(serial, played, strict=True):
        assert one.seed == other.seed
        for name in ("pixels", "offsets", "actions", "rewards"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert ray_session.is_initialized()  # it was not this collector's to stop


def test_workers_play_with_the_weights_they_are_given(ray_session, serial):
    """Other weights give other episodes from the same workers."""
    collector = RayCollector(CONFIG, n_workers=1)
    try:
        agent = PongAgent(CONFIG, seed=1)
        [first] = collector.call("play_episode", agent.parameters, SEEDS[:1])
        agent.set_parameters({name: -array for name, array in agent.parameters.items()})
        [second] = collector.call("play_episode", agent.parameters, SEEDS[:1])
    finally:
        collector.close()
    np.testing.assert_array_equal(first.actions, serial[0].actions)
    assert not np.array_equal(first.actions[:500], second.actions[:500])


def test_a_worker_that_fails_is_one_clear_error(ray_session):
    """A failure in a worker names the unit of work and what went wrong."""
    collector = RayCollector(CONFIG, n_workers=1)
    try:
        with pytest.raises(CollectorError, match=r"(?s)unit 0 of 1 failed 5 times.*W1.*expected"):
            collector.call("play_episode", {"W1": np.zeros((2, 2)), "W2": np.zeros(2)}, [0])
    finally:
        collector.close()


def test_a_killed_worker_is_replaced(ray_session, serial):
    """A worker that is gone for good is replaced, and the result is what it would have been."""
    collector = RayCollector(CONFIG, n_workers=1)
    ray_session.kill(collector._seats[0].actor)
    try:
        played = collector.call("play_episode", PongAgent(CONFIG, seed=1).parameters, SEEDS[:1])
    finally:
        collector.close()
    np.testing.assert_array_equal(played[0].actions, serial[0].actions)


@pytest.mark.parametrize("n_workers", [0, -2])
def test_a_number_of_workers_below_one_is_refused(n_workers):
    """The error says what was expected and what came, before Ray is started."""
    with pytest.raises(ConfigError, match=f"n_workers: expected 1 or more, .* found {n_workers}"):
        RayCollector(CONFIG, n_workers)


def test_ray_plays_games_on_as_this_process_does(ray_session):
    """Fragments and the games after them are the same on any workers, however they are dealt."""
    config = replace(PRESETS["ppo"], n_envs=4)
    agent = PongAgent(config, seed=1)
    found = []
    for collector in (SerialCollector(config), RayCollector(config, 2), RayCollector(config, 3)):
        games = collector.call("start_game", {}, range(4))
        size = -(-4 // collector.n_workers)
        units = [
            Unit(games[first : first + size], range(first, min(first + size, 4)), 20)
            for first in range(0, 4, size)
        ]
        results = collector.call("play_games", agent.parameters, units)
        found.append([trajectory for played, _ in results for trajectory in played])
        collector.close()
    for others in found[1:]:
        assert [len(trajectory) for trajectory in others] == 4 * [20]
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
            np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_weights_are_put_into_the_store_once(ray_session):
    """The same weights keep their place, others get another one."""
    collector = RayCollector(PRESETS["ppo"], 1)
    agent, other = PongAgent("ppo", seed=1), PongAgent("ppo", seed=2)
    place = collector._share(agent.parameters)
    assert collector._share(agent.parameters) is place
    assert collector._share(other.parameters) is not place
    collector.close()
