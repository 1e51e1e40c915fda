import copy
import itertools
import pickle
import subprocess
import sys
from dataclasses import replace

import ale_py
import gymnasium
import numpy as np
import pytest
import toy

from pong_agent import (
    PRESETS,
    Batch,
    CheckpointError,
    ConfigError,
    ObservationError,
    PongAgent,
    PPOConfig,
    TrajectoryBuilder,
    make_env,
    preprocess_frame,
    rollout,
)
from pong_agent.agent import PRETRAINED
from pong_agent.vision.network_input import observe
from pong_agent.vision.pixels import lit_pixels
from pong_agent.weights_file.archive import load_arrays, save_arrays


@pytest.fixture(params=["reinforce", "ppo"])
def agent(request):
    """An agent of each preset, whose decisions are far from a coin's."""
    agent = PongAgent(request.param, seed=3)
    agent.set_parameters({name: 20 * array for name, array in agent.parameters.items()})
    return agent


def greedy(agent, frames):
    return [agent.act(frame, deterministic=True) for frame in frames]


def same_agent(one, other):
    one_state, other_state = one._state, other._state
    for attribute in ("parameters", "optimizer_state"):
        for name, array in getattr(one_state, attribute).items():
            np.testing.assert_array_equal(getattr(other_state, attribute)[name], array)
    assert other_state.generator.bit_generator.state == one_state.generator.bit_generator.state
    assert (other.config, other.progress) == (one.config, one.progress)


def test_the_parameters_have_their_names_and_shapes():
    """Parameters are a mapping; half of the units of `ppo` share the others' weights."""
    shapes = {
        preset: {name: array.shape for name, array in PongAgent(preset).parameters.items()}
        for preset in PRESETS
    }
    assert shapes["reinforce"] == {"W1": (200, 6400), "W2": (200,)}
    assert shapes["ppo"] == {
        "W1": (100, 12800),
        "W2": (3, 100),
        "b2": (3,),
        "Wv": (100,),
        "bv": (1,),
    }


def test_the_seed_decides_weights_and_actions(frames):
    """Equal seeds give equal agents, other seeds give others."""
    actions = []
    for seed in (0, 0, 1):
        agent = PongAgent(seed=seed)
        actions.append([agent.act(frame) for frame in frames[:100]])
    assert actions[0] == actions[1] != actions[2]
    assert not np.array_equal(PongAgent(seed=0).parameters["W2"], agent.parameters["W2"])


def test_act_gives_an_action_of_the_environment(frames):
    """One raw frame gives a plain int, 2 (up), 3 (down) and perhaps 0 (stay), each in time."""
    for config, expected in ((PPOConfig(), {2, 3}), (PPOConfig(stay_logit=0.0), {0, 2, 3})):
        agent = PongAgent(config)
        actions = [agent.act(frame) for frame in frames[:100]]
        assert set(actions) == expected
    assert all(type(action) is int for action in actions)


def test_act_decides_on_the_frame_and_the_one_before(agent, frames):
    """The greedy action is the most probable one."""
    fields = [[lit_pixels(frame)] for frame in frames]
    expected = []
    for before, now in itertools.pairwise([fields[0], *fields]):
        inputs = observe(agent.config.observation, now, before)
        [probabilities], _ = agent.algorithm.act(dict(agent.parameters), inputs)
        expected.append((3, 2, 0)[np.argmax(probabilities)])
    assert greedy(agent, frames) == expected
    assert len(set(expected)) > 1


def test_reset_forgets_the_previous_frame(agent, frames):
    """After `reset` an episode is played as by a fresh agent; without it first steps differ."""
    starts = range(100, 350, 10)  # after the first point: a score of 0:0 would start an episode
    fresh, late = [], []
    for start in starts:
        agent.reset()
        fresh.append(greedy(agent, frames[start : start + 50]))
        late.append(greedy(agent, frames[start : start + 1]))
    assert late != [actions[:1] for actions in fresh]
    for start, actions in zip(starts, fresh, strict=True):
        agent.reset()
        assert greedy(agent, frames[start : start + 50]) == actions


def test_a_batch_is_played_as_its_environments_singly(agent, frames):
    """N frames give N actions, each remembering its own previous frame."""
    streams = [frames[:60], frames[100:160], frames[200:260]]
    singly = []
    for stream in streams:
        agent.reset()
        singly.append(greedy(agent, stream))
    agent.reset()
    batched = [agent.act(np.stack(step), deterministic=True) for step in zip(*streams, strict=True)]
    np.testing.assert_array_equal(np.transpose(batched), singly)
    assert batched[0].dtype == np.int64


def test_reset_with_a_mask_starts_some_of_a_batch(agent, frames):
    """Only the masked environments forget their previous frame."""
    agent.act(frames[[10, 20, 30]], deterministic=True)
    agent.reset(np.array([False, True, False]))
    actions = agent.act(frames[[14, 24, 34]], deterministic=True)
    for row, (before, now) in enumerate([(10, 14), (24, 24), (30, 34)]):
        agent.reset()
        assert greedy(agent, frames[[before, now]])[1] == actions[row]
    agent.reset()
    agent.act(frames[[10, 20, 30]])
    with pytest.raises(ObservationError, match=r"mask: expected bool of shape \(3,\).*found int64"):
        agent.reset(np.array([0, 1]))


def test_another_number_of_frames_needs_a_reset(frames):
    """A batch of another size is refused with the remedy, and accepted after it."""
    agent = PongAgent()
    agent.act(frames[:4])
    with pytest.raises(ObservationError, match=r"expected 4 frames .* found 1; call reset\(\)"):
        agent.act(frames[0])
    agent.reset()
    agent.act(frames[0])


@pytest.mark.parametrize(
    "observation",
    [np.zeros((210, 160, 3)), np.zeros((84, 84, 4), np.uint8), np.zeros((3,)), None, "frame"],
)
def test_what_is_no_frame_is_refused(observation):
    """`act` and `predict` name what they expected and found, and remember nothing."""
    agent = PongAgent()
    for method in (agent.act, agent.predict):
        with pytest.raises(ObservationError, match=r"expected a raw Pong frame.*found"):
            method(observation)
    assert agent._fields is None


def test_predict_passes_the_state_in_and_out(agent, frames):
    """Through its state `predict` acts as `act` does, and leaves `act` undisturbed."""
    expected = greedy(agent, frames[:40])
    agent.reset()
    agent.act(frames[60], deterministic=True)
    state, actions = None, []
    for frame in frames[:40]:
        action, state = agent.predict(frame, state, deterministic=True)
        assert action.shape == ()
        actions.append(int(action))
    assert actions == expected
    after_60 = agent.act(frames[63], deterministic=True)
    agent.reset()
    assert greedy(agent, frames[[60, 63]])[1] == after_60


def test_predict_starts_episodes_where_it_is_told(agent, frames):
    """Where `episode_start` is true the state of that environment is not used."""
    _, state = agent.predict(frames[[10, 20]])
    actions, new_state = agent.predict(
        frames[[14, 24]], state, np.array([True, False]), deterministic=True
    )
    alone, _ = agent.predict(frames[14], deterministic=True)
    going_on, _ = agent.predict(frames[24], (state[0][1:],), deterministic=True)
    assert actions.tolist() == [int(alone), int(going_on)]
    assert new_state[0].shape == (2, 80, 80)
    with pytest.raises(ObservationError, match="state: expected fields of shape"):
        agent.predict(frames[:3], state)


@pytest.mark.parametrize("preset", ["reinforce", "ppo"])
def test_a_saved_agent_goes_on_as_if_it_had_never_stopped(tmp_path, frames, trajectories, preset):
    """After `load`, actions, updates and the agent itself are bit for bit those of the original."""
    agent = PongAgent(preset, seed=5)
    kind = agent.config.observation
    trajectories = [replace(trajectory, observation=kind) for trajectory in trajectories]
    agent.learn_from_batch(Batch(trajectories[:2]))
    agent.act(frames[0])
    agent.save(tmp_path / "w.npz")
    loaded = PongAgent.load(tmp_path / "w.npz")
    same_agent(agent, loaded)
    for _ in range(2):
        agent.reset()
        loaded.reset()
        assert [agent.act(f) for f in frames[:50]] == [loaded.act(f) for f in frames[:50]]
        one, other = (a.learn_from_batch(Batch(trajectories[1:])) for a in (agent, loaded))
        assert one == other
    same_agent(agent, loaded)
    assert loaded.progress.updates == 3


def test_learning_reports_and_counts(trajectories):
    """Metrics and progress are the batch's, the running mean is the notebook's."""
    agent = PongAgent("reinforce")
    metrics = agent.learn_from_batch(Batch(trajectories))
    returns = [float(trajectory.rewards.sum()) for trajectory in trajectories]
    running = returns[0]
    for episode_return in returns[1:]:
        running = running * 0.99 + episode_return * 0.01
    assert metrics["ep_rew_mean"] == pytest.approx(np.mean(returns))
    assert metrics["ep_len_mean"] == pytest.approx(np.mean([len(t) for t in trajectories]))
    assert agent.progress.running_return == pytest.approx(running)
    assert agent.progress.agent_steps == sum(map(len, trajectories))
    assert agent.progress.episodes == 3
    assert list(agent.progress.recent_returns) == returns


def test_a_users_own_loop_can_fill_a_batch():
    """Frames, actions and rewards of any loop make a batch that equals a rollout's."""
    agent, env = PongAgent(replace(PRESETS["reinforce"], hidden_units=20)), toy.UpOrDown()
    builder = TrajectoryBuilder()
    observation, _ = env.reset(seed=4)
    done = False
    while not done:
        action = agent.act(observation, deterministic=True)
        field = preprocess_frame(observation)
        observation, reward, terminated, truncated, _ = env.step(action)
        done = terminated or truncated
        builder.append(field, action=agent.paddle_actions.index(action), reward=reward, end=done)
    [played] = rollout(agent, [env], [4], deterministic=True)
    own = builder.build(preprocess_frame(observation))
    for name in ("pixels", "offsets", "actions", "rewards", "ends"):
        np.testing.assert_array_equal(getattr(own, name), getattr(played, name))
    assert agent.learn_from_batch(Batch([own]))["ep_rew_mean"] == played.episode_return


@pytest.mark.parametrize("bad", [{"W1": np.zeros((200, 6400))}, {"W1": 0, "W2": 0, "W3": 0}])
def test_parameters_that_do_not_fit_are_refused(bad):
    """`set_parameters` names what it expected; the weights stay."""
    agent = PongAgent("reinforce")
    before = agent.parameters["W1"]
    with pytest.raises(ValueError, match=r"expected arrays named \['W1', 'W2'\]"):
        agent.set_parameters(bad)
    assert agent.parameters["W1"] is before


def test_loading_and_acting_need_numpy_alone(tmp_path):
    """A fresh interpreter that imports, loads and acts has loaded no heavy module."""
    path = tmp_path / "w.npz"
    PongAgent(seed=0).save(path)
    code = f"""
import sys
import numpy as np
import pong_agent
agent = pong_agent.PongAgent.load({str(path)!r})
agent.act(np.zeros((210, 160, 3), np.uint8))
agent.act(np.zeros((16, 210, 160, 3), np.uint8)) if agent.reset() is None else None
heavy = ["ray", "scipy", "gymnasium", "ale_py", "matplotlib", "moviepy", "imageio", "tqdm", "tyro"]
print([name for name in heavy if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_exported_weights_act_as_the_averaged_ones(tmp_path, frames):
    """An exported file is small, has its card, and decides as the agent at half precision."""
    agent = PongAgent("ppo", seed=3)
    agent.export(tmp_path / "w.npz", {"scores": [1.5]})
    loaded = PongAgent.load(tmp_path / "w.npz")
    assert (tmp_path / "w.npz").stat().st_size < 3_000_000
    assert dict(loaded.model_card) == {"scores": [1.5]}
    for name, array in agent.averaged().parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array.astype(np.float16))
        assert loaded.parameters[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.averaged().parameters[name], loaded.parameters[name])
    loaded.save(tmp_path / "again.npz")
    assert PongAgent.load(tmp_path / "again.npz").model_card == loaded.model_card
    loaded.act(frames[0])


def test_exported_weights_are_checked(tmp_path):
    """Weights that half precision cannot hold are refused; so is a file without one of them."""
    agent = PongAgent("ppo")
    weights = {name: array.copy() for name, array in agent.parameters.items()}
    weights["bv"][:] = 1e6
    agent.set_parameters(weights)
    agent._state.optimizer_state["average/bv"] = weights["bv"]
    with pytest.raises(CheckpointError, match="bv has weights too large for float16"):
        agent.export(tmp_path / "w.npz", {})
    assert not list(tmp_path.iterdir())
    agent = PongAgent("ppo")
    agent.export(tmp_path / "w.npz", {})
    arrays, metadata = load_arrays(tmp_path / "w.npz")
    del arrays["float16/Wv"]
    save_arrays(tmp_path / "w.npz", arrays, metadata)
    with pytest.raises(CheckpointError, match=r"expected arrays named .* found"):
        PongAgent.load(tmp_path / "w.npz")


@pytest.mark.parametrize("game", ["Breakout", "SpaceInvaders"])
def test_frames_of_another_game_are_refused(game):
    """A frame of the right shape that shows no Pong raises one error, and nothing is remembered."""
    gymnasium.register_envs(ale_py)
    env = gymnasium.make(f"ALE/{game}-v5")
    env.reset(seed=0)
    for _ in range(60):
        frame = env.step(0)[0]
    env.close()
    agent = PongAgent()
    with pytest.raises(ObservationError, match=r"expected a frame of Pong.*another game"):
        agent.act(frame)
    with pytest.raises(ObservationError, match="another game"):
        agent.predict(frame)
    assert agent._fields is None


def test_the_pretrained_agent_knows_where_it_comes_from():
    """Its card tells commands, commits, time and scores; the file is under 6 MB."""
    card = PongAgent.pretrained().model_card
    for entry in card["history"]:
        assert entry["command"].startswith("scripts/")
        assert len(entry["commit"]) == 40
    assert card["agent_steps"] > 0
    assert card["seconds"] > 0
    assert {score["env_id"] for score in card["scores"]} == {
        "ALE/Pong-v5",
        "Pong-v0",
        "Pong-v4",
        "PongNoFrameskip-v4",
    }
    assert PRETRAINED.stat().st_size < 6_000_000


def test_the_pretrained_agent_plays_as_its_card_says():
    """One game of the card's first setting is won clearly."""
    env = make_env("ALE/Pong-v5")
    agent = PongAgent.pretrained().bind(env)
    [trajectory] = rollout(agent, [env], [1000], deterministic=True)
    env.close()
    assert trajectory.episode_return > 10


@pytest.mark.parametrize("seed", [np.int64(7), np.uint8(7), np.array(7), None])
def test_a_seed_is_stored_whatever_its_type(tmp_path, seed):
    """NumPy's integers become Python's; a seed that is drawn is known and in the file."""
    agent = PongAgent("reinforce", seed=seed)
    agent.save(tmp_path / "w.npz")
    loaded = PongAgent.load(tmp_path / "w.npz")
    assert type(agent.seed) is int
    assert loaded.seed == agent.seed == (agent.seed if seed is None else 7)
    same_agent(PongAgent("reinforce", seed=agent.seed), loaded)


@pytest.mark.parametrize("seed", [True, 1.0, "1", -1, 2**64, [1]])
def test_what_is_no_seed_is_refused(seed):
    """Before any weight is drawn."""
    with pytest.raises(ConfigError, match="seed: expected an int"):
        PongAgent("reinforce", seed=seed)


def test_loading_on_an_agent_is_refused(tmp_path):
    """Where it would leave the agent as it was without a word; on the class it makes one."""
    agent = PongAgent("reinforce")
    agent.save(tmp_path / "w.npz")
    for method in (agent.load, agent.pretrained):
        with pytest.raises(ConfigError, match=r"expected PongAgent\.(load|pretrained)\(\.\.\.\)"):
            method(tmp_path / "w.npz")
    same_agent(type(agent).load(str(tmp_path / "w.npz")), agent)


def test_deterministic_is_one_flag(frames):
    """NumPy's bool is taken; an array, a text and None are refused, and no frame is remembered."""
    agent = PongAgent("reinforce")
    expected = agent.act(frames[0], deterministic=True)
    agent.reset()
    for wrong in (np.array([True, False]), "False", None):
        for method in (agent.act, agent.predict):
            with pytest.raises(ConfigError, match="deterministic: expected True or False"):
                method(frames[0], deterministic=wrong)
    assert agent.act(frames[0], deterministic=np.bool_(True)) == expected


def test_state_and_starts_of_predict_are_checked(frames):
    """What does not fit the frames is refused by name; 0 and 1 are flags too."""
    agent = PongAgent("reinforce")
    _, state = agent.predict(frames[0])
    for wrong in ([state], "state", (None,), (state[0], state[0])):
        with pytest.raises(ObservationError, match="state: expected fields of shape"):
            agent.predict(frames[1], wrong)
    for wrong in (np.array([True, False]), "no"):
        with pytest.raises(ObservationError, match=r"episode_start: expected bool of shape \(1,\)"):
            agent.predict(frames[1], state, wrong)
    agent.predict(frames[1], state, np.zeros(1))


def test_a_model_card_is_converted_or_refused_at_once(tmp_path):
    """NumPy's numbers and paths become JSON's; what JSON cannot hold is named, nothing written."""
    agent = PongAgent("reinforce")
    agent.export(tmp_path / "w.npz", {"score": np.float64(1.5), "runs": (np.int64(2), tmp_path)})
    card = PongAgent.load(tmp_path / "w.npz").model_card
    assert dict(card) == {"score": 1.5, "runs": [2, str(tmp_path)]}
    for wrong in ({"score": float("nan")}, {"score": {1}}, {1: 2}, [1], None):
        with pytest.raises(ConfigError, match="model_card"):
            agent.export(tmp_path / "other.npz", wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_copies_of_an_agent_play_like_it(frames):
    """Pickled or copied in the middle of an episode, it decides as it would have."""
    agent = PongAgent("ppo", seed=2)
    agent.act(frames[0])
    others = [pickle.loads(pickle.dumps(agent)), copy.deepcopy(agent)]  # noqa: S301  # its own
    expected = [agent.act(frame) for frame in frames[1:20]]
    for other in others:
        assert [other.act(frame) for frame in frames[1:20]] == expected
