import ale_py
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

from pong_agent import NotPongError, ObservationError
from pong_agent.envs import RAW_FRAMES, PongVectorWrapper, PongWrapper

ENV_ID = "PongAgent/Pong-v5"
SHORT = {"max_num_frames_per_episode": 100}  # episodes of 25 steps
MODES = list(AutoresetMode)

# The emulator's own vector environment without its default additions to the game.
PLAIN = {"noop_max": 0, "use_fire_reset": False, "reward_clipping": False}


def play(envs, seed=7, steps=60):
    """Return all results of a vector environment whose episodes are out of step."""
    mode = envs.metadata["autoreset_mode"]
    generator = np.random.default_rng(0)
    observations, infos = envs.reset(seed=seed)
    results = [(observations.copy(), infos)]
    for t in range(steps):
        observations, *rest = envs.step(generator.integers(2, size=envs.num_envs))
        results.append((observations.copy(), *rest))
        observations.fill(3)  # the caller's to write into
        mask = rest[1] | rest[2] if mode == AutoresetMode.DISABLED else np.zeros(2, np.bool_)
        if t == 7:
            mask[0] = True
        if mask.any():
            observations, infos = envs.reset(options={"reset_mask": mask})
            results.append((observations.copy(), infos))
            np.testing.assert_array_equal(observations[~mask], results[-2][0][~mask])
    return results


def assert_same(found, expected):
    """Compare results of vector environments, nested in tuples and dictionaries."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, tuple | list):
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif getattr(expected, "dtype", None) is np.dtype(object):
        assert_same(list(found), list(expected))
    else:
        np.testing.assert_array_equal(found, expected)
        assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)


def make_registered(vectorization_mode, mode, **arguments):
    return gym.make_vec(
        ENV_ID,
        num_envs=2,
        vectorization_mode=vectorization_mode,
        vector_kwargs={"autoreset_mode": mode},
        **SHORT,
        **arguments,
    )


def make_wrapped(vectorization_mode, mode, observation="difference", **arguments):
    envs = gym.make_vec(
        "ALE/Pong-v5",
        num_envs=2,
        vectorization_mode=vectorization_mode,
        vector_kwargs={"autoreset_mode": mode},
        **SHORT,
        **arguments,
    )
    return PongVectorWrapper(envs, observation)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_vector_plays_what_single_environments_play(mode):
    """Environment i of a vector plays the episodes of seed + i."""
    envs, env = make_registered("sync", mode), gym.make(ENV_ID, **SHORT)
    observations, _ = envs.reset(seed=7)
    observation, _ = env.reset(seed=8)
    np.testing.assert_array_equal(observations[1], observation)
    generator, ended = np.random.default_rng(0), False
    for _ in range(60):
        actions = generator.integers(2, size=2)
        observations, rewards, _, truncations, infos = envs.step(actions)
        if ended and mode == AutoresetMode.NEXT_STEP:
            observation, reward, ended = env.reset()[0], 0.0, False
        else:
            observation, reward, _, ended, _ = env.step(actions[1])
        assert (rewards[1], truncations[1]) == (reward, ended)
        if ended and mode == AutoresetMode.SAME_STEP:
            np.testing.assert_array_equal(infos["final_obs"][1], observation)
            observation, _ = env.reset()
        np.testing.assert_array_equal(observations[1], observation)
    envs.close()
    env.close()


@pytest.mark.parametrize("mode", MODES)
def test_wrapped_vectors_play_what_the_registered_environment_plays(mode):
    """They return the same observations, rewards, ends and infos, final ones included."""
    kind = "difference" if mode == AutoresetMode.NEXT_STEP else "two_frames"
    played = []
    for make, how in ((make_registered, "sync"), (make_wrapped, "sync"), (make_wrapped, "async")):
        envs = make(how, mode, observation=kind)
        assert envs.metadata["autoreset_mode"] == mode
        assert envs.single_action_space == gym.spaces.Discrete(2)
        played.append(play(envs))
        assert envs.observation_space.contains(played[-1][0][0])
        envs.close()
    if mode == AutoresetMode.NEXT_STEP:
        envs = gym.make_vec(
            "ALE/Pong-v5", num_envs=2, vectorization_mode="sync", wrappers=[PongWrapper], **SHORT
        )
        played.append(play(envs))
        envs.close()
    for others in played[1:]:
        assert_same(others, played[0])
    finals = [step for step in played[0] if "final_obs" in step[-1]]
    assert bool(finals) == (mode == AutoresetMode.SAME_STEP)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_the_emulators_own_vector_plays_the_same(mode):
    """Without sticky actions its games are those of the registered environment.

    But at an end it shows the last frame but one once more.
    """
    certain = {"repeat_action_probability": 0.0}
    raw = gym.make_vec(
        "ALE/Pong-v5", num_envs=2, autoreset_mode=mode, **RAW_FRAMES, **PLAIN, **SHORT, **certain
    )
    envs = PongVectorWrapper(raw, "two_frames")
    others = make_registered("sync", mode, observation="two_frames", **certain)
    n_ends = 0
    for (found, *results), (expected, *same) in zip(play(envs), play(others), strict=True):
        for one, other in zip(results[:-1], same[:-1], strict=True):
            np.testing.assert_array_equal(one, other)
        ends = results[1] | results[2] if len(results) > 1 else np.zeros(2, np.bool_)
        n_ends += ends.sum()
        assert ("final_obs" in results[-1]) == ("final_obs" in same[-1])
        if mode == AutoresetMode.SAME_STEP:
            np.testing.assert_array_equal(found, expected)
            lasts = [(results[-1]["final_obs"], same[-1]["final_obs"])] if ends.any() else []
        else:
            np.testing.assert_array_equal(found[~ends], expected[~ends])
            lasts = [(found, expected)]
        for ones, others_ in lasts:
            for row in np.flatnonzero(ends):
                assert ones[row].dtype == np.float32
                np.testing.assert_array_equal(ones[row][:6400], others_[row][6400:])
                np.testing.assert_array_equal(ones[row][6400:], others_[row][6400:])
    assert n_ends >= 4
    envs.close()
    others.close()


def test_uninitialized_memory_is_not_read():
    """Rows of the emulator's `final_obs` without an end are uninitialized, and are replaced."""

    class Unwritten(VectorWrapper):
        def step(self, actions):
            observations, *rest, infos = self.env.step(actions)
            if "final_obs" in infos:
                goes_on = ~(rest[1] | rest[2])
                infos["final_obs"][goes_on] = 201  # not a colour of the console
            return observations, *rest, infos

    raw = gym.make_vec(
        "ALE/Pong-v5", num_envs=2, autoreset_mode="SameStep", **RAW_FRAMES, **PLAIN, **SHORT
    )
    envs, n_ends = PongVectorWrapper(Unwritten(raw)), 0
    envs.reset(seed=7)
    for t in range(40):
        if t == 9:  # out of step from here on
            envs.reset(options={"reset_mask": np.array([True, False])})
        observations, _, terminations, truncations, infos = envs.step(np.array([0, 1]))
        if "final_obs" in infos:
            goes_on = ~(terminations | truncations)
            n_ends += 1
            assert goes_on.sum() == 1
            np.testing.assert_array_equal(infos["final_obs"][goes_on], observations[goes_on])
    assert n_ends == 2
    envs.close()


@pytest.mark.parametrize("form", ["async", "emulator"])
def test_actions_are_found_by_meaning(form):
    """Also in the full action space, whose indices differ, 1 moves up and 0 down."""
    arguments = dict(RAW_FRAMES, **PLAIN) if form == "emulator" else {"vectorization_mode": form}
    raw = gym.make_vec("ALE/Pong-v5", num_envs=2, full_action_space=True, **arguments)
    envs = PongVectorWrapper(raw, "two_frames")
    envs.reset(seed=0)
    for _ in range(20):
        observations, *_ = envs.step(np.array([0, 1]))
    fields = observations[:, :6400].reshape(2, 80, 80)
    low, high = (np.flatnonzero(field[:, 70]).mean() for field in fields)
    assert high < 20
    assert low > 50
    envs.close()


def test_a_wrapper_keeps_its_mode_beside_others():
    """ale-py writes its mode into metadata that all instances share; the wrapper keeps its own."""
    arguments = {"num_envs": 1, **RAW_FRAMES}
    same = gym.make_vec("ALE/Pong-v5", autoreset_mode="SameStep", **arguments)
    following = gym.make_vec("ALE/Pong-v5", autoreset_mode="NextStep", **arguments)
    wrapped = PongVectorWrapper(same)
    assert wrapped.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert PongVectorWrapper(following).metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    wrapped.close()
    following.close()


def test_other_actions_are_refused():
    """The message expects 0 or 1 for each environment."""
    envs = make_wrapped("sync", AutoresetMode.NEXT_STEP)
    envs.reset(seed=0)
    for actions in ([0], [0, 2], [0, -1], [0.5, 1.0], [[0, 1]]):
        with pytest.raises(ValueError, match=r"actions: expected 2 times 0 \(DOWN\) or 1 \(UP\)"):
            envs.step(np.array(actions))
    envs.close()


@pytest.mark.parametrize(
    ("env_id", "arguments", "message"),
    [
        ("CartPole-v1", {}, r"expected raw Pong frames, .* found float32 of shape \(4,\)"),
        ("ALE/Breakout-v5", {"vectorization_mode": "sync"}, "game: breakout"),
        ("ALE/Breakout-v5", {"vectorization_mode": "async"}, "game: breakout"),
        ("ALE/Breakout-v5", RAW_FRAMES, "'ALE/Breakout-v5' .game: breakout"),
        ("ALE/Pong-v5", {}, "it needs img_height=210, img_width=160, .* maxpool=False"),
        ("ALE/Pong-v5", {**RAW_FRAMES, "maxpool": True}, "expected maxpool=False"),
        (
            "ALE/Pong-v5",
            {**RAW_FRAMES, "num_envs": 2, "batch_size": 1},
            "expected batch_size 2, found 1",
        ),
        ("ALE/Pong-v5", {**RAW_FRAMES, "continuous": True}, "expected a discrete action space"),
        (ENV_ID, {}, r"expected raw Pong frames, .* found float32 of shape \(6400,\)"),
    ],
)
def test_all_but_raw_pong_is_refused(env_id, arguments, message):
    """The message names the other game, or the arguments that give raw frames."""
    envs = gym.make_vec(env_id, **arguments)
    with pytest.raises(NotPongError, match=message):
        PongVectorWrapper(envs)
    envs.close()


def test_another_game_made_by_hand_is_refused_by_its_first_frame():
    """The emulator's own vector environment does not name its game; its frames show it."""
    envs = PongVectorWrapper(ale_py.AtariVectorEnv("breakout", 1, **RAW_FRAMES))
    with pytest.raises(ObservationError, match="is it another game"):
        envs.reset(seed=0)
    envs.close()


def test_a_vector_environment_of_another_kind_is_refused():
    """An unknown vector environment has no way to find its actions."""
    envs = SyncVectorEnv([lambda: gym.make("ALE/Pong-v5")])

    class Unknown(VectorEnv):
        num_envs = 1
        metadata = envs.metadata
        single_observation_space = envs.single_observation_space
        single_action_space = envs.single_action_space

    with pytest.raises(NotPongError, match="expected a SyncVectorEnv, an AsyncVectorEnv or"):
        PongVectorWrapper(Unknown())

    class Silent(VectorWrapper):
        @property
        def metadata(self):
            return {}

        @property
        def unwrapped(self):
            return self

        def get_attr(self, name):
            return self.env.get_attr(name)

        def call(self, name):
            return self.env.call(name)

    with pytest.raises(NotPongError, match="expected an autoreset mode"):
        PongVectorWrapper(Silent(envs))
    envs.close()
