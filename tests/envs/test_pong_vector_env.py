import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from pong_agent import ConfigError, NotPongError, PongAgent
from pong_agent.envs import PongVectorWrapper

ENV_ID = "PongAgent/Pong-v5"
CERTAIN = {"max_num_frames_per_episode": 100, "repeat_action_probability": 0.0}


@pytest.mark.parametrize(
    ("observation", "full_action_space"), [("difference", False), ("two_frames", True)]
)
def test_it_plays_what_sync_plays(observation, full_action_space):
    """Without sticky actions spaces, rewards, ends and observations are those of `sync`.

    Only the last observation of an episode is one frame late, as ale-py has it.
    """
    arguments = {**CERTAIN, "observation": observation, "full_action_space": full_action_space}
    envs, others = (
        gym.make_vec(ENV_ID, num_envs=2, vectorization_mode=mode, **arguments)
        for mode in ("vector_entry_point", "sync")
    )
    assert isinstance(envs, PongVectorWrapper)
    assert envs.observation_space == others.observation_space
    assert envs.action_space == others.action_space
    assert envs.metadata["autoreset_mode"] == others.metadata["autoreset_mode"]
    np.testing.assert_array_equal(envs.reset(seed=4)[0], others.reset(seed=4)[0])
    generator, n_ends = np.random.default_rng(0), 0
    for _ in range(60):
        actions = generator.integers(2, size=2)
        (found, *results), (expected, *same) = envs.step(actions), others.step(actions)
        for one, other in zip(results[:3], same[:3], strict=True):
            np.testing.assert_array_equal(one, other)
        goes_on = ~(results[1] | results[2])
        n_ends += (~goes_on).sum()
        np.testing.assert_array_equal(found[goes_on], expected[goes_on])
    assert n_ends == 4
    envs.close()
    others.close()


def test_it_is_the_default_and_the_game_of_its_id(capfd):
    """By default sticky actions and frame skip are those of `ALE/Pong-v5`, without a banner."""
    mode = AutoresetMode.SAME_STEP
    envs = gym.make_vec(ENV_ID, num_envs=2, autoreset_mode=mode)
    again = gym.make_vec(envs.unwrapped.spec)
    plain = gym.make_vec(ENV_ID, num_envs=2, vectorization_mode="sync")
    assert envs.metadata["autoreset_mode"] == again.metadata["autoreset_mode"] == mode
    n_different = 0
    played = [[one.reset(seed=1)] for one in (envs, again)]
    plain.reset(seed=1)
    for _ in range(40):
        for one, steps in zip((envs, again), played, strict=True):
            steps.append(one.step(np.ones(2, np.int64)))
        n_different += (played[0][-1][0] != plain.step(np.ones(2, np.int64))[0]).any()
        frames = played[0][-1][-1]["episode_frame_number"]
    for one, other in zip(*played, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    assert n_different > 0  # sticky draws
    assert set(frames) == {160}
    for one in (envs, again, plain):
        one.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"game": "breakout"}, NotPongError, "expected an ALE Pong environment.*'breakout'"),
        ({"frameskip": (2, 5)}, ConfigError, r"frameskip: expected 1 or more, found \(2, 5\); for"),
        ({"difficulty": 1}, ConfigError, "difficulty: expected one of .*, found difficulty=1; for"),
        ({"mode": 1}, ConfigError, 'mode: .*; for this pass vectorization_mode="sync" or "async"'),
        ({"render_mode": "rgb_array"}, ConfigError, "render_mode: expected one of"),
        ({"obs_type": "ram"}, ConfigError, "obs_type: expected one of"),
        ({"continuous": True}, ConfigError, "continuous: expected one of"),
        ({"img_height": 84}, ConfigError, "img_height: expected one of"),
        ({"batch_size": 1}, ConfigError, "batch_size: expected one of"),
        ({"observation": "pixels"}, ConfigError, "observation: expected one of"),
    ],
)
def test_unsupported_options_are_refused(arguments, error, message):
    """The message names the option, and the vectorization modes that have it."""
    with pytest.raises(error, match=message):
        gym.make_vec(ENV_ID, num_envs=2, **arguments)


def test_no_ops_and_fire_come_when_asked_for():
    """Episodes start at once by default, later with `noop_max`."""
    off = {"mode": None, "render_mode": None, "continuous": False}
    envs = [gym.make_vec(ENV_ID, num_envs=3, noop_max=most, **off) for most in (0, 30)]
    frames = [one.reset(seed=0)[1]["episode_frame_number"] for one in envs]
    assert set(frames[0]) == {0}
    assert len(set(frames[1])) > 1
    for one in envs:
        one.close()


def test_an_agent_does_not_bind_to_its_two_actions():
    """Its actions are the policy's, not the console's, as in the single environment."""
    envs = gym.make_vec(ENV_ID, num_envs=2)
    with pytest.raises(NotPongError, match="expected a discrete action space whose actions mean"):
        PongAgent("reinforce").bind(envs)
    envs.close()
