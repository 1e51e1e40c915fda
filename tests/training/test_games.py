from dataclasses import replace

import numpy as np
import pytest

from pong_agent import PRESETS, PongAgent, make_env
from pong_agent.envs.emulator import restore_emulator, save_emulator
from pong_agent.training.games import (
    begin_snapshot,
    continue_games,
    load_snapshots,
    save_snapshots,
)


@pytest.fixture
def environments():
    """Three real Pongs whose episodes end after 300 agent steps."""
    made = [make_env("ALE/Pong-v5", max_num_frames_per_episode=1200) for _ in range(3)]
    for number, env in enumerate(made):
        env.reset(seed=100 + number)
    yield made
    for env in made:
        env.close()


def assert_same_game(one, other):
    assert one.emulator == other.emulator
    np.testing.assert_array_equal(one.current, other.current)
    np.testing.assert_array_equal(one.previous, other.previous)
    for name in ("last_action", "return_before", "steps_before"):
        assert getattr(one, name) == getattr(other, name)


def test_a_game_does_not_depend_on_where_it_is_played(environments):
    """Continued in changing environments, a game is bit for bit the one of a single environment."""
    agent = PongAgent("ppo", seed=0)
    at_home = [begin_snapshot(env, seed) for seed, env in enumerate(environments)]
    around = list(at_home)
    order = np.random.default_rng(0)
    for fragment in range(12):
        seeds = [10 * fragment + number for number in range(3)]
        played, at_home = continue_games(agent, environments, at_home, seeds, 30)
        for number in order.permutation(3):  # one by one, each time in some environment
            env = environments[order.integers(3)]
            [trajectory], [around[number]] = continue_games(
                agent, [env], [around[number]], [seeds[number]], 30
            )
            for name in ("pixels", "offsets", "actions", "rewards", "ends"):
                expected = getattr(played[number], name)
                np.testing.assert_array_equal(getattr(trajectory, name), expected)
            assert_same_game(around[number], at_home[number])
    assert at_home[0].steps_before == 60  # 12 x 30 steps, the first episode ended after 300


def test_a_restored_emulator_forgets_what_it_did_before():
    """Sticky actions repeat the restored game's last action, in 100 games after other histories."""
    one, other = (make_env("ALE/Pong-v5") for _ in range(2))
    one.reset(seed=0)
    other.reset(seed=1)
    generator = np.random.default_rng(0)
    for _ in range(100):
        for env in (one, other):
            for action in generator.integers(2, 4, size=generator.integers(1, 12)):
                if env.step(int(action))[2]:
                    env.reset()
        state, last_action = save_emulator(one), int(generator.integers(2, 4))
        for env in (one, other):
            restore_emulator(env, state, last_action)
        for action in generator.integers(2, 4, size=8):
            frames = [env.step(int(action))[0] for env in (one, other)]
            np.testing.assert_array_equal(*frames)
    one.close()
    other.close()


def test_fragments_follow_one_another(environments):
    """Each fragment starts with the fields at the end of the previous one, across episode ends."""
    agent = PongAgent("ppo", seed=0)
    [env, *_] = environments
    games, returns, steps = [begin_snapshot(env, 5)], 0.0, 0
    for number in range(5):
        game = games[0]
        [trajectory], games = continue_games(agent, [env], games, [number], 70)
        first = trajectory.pixels[trajectory.offsets[1] : trajectory.offsets[2]]
        np.testing.assert_array_equal(first, game.current)
        before = trajectory.pixels[: trajectory.offsets[1]]
        np.testing.assert_array_equal(before, game.previous)
        last = trajectory.pixels[trajectory.offsets[-2] :]
        np.testing.assert_array_equal(last, games[0].current)
        for reward, end in zip(trajectory.rewards, trajectory.ends, strict=True):
            returns, steps = returns + reward, steps + 1
            if end:
                assert trajectory.finished_episodes() == [(returns, steps)] == [(returns, 300)]
                returns, steps = 0.0, 0
        assert (games[0].return_before, games[0].steps_before) == (returns, steps)
    assert steps == 50


def test_episodes_go_on_from_where_the_game_before_ended():
    """Two successive episodes of Pong-v0 with no-ops are the same in any environments."""
    agent = PongAgent(replace(PRESETS["reinforce"], noop_max=30), seed=0)
    limits = {"noop_max": 30, "max_num_frames_per_episode": 300}
    made = [make_env("Pong-v0", **limits) for _ in range(3)]
    games = [begin_snapshot(env, seed) for seed, env in enumerate(made[:2])]
    alone = list(games)
    made[2].reset(seed=99)
    for number in range(2):
        seeds = [2 * number, 2 * number + 1]
        episodes, games = continue_games(agent, made[:2], games, seeds)
        for index in range(2):
            [episode], [alone[index]] = continue_games(
                agent, [made[2]], [alone[index]], [seeds[index]]
            )
            assert episode.seed == seeds[index]
            assert episode.ends[-1]
            assert not episode.ends[:-1].any()
            for name in ("pixels", "offsets", "actions", "rewards", "ends"):
                np.testing.assert_array_equal(
                    getattr(episode, name), getattr(episodes[index], name)
                )
            assert_same_game(alone[index], games[index])
            assert games[index].steps_before == 0
    assert games[0].emulator != games[1].emulator  # each goes on with draws of its own
    for env in made:
        env.close()


def test_games_survive_a_file(environments, tmp_path):
    """Written and read again, games are the same."""
    agent = PongAgent("ppo", seed=0)
    games = [begin_snapshot(env, seed) for seed, env in enumerate(environments)]
    _, games = continue_games(agent, environments, games, [1, 2, 3], 25)
    save_snapshots(tmp_path / "games.npz", games)
    for one, other in zip(games, load_snapshots(tmp_path / "games.npz", 3), strict=True):
        assert_same_game(one, other)


def test_a_drawn_frame_skip_comes_from_the_fragments_seed():
    """A game of Pong-v0 continues identically in another environment, and its skips vary."""
    agent = PongAgent("ppo", seed=0)
    one, other = (make_env("Pong-v0") for _ in range(2))
    other.reset(seed=9)
    games = [begin_snapshot(one, 3)]
    for fragment in range(3):
        before = one.unwrapped.ale.getFrameNumber()
        played = [continue_games(agent, [env], games, [fragment], 90) for env in (one, other)]
        [([trajectory], [game]), ([again], [same])] = played
        for name in ("pixels", "offsets", "actions", "rewards", "ends"):
            expected = getattr(trajectory, name)
            np.testing.assert_array_equal(getattr(again, name), expected)
        assert_same_game(same, game)
        passed = one.unwrapped.ale.getFrameNumber() - before
        assert 2 * 90 < passed < 4 * 90
        assert passed != 3 * 90
        games = [game]
    one.close()
    other.close()
