"""The panel beside the game, compared with what the agent does."""

import numpy as np
import pytest
from video_frames import decode

from pong_agent import PongAgent
from pong_agent.envs.make import make_env
from pong_agent.recording import (
    AgentOverlay,
    EpisodeRecorder,
    palette,
    record_episodes,
    replay,
)
from pong_agent.recording.encoder import read_video_info
from pong_agent.recording.end_card import score, verdict
from pong_agent.recording.images import weights_image
from pong_agent.recording.sidecar import Sidecar

LIMIT = {"max_num_frames_per_episode": 200}


@pytest.fixture
def env():
    env = make_env("ALE/Pong-v5", render_mode="rgb_array", **LIMIT)
    yield env
    env.close()


@pytest.mark.parametrize("preset", ["ppo", "reinforce"])
def test_the_panel_knows_what_the_agent_decides(env, preset):
    """Its probabilities and action are the agent's own, step by step, for both presets."""
    agent = PongAgent(preset, env=env)
    overlay = AgentOverlay(agent, env)
    frame, _ = env.reset(seed=0)
    overlay.reset(frame)
    for _ in range(20):
        before = dict(agent.parameters)
        action = agent.act(frame, deterministic=True)
        chosen = agent.paddle_actions[int(np.argmax(overlay._probabilities))]
        assert chosen == action
        overlay.act(action)
        assert agent.paddle_actions[overlay._action] == action
        frame, reward, *_ = env.step(action)
        overlay.observe(frame, reward)
        assert all(agent.parameters[name] is array for name, array in before.items())
    assert len(overlay._values) == (21 if preset == "ppo" else 0)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_game_is_left_as_it_is(env, scale):
    """Left of the panel each pixel of the game is a block; the panel changes with the step."""
    agent = PongAgent.pretrained()
    overlay = AgentOverlay(agent, env)
    frame, _ = env.reset(seed=0)
    overlay.reset(frame)
    first = overlay.compose(frame, scale).copy()
    for row, column in ((0, 0), (scale - 1, scale - 1)):
        np.testing.assert_array_equal(first[row::scale, column : 160 * scale : scale], frame)
    overlay.act(2)
    frame, *_ = env.step(2)
    second = overlay.compose(frame, scale)
    assert first.shape == second.shape == (210 * scale, 320 * scale, 3)
    changed = (first != second).any(axis=2)[:, 160 * scale :]
    assert 0 < changed.mean() < 0.2


def test_points_are_counted(env):
    """What the environment gives, and nothing else, is the score: of the opponent, of the agent."""
    overlay = AgentOverlay(PongAgent("ppo"), env)
    frame, _ = env.reset(seed=0)
    overlay.reset(frame)
    for reward in (0.0, -1.0, 1.0, 1.0, 0.0):
        overlay.observe(frame, reward)
    assert overlay._score == [1, 2]
    overlay.reset(frame)
    assert overlay._score == [0, 0]


def test_a_video_with_panel_has_all_frames(tmp_path, env):
    """Twice as wide, and otherwise the video that it is without."""
    agent = PongAgent.pretrained().bind(env)
    overlay = AgentOverlay(agent, env)
    with EpisodeRecorder(env, tmp_path, scale=2, overlay=overlay) as recorder:
        frame, start = recorder.reset(seed=0)
        done = False
        while not done:
            frame, _, terminated, truncated, info = recorder.step(agent.act(frame))
            done = terminated or truncated
    found = read_video_info(recorder.paths[0])
    assert (found.width, found.height) == (640, 420)
    assert found.frames == info["episode_frame_number"] - start["episode_frame_number"] + 1


def test_weights_are_coloured_by_their_sign():
    """Zero has the ground's colour; positive and negative weights have the palette's."""
    weights = np.zeros((80, 80))
    weights[:4], weights[-4:] = 1, -1
    image = weights_image(weights)
    assert tuple(image[0, 0]) == palette.POSITIVE
    assert tuple(image[-1, 0]) == palette.NEGATIVE
    assert tuple(image[40, 40]) == palette.RAISED


@pytest.mark.parametrize("overlay", [True, False])
def test_a_video_ends_with_the_result(tmp_path, overlay):
    """Two seconds show the last point, on the panel too; the frames before are as without."""
    brief = {"max_num_frames_per_episode": 90}
    agent = PongAgent("reinforce", seed=0)
    videos = [
        record_episodes(
            agent, tmp_path, env_kwargs=brief, overlay=overlay, end_card=card, name_prefix=f"{card}"
        )[1][0]
        for card in (True, False)
    ]
    long, short = (decode(video) for video in videos)
    assert len(long) == len(short) + 120
    assert np.abs(long[: len(short)].astype(np.int16) - short).mean() < 1
    assert np.abs(long[-1].astype(np.int16) - long[-120]).mean() < 1  # it stands still
    ground = long[-1][6:20, 4:40]  # left of the score, where the wall was
    assert np.abs(ground.astype(np.int16) - palette.GROUND).max() < 12
    assert replay(videos[0]).frames == len(short)


def test_the_result_says_who_won():
    """The points are in the order of the screen; a game without 21 points has no winner."""
    sidecar = Sidecar(rewards=[-1.0] * 3 + [0.0] + [1.0] * 21)
    assert score(sidecar) == (3, 21)
    assert verdict(3, 21) == ("the agent wins", palette.AGENT)
    assert verdict(21, 20) == ("the opponent wins", palette.OPPONENT)
    assert verdict(20, 20)[0] == "the game was cut short"
