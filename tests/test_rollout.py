import gymnasium as gym
import numpy as np
import pytest
import toy

from pong_agent import (
    DOWN,
    STAY,
    UP,
    ObservationError,
    PongAgent,
    PPOConfig,
    make_env,
    preprocess_frame,
    rollout,
)
from pong_agent.network import forward, softmax
from pong_agent.rollout import play_in_step
from pong_agent.seeding import Stream, generator

FIELDS = ("pixels", "offsets", "actions", "rewards", "ends")


def assert_same(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.seed == other.seed


def test_a_whole_game_is_played(trajectories):
    """A game ends when one side has 21 points, and its rewards are the points."""
    for trajectory in trajectories:
        trajectory.validate()
        points = trajectory.rewards[trajectory.rewards != 0]
        assert np.flatnonzero(trajectory.ends).tolist() == [len(trajectory) - 1]
        assert max((points > 0).sum(), (points < 0).sum()) == 21
        assert trajectory.rewards[-1] != 0
    assert [trajectory.seed for trajectory in trajectories] == [10, 11, 12]


@pytest.mark.parametrize("deterministic", [False, True])
def test_an_episode_depends_on_its_seed_alone(deterministic):
    """Alone, or beside others that end earlier and later, an episode is bit for bit the same."""
    agent = PongAgent(seed=0)
    environments = [make_env("Pong-v0", max_num_frames_per_episode=n) for n in (300, 900, 600)]
    together = rollout(agent, environments, [5, 6, 7], deterministic=deterministic)
    for env, seed, trajectory in zip(environments, [5, 6, 7], together, strict=True):
        [alone] = rollout(agent, [env], [seed], deterministic=deterministic)
        assert_same(alone, trajectory)
        assert trajectory.ends[-1]
        env.close()
    assert len({len(trajectory) for trajectory in together}) == 3


@pytest.mark.parametrize(("preset", "deterministic"), [("ppo", False), ("reinforce", True)])
def test_environments_go_on_with_the_next_seeds(preset, deterministic):
    """Four episodes in two environments are those played alone from RGB frames, in order."""
    options = {"max_num_frames_per_episode": 70, "noop_max": 30, "difficulty": 1}
    environments = [make_env("Pong-v0", palette=True, **options) for _ in range(2)]
    agent, seeds = PongAgent(preset, seed=0, env=environments[0]), range(4, 8)
    together = play_in_step(agent, environments, seeds, deterministic=deterministic)
    alone = make_env("Pong-v0", **options)
    for seed, trajectory in zip(seeds, together, strict=True):
        [expected] = rollout(agent, [alone], [seed], deterministic=deterministic)
        assert_same(trajectory, expected)
        assert trajectory.ends[-1]
    for env in [alone, *environments]:
        env.close()


def test_rollouts_do_not_change_the_agent(short_env, frames):
    """Neither its generator nor the frames it remembers are touched."""
    agent, other = PongAgent(seed=2), PongAgent(seed=2)
    agent.act(frames[0])
    other.act(frames[0])
    rollout(agent, [short_env], [0])
    assert [agent.act(f) for f in frames[1:40]] == [other.act(f) for f in frames[1:40]]


def test_a_trajectory_is_what_act_sees_and_does(short_env):
    """Replaying the recorded actions shows the recorded pixels, and `act` takes the same ones."""
    agent = PongAgent(seed=1)
    [trajectory] = rollout(agent, [short_env], [8], deterministic=True)
    observation, _ = short_env.reset(seed=8)
    for t in range(len(trajectory)):
        action = agent.act(observation, deterministic=True)
        assert action == agent.paddle_actions[trajectory.actions[t]]
        lit = np.zeros(6400, np.uint8)
        lit[trajectory.pixels[trajectory.offsets[t + 1] : trajectory.offsets[t + 2]]] = 1
        np.testing.assert_array_equal(preprocess_frame(observation).ravel(), lit)
        observation, reward, *_ = short_env.step(action)
        assert reward == trajectory.rewards[t]


def test_sampled_actions_come_from_the_episodes_generator():
    """The episode's next uniform number decides: UP below its probability, then STAY, then DOWN."""
    agent = PongAgent(PPOConfig(stay_logit=0.0), seed=0)
    env = toy.UpOrDown()
    [trajectory] = rollout(agent, [env], [3])
    logits, _ = forward(
        dict(agent.parameters), trajectory.network_input(), mirror=agent.config.mirror
    )
    _, up, stay = softmax(logits).T
    uniforms = generator(3, Stream.EPISODE_ACTIONS).random(len(trajectory))
    expected = np.where(uniforms < up, UP, np.where(uniforms < up + stay, STAY, DOWN))
    np.testing.assert_array_equal(trajectory.actions, expected)
    assert set(expected) == {DOWN, UP, STAY}


def test_each_environment_needs_a_seed():
    """Another number of seeds is refused."""
    with pytest.raises(ValueError, match="found 1 seeds for 2 environments"):
        rollout(PongAgent(), [toy.UpOrDown(), toy.UpOrDown()], [1])


def test_frames_of_another_game_are_refused():
    """An environment with other observations gives one clear error."""
    env = gym.make("CartPole-v1")
    with pytest.raises(ObservationError, match=r"found float32 of shape \(4,\)"):
        rollout(PongAgent(), [env], [0])
