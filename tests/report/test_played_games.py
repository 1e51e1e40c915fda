from dataclasses import replace

import numpy as np
import pytest

from pong_agent import UP, PongAgent, TrajectoryBuilder, make_env, rollout
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation import evaluate_policy
from pong_agent.report.moments import ball_columns, choose_moments, fields_at, opening
from pong_agent.report.played_games import ReportOptions, play_settings, rally_lengths
from pong_agent.vision.pixels import draw_field

SHORT = {"max_num_frames_per_episode": 100}
USUAL = EnvSpec("ALE/Pong-v5", repeat_action_probability=0.25, **SHORT)


@pytest.fixture(scope="module")
def game():
    """A minute of a real game of the pretrained agent."""
    env = make_env("ALE/Pong-v5", max_num_frames_per_episode=2_000)
    [trajectory] = rollout(PongAgent.pretrained().bind(env), [env], [0], deterministic=True)
    env.close()
    return trajectory


def drawn(columns, rewards=None):
    """A trajectory with a ball in these columns, None for no ball, and the right paddle."""
    builder = TrajectoryBuilder()
    for i, column in enumerate(columns):
        field = np.zeros((80, 80), dtype=np.uint8)
        field[30:38, 70:72] = 1
        if column is not None:
            field[40, column] = 1
        reward = rewards[i] if rewards else 0.0
        builder.append(field, action=UP, reward=reward, end=i == len(columns) - 1)
    return builder.build()


def test_each_setting_is_that_of_evaluate_policy():
    """Four difficulties with and without sticky actions, and one setting sampled."""
    agent, seen = PongAgent.pretrained(), []
    options = ReportOptions(1, 3, env_kwargs=SHORT)
    games = play_settings(agent, options, lambda: seen.append(None))
    assert len(seen) == 9
    settings = [score.setting.env for row in games.greedy for score in row]
    assert settings == [
        replace(
            USUAL, difficulty=level, repeat_action_probability=sticky, noop_max=0 if sticky else 30
        )
        for level in range(4)
        for sticky in (0.0, 0.25)
    ]
    without = replace(USUAL, difficulty=2, repeat_action_probability=0.0, noop_max=30)
    assert games.greedy[2][0].result == evaluate_policy(agent, without, 1, seed=3)
    assert games.usual.result == evaluate_policy(agent, USUAL, 1, seed=3)
    assert games.sampled.result == evaluate_policy(agent, USUAL, 1, deterministic=False, seed=3)
    assert [one.seed for one in games.trajectories] == [3]


def test_rallies_are_counted_from_point_to_point():
    """The first begins with the game; won and lost are apart; the last point ends the last."""
    first = drawn([None] * 7, rewards=[0, 0, 1, 0, -1, 1, 0])
    second = drawn([None] * 2, rewards=[0, -1])
    assert rally_lengths([first, second]) == ([3, 1], [2, 2])
    assert rally_lengths([]) == ([], [])


def test_fields_are_those_of_the_network_input(game):
    """They are the current and the previous field, equal at the start."""
    rows = game.network_input()
    np.testing.assert_array_equal(*fields_at(game, 0))
    for step in (0, 1, 200):
        current, previous = (draw_field(pixels) for pixels in fields_at(game, step))
        dense = rows.take(np.array([step])).toarray().reshape(2, 80, 80)
        np.testing.assert_array_equal(dense, [current, previous])


def test_an_opening_is_a_game_that_was_cut(game):
    """It is valid and has the same network input; a short game stays whole."""
    cut = opening(game, 37)
    cut.validate()
    assert len(cut) == 37
    expected = game.network_input().take(np.arange(37)).toarray()
    np.testing.assert_array_equal(cut.network_input().toarray(), expected)
    np.testing.assert_array_equal(opening(game, 10**6).pixels, game.pixels)


def test_the_ball_is_what_is_no_paddle(game):
    """Its column is the mean of the lit pixels outside the paddles' columns."""
    columns = ball_columns(game)
    assert len(columns) == len(game)
    for step in range(0, len(game), 17):
        field = draw_field(fields_at(game, step)[0])
        field[:, [8, 9, 70, 71]] = 0
        lit = np.nonzero(field)[1]
        np.testing.assert_equal(columns[step], lit.mean() if len(lit) else np.nan)
    assert np.isnan(columns).any()
    assert np.nanmax(columns) > 60


def test_moments_follow_the_ball_to_the_agents_paddle(game):
    """In a real game the ball is nearer at each of them."""
    columns = ball_columns(game)[choose_moments(game, 4)]
    assert len(columns) == 4
    assert (np.diff(columns) > 5).all()
    assert columns[-1] > 60


def test_the_last_approach_before_the_first_point_won_is_chosen():
    """Earlier, later and partial approaches are not."""
    way = list(range(10, 69, 2))
    short = list(range(40, 69, 2))
    game = drawn(
        [*way, None, *way, None, *short, None, *way],
        rewards=[0.0] * (2 * len(way) + 1 + len(short)) + [1.0, 0.0] + [0.0] * (len(way) + 1),
    )
    moments = choose_moments(game, 3)
    assert [ball_columns(game)[step] for step in moments] == [30, 48, 68]
    assert all(len(way) < step <= 2 * len(way) for step in moments)


def test_without_an_approach_moments_are_spread_over_the_game():
    """Also in a game with fewer steps than moments."""
    assert choose_moments(drawn([None] * 10), 4) == [0, 3, 6, 9]
    assert choose_moments(drawn([20, 10]), 4) == [0, 1]
