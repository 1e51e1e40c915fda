import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from pong_agent import ForgottenResetWarning, PongAgent, make_env
from pong_agent.envs import RAW_FRAMES
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import lit_pixels
from pong_agent.vision.reset_watch import _SCORE_ROW, read_scores

BRIEF = {"max_num_frames_per_episode": 100}  # 25 decisions of four frames, at 0:0
SHORT = {"max_num_frames_per_episode": 400}  # 100 of them, and the first point
LEFT_DIGIT, RIGHT_DIGIT = slice(36, 48), slice(116, 128)


def play_twice(agent, env, reset):
    """Two episodes, with or without telling the agent; the actions, and when it warned."""
    actions, warned = [], []
    for episode in range(2):
        if reset:
            agent.reset()
        observation, _ = env.reset(seed=episode)
        ended, step = False, 0
        while not ended:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                actions.append(agent.act(observation))
            warned += [(episode, step, warning) for warning in caught]
            observation, _, terminated, truncated, _ = env.step(actions[-1])
            ended, step = terminated or truncated, step + 1
    return actions, warned


@pytest.mark.parametrize(
    ("env_id", "arguments"),
    [
        ("ALE/Pong-v5", SHORT),
        ("ALE/Pong-v5", {"difficulty": 3, "repeat_action_probability": 0.0, **BRIEF}),
        ("ALE/Pong-v5", {"noop_max": 30, **SHORT}),  # no first field: the score tells
        ("Pong-v0", BRIEF),
        ("PongNoFrameskip-v4", BRIEF),
        pytest.param("ALE/Pong-v5", {}, marks=pytest.mark.slow),  # whole games
        pytest.param("Pong-v0", {}, marks=pytest.mark.slow),
        pytest.param("PongNoFrameskip-v0", {}, marks=pytest.mark.slow),
    ],
)
def test_a_forgotten_reset_is_warned_of_once_and_a_reset_never(env_id, arguments):
    """The first frame of the second episode gives one warning; with `reset` there is none."""
    env = make_env(env_id, **arguments)
    _, warned = play_twice(PongAgent("reinforce", env=env), env, reset=True)
    assert warned == []
    _, warned = play_twice(PongAgent("reinforce", env=env), env, reset=False)
    env.close()
    [(episode, step, warning)] = warned
    assert (episode, step) == (1, 0)
    assert warning.category is ForgottenResetWarning
    assert warning.filename == __file__
    for remedy in ("agent.reset()", "agent.reset(mask)", "episode_start"):
        assert remedy in str(warning.message)


def test_the_warning_changes_nothing_else(short_env):
    """An agent that warns acts and goes on as one whose warnings were never looked for."""
    actions, warned = play_twice(PongAgent(seed=1), short_env, reset=False)
    silent = PongAgent(seed=1)
    silent._watch._warned = True
    expected, silence = play_twice(silent, short_env, reset=False)
    assert actions == expected
    assert (len(warned), len(silence)) == (1, 0)


def test_a_warning_that_is_an_error_leaves_the_agent_whole(short_env):
    """Where warnings are errors the frame is remembered all the same, and there is one error."""
    agent = PongAgent(seed=1)
    frame, _ = short_env.reset(seed=0)
    second, *_ = short_env.step(agent.act(frame))
    agent.act(second)
    with pytest.raises(ForgottenResetWarning):
        agent.act(frame)
    probabilities = agent.examine(
        FieldHistory([lit_pixels(second)], agent._fields.current)
    ).probabilities
    np.testing.assert_array_equal(
        probabilities,
        agent.examine(FieldHistory([lit_pixels(second)], [lit_pixels(frame)])).probabilities,
    )
    agent.act(second)
    agent.act(frame)


def play_vector(envs, agent, handle, steps):
    """Play a vector environment; after which steps episodes ended, and at which it was warned."""
    observations, _ = envs.reset(seed=3)
    ends, warned = [], []
    next_step = envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    ended = np.zeros(envs.num_envs, dtype=np.bool_)
    for step in range(steps):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            actions = agent.act(observations)
        warned += [step] * len(caught)
        observations, _, terminations, truncations, _ = envs.step(actions)
        before, ended = ended, terminations | truncations
        if handle:
            agent.reset(before if next_step and handle != "too early" else ended)
        if ended.any():
            ends.append(step)
    envs.close()
    return ends, warned


@pytest.mark.parametrize("handle", [True, False])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("form", ["sync", "emulator"])
def test_vector_environments(form, mode, handle):
    """Within two steps of the first end there is a warning, and with `reset(mask)` none."""
    if form == "sync":
        arguments = {"vector_kwargs": {"autoreset_mode": mode}, **BRIEF}
        envs = gym.make_vec("ALE/Pong-v5", num_envs=2, vectorization_mode=form, **arguments)
    else:  # which acts before the first field: the score tells
        arguments = {"autoreset_mode": mode, **RAW_FRAMES, **SHORT}
        envs = gym.make_vec("ALE/Pong-v5", num_envs=2, **arguments)
    ends, warned = play_vector(envs, PongAgent("reinforce"), handle, steps=110)
    assert ends
    assert len(warned) == (0 if handle else 1)
    for step in warned:
        assert ends[0] < step <= ends[0] + 2


def test_a_mask_that_comes_a_step_early_is_noticed():
    """With next-step autoreset an episode starts one step after the end, not at once."""
    envs = gym.make_vec("ALE/Pong-v5", num_envs=1, vectorization_mode="sync", **BRIEF)
    [end], warned = play_vector(envs, PongAgent("reinforce"), "too early", steps=40)
    assert warned == [end + 2]


def test_predict_notices_the_first_field(frames):
    """A state that is passed on into an episode's first field is warned of, once."""
    agent = PongAgent()
    _, state = agent.predict(frames[[50, 60]])
    agent.predict(frames[[0, 61]], state, np.array([True, False]))
    with pytest.warns(ForgottenResetWarning, match="episode_start") as caught:
        agent.predict(frames[[0, 61]], state)
    assert caught[0].filename == __file__
    agent.predict(frames[[0, 61]], state)


def test_scores_are_read_from_real_frames(frames):
    """A score is above 0:0 from the first point on."""
    above = read_scores(frames).above_zero
    first = int(np.argmax(above))
    assert 50 < first < 100
    assert not above[:first].any()
    assert above[first:].all()


def test_a_digit_in_the_background_s_colour_is_no_new_game(frames):
    """What cannot be read stays, as the console's colours change in very long games."""
    game = frames[[-1]].copy()  # the built-in opponent has scored
    before = read_scores(game)
    assert before.above_zero.all()
    game[:, _SCORE_ROW, LEFT_DIGIT] = game[:, _SCORE_ROW, :1]
    unread = read_scores(game, before)
    assert unread.above_zero.all()
    assert not read_scores(game, unread, np.array([True])).above_zero.any()
    game[:, _SCORE_ROW, RIGHT_DIGIT] = game[:, _SCORE_ROW, :1]
    assert read_scores(game, unread).above_zero.all()
    assert not read_scores(frames[[0]], unread).above_zero.any()


@pytest.mark.slow
def test_changed_colours_are_no_new_game():
    """A game of the most frames there can be, whose colours all change, gives no warning."""
    env = make_env("ALE/Pong-v5")
    agent, backgrounds = PongAgent("reinforce"), set()
    observation, _ = env.reset(seed=0)
    truncated = False
    while not truncated:
        observation, _, terminated, truncated, _ = env.step(agent.act(observation))
        assert not terminated
        backgrounds.add(tuple(observation[_SCORE_ROW, 0].tolist()))
        ale = env.unwrapped.ale
        if ale.getRAM()[13] > 9:  # the built-in opponent's points: the game must not end
            ale.setRAM(13, 1)
    env.close()
    assert len(backgrounds) > 50
