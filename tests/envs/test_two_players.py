import numpy as np
import pytest

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.envs.two_players import TwoPlayerPong
from pong_agent.vision.observations import pong_pixels
from pong_agent.vision.pixels import draw_field

LEFT, RIGHT = (213, 130, 74), (92, 186, 92)
HELD = 9  # frames that a key is held


@pytest.fixture(scope="module")
def pong():
    """A game without sticky actions, which each test resets."""
    game = TwoPlayerPong(sticky=0.0)
    yield game
    game.close()


def left_rows(frame):
    return np.flatnonzero((frame[34:194, 16] == LEFT).all(axis=1))


def right_rows(frame):
    return np.flatnonzero((frame[34:194, 140] == RIGHT).all(axis=1))


def played(pong, seed, n_frames, actions_seed=0):
    """Screens and actions of a game under random actions, each held for some frames."""
    generator = np.random.default_rng(actions_seed)
    frames = [pong.reset(seed)]
    for frame in range(n_frames):
        if frame % HELD == 0:
            left, right = generator.integers(0, 3, 2).tolist()
        pong.play_frame(left, right)
        frames.append(pong.last_frame())
    return frames


def test_the_left_paddle_moves_as_the_right_one_does(pong):
    """With the same actions their heights differ by at most a row in every frame."""
    generator = np.random.default_rng(1)
    pong.reset(0)
    offsets, heights = [], []
    for frame in range(900):
        if frame % HELD == 0:
            action = int(generator.integers(0, 3))
        pong.play_frame(action, action)
        left, right = left_rows(pong.last_frame()), right_rows(pong.last_frame())
        if len(left) == len(right) == 16:  # both are entirely within the field
            offsets.append(int(right[0] - left[0]))
            heights.append(int(left[0]))
    assert len(offsets) > 200
    assert max(heights) - min(heights) > 120
    # Except in the frame before a serve, in which the game places the paddle.
    assert np.mean(np.array(offsets) == 1) > 0.97


def test_both_reach_the_same_ends(pong):
    """UP and DOWN move both paddles equally far out of the field."""
    pong.reset(0)
    for action in (UP, DOWN):
        for _ in range(120):
            pong.play_frame(action, action)
        left, right = left_rows(pong.last_frame()), right_rows(pong.last_frame())
        assert abs(len(left) - len(right)) <= 1
        assert len(left) < 8
        assert (left.max() < 80) == (action == UP)


def test_the_players_do_not_move_each_other(pong):
    """One player's actions do not move the other's paddle."""
    pong.reset(0)
    for _ in range(60):
        pong.play_frame(UP, DOWN)
    assert left_rows(pong.last_frame()).max() < right_rows(pong.last_frame()).min()
    where = left_rows(pong.last_frame())
    for _ in range(40):
        pong.play_frame(STAY, UP)
    np.testing.assert_array_equal(left_rows(pong.last_frame()), where)


def test_the_same_seed_and_actions_give_the_same_frames():
    """Also with sticky actions, and after the emulator has played another game."""
    first, second = TwoPlayerPong(), TwoPlayerPong()
    played(second, seed=8, n_frames=50)
    for one, other in zip(played(first, 3, 300), played(second, 3, 300), strict=True):
        np.testing.assert_array_equal(one, other)
    others = played(second, 4, 300)
    assert any(
        (one != other).any() for one, other in zip(played(first, 3, 300), others, strict=True)
    )
    first.close()
    second.close()


def test_points_are_the_environments_rewards(pong):
    """Each reward is a point for its side, until a player has 21."""
    pong.reset(0)
    rewards = []
    while not pong.over:
        rewards.append(pong.play_frame(UP, DOWN))
    assert pong.right_points == rewards.count(1)
    assert pong.left_points == rewards.count(-1)
    assert max(pong.left_points, pong.right_points) == 21
    assert pong.frames == len(rewards)


def test_a_step_is_four_frames(pong):
    """Each frame is passed on, and the last one returned."""
    pong.reset(0)
    shown = []
    frame = pong.step(UP, UP, lambda frame: shown.append(frame.copy()))
    assert len(shown) == pong.frames == 4
    np.testing.assert_array_equal(shown[-1], frame)


def test_the_left_player_sees_the_frame_mirrored(pong):
    """Both players see their own paddle in the same place."""
    pong.reset(0)
    for _ in range(40):
        pong.play_frame(UP, UP)
    for _ in range(12):
        pong.play_frame(DOWN, DOWN)
    frame = pong.last_frame()
    own, turned = (draw_field(pong_pixels(one)) for one in (frame, frame[:, ::-1]))
    columns = slice(70, 72)
    assert own[:, columns].any()
    difference = np.abs(own[:, columns].astype(int) - turned[:, columns])
    assert difference.sum() <= 4  # a row lower: two columns at either end
