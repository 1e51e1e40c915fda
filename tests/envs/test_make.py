from dataclasses import replace

import ale_py
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import WrapperSpec

from pong_agent import ConfigError, NotPongError, PaddleActions, PongAgent, make_env
from pong_agent.envs.emulator import restore_emulator, save_emulator
from pong_agent.envs.paddle_actions import find_paddle_actions
from pong_agent.vision.pixels import all_lit_pixels, lit_pixels


@pytest.mark.parametrize(
    "env_id", ["ALE/Pong-v5", "Pong-v0", "Pong-v4", "PongNoFrameskip-v0", "PongNoFrameskip-v4"]
)
def test_every_pong_has_the_same_actions(env_id):
    """In the default action space RIGHT is index 2, LEFT is index 3 and NOOP is index 0."""
    env = make_env(env_id)
    assert find_paddle_actions(env) == PaddleActions(down=3, up=2, stay=0)
    assert env.observation_space.shape == (210, 160, 3)
    env.close()


@pytest.mark.parametrize("full_action_space", [False, True])
def test_up_moves_the_paddle_up(full_action_space):
    """With the actions that `bind` finds, the right paddle really goes up and down."""
    env = make_env(
        "ALE/Pong-v5", full_action_space=full_action_space, repeat_action_probability=0.0
    )
    agent = PongAgent("reinforce").bind(env)

    def paddle_row(action):
        env.reset(seed=0)
        for _ in range(20):
            frame, *_ = env.step(action)
        return np.flatnonzero(frame[35:193, 141, 0] == 92).mean()  # NaN without a paddle

    down, up, stay = agent.paddle_actions
    assert paddle_row(up) < 40 < paddle_row(stay) < 100 < paddle_row(down)
    assert (down, up, stay) == ((4, 3, 0) if full_action_space else (3, 2, 0))
    env.close()


def test_equal_seeds_give_equal_frames():
    """Two environments of one seed show the same frames, random frame skip included."""
    environments = [make_env("Pong-v0") for _ in range(2)]
    observations = [env.reset(seed=9)[0] for env in environments]
    for t in range(150):
        np.testing.assert_array_equal(*observations)
        observations = [env.step(2 + t % 2)[0] for env in environments]
    for env in environments:
        env.close()


def test_a_bound_agent_acts_in_the_full_action_space(short_env):
    """Actions are the indices of the space that the agent is bound to."""
    env = make_env("ALE/Pong-v5", full_action_space=True)
    agent = PongAgent("reinforce", env=env)
    frame, _ = env.reset(seed=0)
    assert {agent.act(frame) for _ in range(40)} == {3, 4}
    env.close()


def test_a_vector_environment_has_the_actions_of_its_environments():
    """The actions of a vector environment are those of the environments it holds."""
    venv = gym.vector.SyncVectorEnv([lambda: make_env("ALE/Pong-v5", full_action_space=True)] * 2)
    assert find_paddle_actions(venv) == (4, 3, 0)
    venv.close()


@pytest.mark.parametrize(
    ("env_id", "message"),
    [
        ("CartPole-v1", r"'CartPole-v1'"),
        ("ALE/Breakout-v5", r"'ALE/Breakout-v5' \(game: breakout\)"),
        ("ALE/Pong-v99", r"'ALE/Pong-v99'"),
        ("Pung-v0", r"'Pung-v0'"),
    ],
)
def test_what_is_not_pong_is_refused_by_name(env_id, message):
    """The message holds the name of another game or of an unknown id; Breakout has a paddle too."""
    with pytest.raises(NotPongError, match=message):
        make_env(env_id)


@pytest.mark.parametrize("arguments", [{"continuous": True}, {"obs_type": "ram"}])
def test_other_forms_of_pong_are_refused(arguments):
    """Continuous actions, and observations other than frames, are refused by name."""
    with pytest.raises(NotPongError, match=r"'ALE/Pong-v5': expected "):
        make_env("ALE/Pong-v5", **arguments)


def test_a_refused_environment_leaves_the_agent_as_it_was():
    """After a failed `bind` the agent keeps its actions."""
    agent = PongAgent("reinforce")
    env = gym.make("CartPole-v1")
    with pytest.raises(NotPongError, match="CartPole-v1"):
        agent.bind(env)
    assert agent.paddle_actions == (3, 2, 0)


def test_an_emulator_starts_in_silence(capfd):
    """No banner is printed."""
    make_env("ALE/Pong-v5").close()
    assert capfd.readouterr() == ("", "")


def test_no_ops_pass_before_the_first_action():
    """The seed draws the number of frames, an option sets it, and without no-ops none passes."""
    plain, late = make_env("ALE/Pong-v5"), make_env("ALE/Pong-v5", noop_max=30)

    def frames_passed(env, **arguments):
        env.reset(**arguments)
        return env.unwrapped.ale.getEpisodeFrameNumber()

    start = frames_passed(plain, seed=0)
    # A seeded reset takes 77 ms to load the game; later draws continue from its seed.
    seeds = [0, *[None] * 139]
    passed = [frames_passed(late, seed=seed) - start for seed in seeds]
    assert min(passed) == 0
    assert max(passed) == 30
    assert passed[:40] == [frames_passed(late, seed=seed) - start for seed in seeds[:40]]
    others = [frames_passed(late, seed=seed) - start for seed in range(5)]
    assert len(set(others)) > 2
    assert others == [frames_passed(late, seed=seed) - start for seed in range(5)]
    assert frames_passed(late, seed=1, options={"noops": 7}) - start == 7
    frame, _ = late.reset(options={"noops": 25})
    np.testing.assert_array_equal(frame, late.unwrapped.ale.getScreenRGB())
    plain.close()
    late.close()


@pytest.mark.parametrize("noops", [-1, 0.5, "3", True])
def test_a_wrong_number_of_no_ops_is_refused(noops):
    """One error names the option; an integer of NumPy's is fine."""
    env = make_env("ALE/Pong-v5", noop_max=np.int64(3))
    with pytest.raises(ConfigError, match="noops: expected an int of 0 or more"):
        env.reset(options={"noops": noops})
    env.reset(options={"noops": np.int64(2)})
    env.close()


@pytest.mark.parametrize("arguments", [{}, {"noop_max": 30}, {"difficulty": 1}])
@pytest.mark.parametrize("env_id", ["ALE/Pong-v5", "Pong-v0"])
def test_palette_frames_show_the_same_game(env_id, arguments):
    """With `palette` a game has the same rewards and lit pixels, into a second episode."""
    arguments = {"max_num_frames_per_episode": 500, **arguments}
    plain = make_env(env_id, **arguments)
    coloured = make_env(env_id, palette=True, **arguments)
    frame, screen = (env.reset(seed=5)[0] for env in (plain, coloured))
    assert coloured.observation_space.contains(screen)
    generator, ends = np.random.default_rng(0), 0
    while ends < 2:
        np.testing.assert_array_equal(lit_pixels(screen), lit_pixels(frame))
        action = int(generator.integers(6))
        (frame, *results), (screen, *same) = (env.step(action) for env in (plain, coloured))
        assert same == results
        if results[1] or results[2]:
            ends += 1
            frame, screen = (env.reset()[0] for env in (plain, coloured))
    plain.close()
    coloured.close()


def test_wrappers_of_a_registered_environment_are_given_rgb_frames(monkeypatch):
    """They may do what they like with them, so `palette` has no effect."""
    wrapper = WrapperSpec("Raw", "gymnasium.wrappers:RecordEpisodeStatistics", {})
    registered = replace(gym.spec("ALE/Pong-v5"), id="Raw-v0", additional_wrappers=(wrapper,))
    monkeypatch.setitem(gym.registry, "Raw-v0", registered)
    env = make_env("Raw-v0", palette=True)
    assert env.observation_space.shape == (210, 160, 3)
    env.close()


def test_every_colour_is_lit_or_not_as_its_red_channel_says():
    """Palette indices and RGB frames have the same lit pixels, in games of a hundred colours."""
    games = "pong alien amidar atlantis centipede enduro frostbite hero jamesbond kung_fu_master "
    games += "pitfall road_runner seaquest skiing star_gunner yars_revenge zaxxon asteroids"
    seen, screens = set(), []
    for game in games.split():
        ale = ale_py.ALEInterface()
        ale.loadROM(ale_py.roms.get_rom_path(game))
        generator, actions = np.random.default_rng(0), ale.getMinimalActionSet()
        for step in range(200):
            ale.act(actions[generator.integers(len(actions))])
            if step % 20 == 0:
                screen, frame = ale.getScreen(), ale.getScreenRGB()
                np.testing.assert_array_equal(lit_pixels(screen), lit_pixels(frame))
                seen |= set(np.unique(screen[35:195:2, ::2]).tolist())
                screens.append(screen)
    assert len(seen) >= 80
    assert {0, 34} < seen
    for screen, pixels in zip(screens, all_lit_pixels(screens), strict=True):
        np.testing.assert_array_equal(pixels, lit_pixels(screen))
        assert pixels.dtype == np.uint16


def test_a_snapshot_of_another_emulator_is_one_error(short_env):
    """As after an upgrade of ale-py that changes the format; the game goes on."""
    short_env.reset(seed=0)
    state = save_emulator(short_env)
    with pytest.raises(ConfigError, match=r"expected an emulator snapshot of ale-py \d"):
        restore_emulator(short_env, state[:100], 0)
    restore_emulator(short_env, state, 0)
