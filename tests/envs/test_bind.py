import ale_py
import gymnasium as gym
import numpy as np
import pytest

from pong_agent import NotPongError, ObservationError, PongAgent, make_env, rollout

gym.register_envs(ale_py)


class StableBaselinesVector:
    """Stable-Baselines3's interface of a vector environment, as far as `bind` needs it."""

    def __init__(self, *environments):
        self.environments, self.num_envs = environments, len(environments)
        self.observation_space = environments[0].observation_space
        self.action_space = environments[0].action_space

    @property
    def unwrapped(self):
        return self

    def has_attr(self, name):
        return all(env.has_wrapper_attr(name) for env in self.environments)

    def get_attr(self, name, indices=None):
        return [env.get_wrapper_attr(name) for env in self.environments]

    def env_method(self, name, *arguments, indices=None, **named):
        return [env.get_wrapper_attr(name)(*arguments, **named) for env in self.environments]


def full():
    return gym.make("ALE/Pong-v5", full_action_space=True)


def test_an_agent_is_bound_to_a_vector_environment_of_stable_baselines3():
    """Its actions are found by meaning, and it then takes frames of all its environments."""
    envs = StableBaselinesVector(full(), full())
    agent = PongAgent("reinforce").bind(envs)
    assert agent.paddle_actions == (4, 3, 0)
    frames = np.stack([env.reset(seed=0)[0] for env in envs.environments])
    assert agent.act(frames).shape == (2,)
    with pytest.raises(NotPongError, match="expected ALE Pong environments"):
        agent.bind(StableBaselinesVector(gym.make("CartPole-v1")))
    envs.observation_space = gym.spaces.Box(0, 255, (3, 210, 160), np.uint8)
    with pytest.raises(NotPongError, match="VecTransposeImage"):
        agent.bind(envs)


@pytest.mark.parametrize(
    ("wrapper", "message"),
    [
        (gym.wrappers.GrayscaleObservation, "GrayscaleObservation"),
        (gym.wrappers.FlattenObservation, "flattened"),
        (lambda env: gym.wrappers.DtypeObservation(env, np.float32), "normalised or converted"),
    ],
)
def test_wrappers_that_leave_no_raw_frames_are_refused(wrapper, message):
    """`bind` tells what `act` would, for one environment and for vectors."""
    with pytest.raises(NotPongError, match=message):
        PongAgent("reinforce").bind(wrapper(gym.make("ALE/Pong-v5")))
    envs = gym.make_vec("ALE/Pong-v5", 1, vectorization_mode="sync", wrappers=[wrapper])
    with pytest.raises(NotPongError, match=message):
        PongAgent("reinforce").bind(envs)


def test_a_stack_of_one_environment_is_no_batch_of_four():
    """The newest frame of the stack is what the bound agent takes, or a batch of one."""
    env = gym.wrappers.FrameStackObservation(gym.make("ALE/Pong-v5"), 4)
    agent = PongAgent("reinforce").bind(env)
    stack, _ = env.reset(seed=0)
    for method in (agent.act, agent.averaged().predict):
        with pytest.raises(ObservationError, match="found 4: pass the newest of a stack"):
            method(stack)
    assert agent.act(stack[-1]) in agent.paddle_actions
    assert agent.act(stack[-1:]).shape == (1,)
    assert PongAgent("reinforce").act(stack).shape == (4,)  # of environments, as far as it knows


@pytest.mark.parametrize("env", ["ALE/Pong-v5", None, 5, [], gym.Env, lambda: None])
def test_what_is_no_environment_is_refused(env):
    """The error tells how to make one."""
    with pytest.raises(NotPongError, match=r"expected an environment, .*make_env\('ALE/Pong-v5'\)"):
        PongAgent("reinforce").bind(env)


def test_a_rollout_refuses_other_actions_and_other_frames():
    """Episodes that would be lost without a word are not played."""
    agent = PongAgent("reinforce")
    with pytest.raises(NotPongError, match=r"expected the actions \(4, 3, 0\).*agent.bind\(env\)"):
        rollout(agent, [full()], [0])
    env = make_env("ALE/Pong-v5")
    inverted = gym.wrappers.TransformObservation(env, lambda frame: 255 - frame, None)
    for wrapped in (gym.wrappers.GrayscaleObservation(env), inverted):
        with pytest.raises(ObservationError, match=r"it is grey|inverted"):
            rollout(agent, [wrapped], [0])
