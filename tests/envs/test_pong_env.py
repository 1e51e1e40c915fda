import pickle

import gymnasium as gym
import notebook_oracle as notebook
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from pong_agent import NotPongError, make_env
from pong_agent.envs import PongWrapper
from pong_agent.errors import ConfigError
from pong_agent.vision.network_input import observe
from pong_agent.vision.pixels import lit_pixels

ENV_ID = "PongAgent/Pong-v5"
KINDS = ("difference", "two_frames")
SHORT = {"max_num_frames_per_episode": 160}  # episodes of 40 steps


def dense(kind, frame, previous):
    """An observation by the notebook's arithmetic."""
    now, before = (notebook.preprocess(one.copy()) for one in (frame, previous))
    return now - before if kind == "difference" else np.concatenate([now, before])


def make(form, **arguments):
    """The registered environment, or `ALE/Pong-v5` in the wrapper."""
    if form == "registered":
        return gym.make(ENV_ID, **arguments)
    observation = arguments.pop("observation", "difference")
    return PongWrapper(gym.make("ALE/Pong-v5", **arguments), observation)


def test_observations_are_what_the_policy_sees():
    """Over two episodes, with sticky actions, they are the notebook's and those of `observe`.

    Rewards, ends and infos are those of the game.
    """
    forms = [("registered", kind) for kind in KINDS] + [("wrapped", "two_frames")]
    envs = [make(form, observation=kind, **SHORT) for form, kind in forms]
    plain = make_env("ALE/Pong-v5", **SHORT)
    generator, seed = np.random.default_rng(1), 5
    for _ in range(2):
        frame, info = plain.reset(seed=seed)
        found = [env.reset(seed=seed) for env in envs]
        assert {str(one) for _, one in found} == {str(info)}
        previous, seed, ended = frame, None, False
        while not ended:
            for (_, kind), env, (vector, *_) in zip(forms, envs, found, strict=True):
                rows = observe(kind, [lit_pixels(frame)], [lit_pixels(previous)])
                np.testing.assert_array_equal(vector, rows.toarray()[0])
                np.testing.assert_array_equal(vector, dense(kind, frame, previous))
                assert env.observation_space.contains(vector)
            action, previous = int(generator.integers(2)), frame
            frame, *results = plain.step([3, 2][action])
            found = [env.step(np.int64(action)) for env in envs]
            assert [same for _, *same in found] == [results] * len(envs)
            ended = results[1] or results[2]
    assert results[2]  # truncated
    for env in [*envs, plain]:
        env.close()


@pytest.mark.parametrize("form", ["registered", "wrapped"])
def test_one_is_up(form):
    """Action 1 moves the right paddle up and 0 down, also in the full action space."""
    env = make(form, observation="two_frames", full_action_space=True)
    assert env.action_space == gym.spaces.Discrete(2)

    env.reset(seed=0)

    def paddle_row(action):
        for _ in range(30):
            vector, *_ = env.step(action)
        return np.flatnonzero(vector[:6400].reshape(80, 80)[:, 70]).mean()

    assert paddle_row(1) < 20
    assert paddle_row(0) > 50
    env.close()


def test_gymnasiums_checker_finds_nothing(monkeypatch):
    """The registered environment passes `check_env`, both render modes included, silently."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    env = gym.make(ENV_ID)
    check_env(env.unwrapped)
    env.close()


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_gymnasiums_checker_finds_nothing_in_the_wrapper():
    """The wrapper passes too; the checker only warns that the environment is wrapped."""
    env = PongWrapper(gym.make("ALE/Pong-v5"))
    check_env(env, skip_render_check=True)
    env.close()


@pytest.mark.parametrize(
    "form",
    [
        lambda: make("registered", observation="two_frames", **SHORT),
        lambda: make("wrapped", observation="two_frames", **SHORT),
        lambda: make_env("ALE/Pong-v5", noop_max=30, **SHORT),
        lambda: make_env("PongNoFrameskip-v4", noop_max=30, palette=True, **SHORT),
        lambda: PongWrapper(make_env("ALE/Pong-v5", noop_max=30, difficulty=2), "two_frames"),
    ],
)
def test_a_spec_makes_the_same_environment(form):
    """A spec, read from its JSON, makes the same wrappers, which play the same episode."""
    env = form()
    assert EnvSpec.from_json(env.spec.to_json()) == env.spec
    other = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert (str(other), other.spec) == (str(env), env.spec)
    played = [[one.reset(seed=2)[0], *(one.step(1)[0] for _ in range(20))] for one in (env, other)]
    np.testing.assert_array_equal(*played)
    env.close()
    other.close()


def test_a_pickled_environment_keeps_its_arguments():
    """The observation and all arguments survive, as they do in ale-py's environment."""
    env = gym.make(ENV_ID, observation="two_frames", full_action_space=True).unwrapped
    other = pickle.loads(pickle.dumps(env))  # noqa: S301  # our own bytes
    assert other.observation_space == env.observation_space
    np.testing.assert_array_equal(other.reset(seed=4)[0], env.reset(seed=4)[0])
    np.testing.assert_array_equal(other.step(1)[0], env.step(1)[0])


def test_an_automatic_reset_starts_with_zeros():
    """Over Gymnasium's `Autoreset` no difference spans two episodes."""
    env = PongWrapper(gym.wrappers.Autoreset(gym.make("ALE/Pong-v5", **SHORT)))
    env.reset(seed=0)
    ended = False
    while not ended:
        vector, _, terminated, truncated, _ = env.step(1)
        ended = terminated or truncated
    assert vector.any()
    assert not env.step(1)[0].any()
    assert env.step(1)[0].any()
    env.close()


def test_it_starts_in_silence_and_renders_the_frame(capfd):
    """No banner is printed, and `render` returns the emulator's RGB frame."""
    env = gym.make(ENV_ID, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (210, 160, 3)
    env.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["registered", "wrapped"])
def test_another_action_is_refused(form):
    """Any action but 0 and 1 raises, such as -1, which would index the other action."""
    env = make(form)
    env.reset(seed=0)
    env.step(0)
    for action in (2, -1, 0.0, None, [0, 1]):
        with pytest.raises(ValueError, match=r"action: expected 0 \(DOWN\) or 1 \(UP\), found"):
            env.step(action)
    env.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"game": "breakout"}, r"expected an ALE Pong environment, .* \(game: breakout\)"),
        ({"obs_type": "ram"}, "expected obs_type 'rgb', found 'ram'"),
        ({"continuous": True}, "expected a discrete action space"),
    ],
)
def test_other_arguments_of_the_registered_environment_are_refused(arguments, message):
    """The message holds the other game, the observation or the continuous action space."""
    with pytest.raises(NotPongError, match=message):
        gym.make(ENV_ID, **arguments)


@pytest.mark.parametrize(
    ("make_other", "message"),
    [
        (lambda: gym.make("CartPole-v1"), "found 'CartPole-v1'"),
        (lambda: gym.make("ALE/Breakout-v5"), "'ALE/Breakout-v5' .game: breakout"),
        (lambda: gym.make("ALE/Pong-v5", obs_type="grayscale"), "found 'grayscale'"),
        (lambda: gym.make("ALE/Pong-v5", continuous=True), "expected a discrete action space"),
        (lambda: gym.make(ENV_ID), "expected a discrete action space"),
        (
            lambda: gym.wrappers.FlattenObservation(gym.make("ALE/Pong-v5")),
            r"expected raw Pong frames, uint8 of shape \(210, 160, 3\), .* \(100800,\)",
        ),
    ],
)
def test_the_wrapper_refuses_all_but_raw_pong(make_other, message):
    """The message holds the other game or form of Pong."""
    env = make_other()
    with pytest.raises(NotPongError, match=message):
        PongWrapper(env)
    env.close()


@pytest.mark.parametrize("form", ["registered", "wrapped"])
def test_an_unknown_kind_of_observation_is_refused(form):
    """The message lists the known kinds."""
    with pytest.raises(ConfigError, match=r"observation: expected one of \['diff.*found 'pixels'"):
        make(form, observation="pixels")


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frameskip", 0),
        ("repeat_action_probability", 1.5),
        ("repeat_action_probability", float("nan")),
        ("max_num_frames_per_episode", -1),
    ],
)
def test_arguments_out_of_range_are_refused(make, name, value):
    """Alone and in a vector environment; the emulator takes a probability of 1.5."""
    with pytest.raises(ConfigError, match=f"{name}: expected "):
        make("PongAgent/Pong-v5", **{name: value})


def test_numpy_arguments_are_taken():
    """Also as the number of games, which may not be 0."""
    numbers = {"frameskip": np.int64(3), "repeat_action_probability": np.float32(0.5)}
    gym.make("PongAgent/Pong-v5", **numbers).close()
    gym.make_vec("PongAgent/Pong-v5", num_envs=np.int64(1), **numbers).close()
    with pytest.raises(ConfigError, match="num_envs: expected an int of 1 or more, found 0"):
        gym.make_vec("PongAgent/Pong-v5", num_envs=0)
