import zlib

import numpy as np
import pytest

from pong_agent import PongAgent, make_env
from pong_agent.environment import restore_emulator, save_emulator
from pong_agent.rollout import action_generator, rollout_fragment
from pong_agent.training.games import (
    games_from_arrays,
    games_to_arrays,
    play_fragments,
    start_game,
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


def play_on(*args):
    """The fragments, and the games after them."""
    trajectories, (early, games) = play_fragments(*args)
    assert early == []
    return trajectories, games


def generators_after(n_draws):
    """A game's generator of actions, after so many of them."""
    generator = action_generator(1)
    generator.random(n_draws)
    return [generator]


def assert_same_game(one, other):
    assert one.emulator == other.emulator
    np.testing.assert_array_equal(one.current, other.current)
    np.testing.assert_array_equal(one.previous, other.previous)
    for name in ("last_action", "return_before", "steps_before"):
        assert getattr(one, name) == getattr(other, name)


def test_a_game_does_not_depend_on_where_it_is_played(environments):
    """Played on in ever other environments, a game is bit for bit the one played in its own."""
    agent = PongAgent("ppo", seed=0)
    at_home = [start_game(env, seed) for seed, env in enumerate(environments)]
    around = list(at_home)
    order = np.random.default_rng(0)
    for fragment in range(12):
        seeds = [10 * fragment + number for number in range(3)]
        played, at_home = play_on(agent, environments, at_home, seeds, 30)
        for number in order.permutation(3):  # one by one, each time in some environment
            env = environments[order.integers(3)]
            [trajectory], [around[number]] = play_on(
                agent, [env], [around[number]], [seeds[number]], 30
            )
            for name in ("pixels", "offsets", "actions", "rewards", "ends"):
                expected = getattr(played[number], name)
                np.testing.assert_array_equal(getattr(trajectory, name), expected)
            assert_same_game(around[number], at_home[number])
    assert at_home[0].steps_before == 60  # 12 x 30 steps, the first episode ended after 300


def test_a_restored_emulator_forgets_what_it_did_before():
    """Sticky actions repeat the action of the restored game, in 100 games of another past."""
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
    """Each fragment begins with the fields that the one before left, through an episode's end."""
    agent = PongAgent("ppo", seed=0)
    [env, *_] = environments
    games, returns, steps = [start_game(env, 5)], 0.0, 0
    for number in range(5):
        game = games[0]
        [trajectory], games = play_on(agent, [env], games, [number], 70)
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


def test_steps_played_ahead_belong_to_the_next_fragment(environments):
    """20 steps, and 15 ahead, joined with 10 more, are those of 20 and 25 played in one go."""
    agent = PongAgent("ppo", seed=0)
    [env, *_] = environments
    games = [start_game(env, 5)]
    _, ([early], then) = play_fragments(agent, [env], games, [1], 250, 15)
    generators = [action_generator(1)]
    restore_emulator(env, zlib.decompress(games[0].emulator), 0)
    fields = [(games[0].current, games[0].previous)]
    _, fields = rollout_fragment(agent, [env], fields, 250, generators)
    [whole], _ = rollout_fragment(agent, [env], fields, 65, generators)
    assert (early.seed, early.steps_before) == (1, 250)

    restore_emulator(env, zlib.decompress(then[0].emulator), then[0].last_action)
    [rest], _ = rollout_fragment(
        agent, [env], [(then[0].current, then[0].previous)], 50, generators_after(265)
    )
    joined = early.followed_by(rest)
    assert whole.ends.sum() == 1
    for name in ("pixels", "offsets", "actions", "rewards", "ends", "probabilities"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    joined.validate()


def test_games_survive_a_file(environments):
    """To arrays and back gives the same games."""
    agent = PongAgent("ppo", seed=0)
    games = [start_game(env, seed) for seed, env in enumerate(environments)]
    _, games = play_on(agent, environments, games, [1, 2, 3], 25)
    for one, other in zip(games, games_from_arrays(games_to_arrays(games)), strict=True):
        assert_same_game(one, other)


def test_a_drawn_frame_skip_comes_from_the_fragments_seed():
    """A game of Pong-v0 goes on the same in another environment, and its skips do vary."""
    agent = PongAgent("ppo", seed=0)
    one, other = (make_env("Pong-v0") for _ in range(2))
    other.reset(seed=9)
    games = [start_game(one, 3)]
    for fragment in range(3):
        before = one.unwrapped.ale.getFrameNumber()
        played = [play_on(agent, [env], games, [fragment], 90) for env in (one, other)]
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
