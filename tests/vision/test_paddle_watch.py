import warnings

import numpy as np
import pytest

from pong_agent import ForgottenBindWarning, PongAgent, make_env


def play(agent, env, n_steps, method="act"):
    """Return the warnings of an agent that plays the first steps of an episode."""
    observation, _ = env.reset(seed=3)
    state = None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(n_steps):
            if method == "act":
                action = agent.act(observation)
            else:
                action, state = agent.predict(observation, state)
            observation, *_ = env.step(int(action))
    return [warning.category for warning in told]


@pytest.mark.parametrize("method", ["act", "predict"])
@pytest.mark.parametrize("difficulty", [0, 3])  # 3: a paddle that disappears at the top
def test_an_agent_that_was_not_bound_warns_once(method, difficulty):
    """In the full action space its decisions DOWN move the paddle up; `bind` mends that."""
    env = make_env("ALE/Pong-v5", full_action_space=True, difficulty=difficulty)
    assert play(PongAgent("reinforce"), env, 300, method) == [ForgottenBindWarning]
    assert play(PongAgent("reinforce", env=env), env, 100, method) == []


@pytest.mark.parametrize("arguments", [{}, {"frameskip": 1}, {"difficulty": 3}])
def test_an_agent_with_the_right_actions_never_warns(arguments):
    """Not one that decides at random either, for any speed and size of the paddle."""
    env = make_env("ALE/Pong-v5", **arguments)
    for agent in (PongAgent.pretrained(), PongAgent("reinforce", seed=1)):
        assert play(agent, env, 300) == []


def test_frames_that_do_not_follow_the_decisions_are_no_reason_to_warn():
    """A paddle that never moves says nothing about actions."""
    frame = np.full((210, 160, 3), 144, dtype=np.uint8)
    frame[100:116, 140:144] = 92
    agent = PongAgent("reinforce")
    for _ in range(400):
        agent.act(frame)
