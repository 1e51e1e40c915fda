import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from pong_agent import (
    DOWN,
    STAY,
    UP,
    Batch,
    BatchError,
    ConfigError,
    CutEpisodesWarning,
    PaddleActions,
    PongAgent,
    TrajectoryBuilder,
)

FIELD = np.eye(80, dtype=np.uint8)
INDICES = PaddleActions(down=3, up=2, stay=0)


def built(*steps, **arguments):
    """The trajectory of some steps, each given by what differs from an unrewarded UP."""
    builder = TrajectoryBuilder(**arguments)
    for step in steps:
        builder.append(**{"field": FIELD, "action": UP, "reward": 0.0, **step})
    return builder.build()


@pytest.mark.parametrize("new", [False, True])
def test_an_episode_cut_across_batches_counts_whole(new):
    """The second fragment knows what was before, by itself or because it is told."""
    agent = PongAgent("ppo")
    builder = TrajectoryBuilder(observation="two_frames")
    builder.append(FIELD, action=UP, reward=-20.0)
    agent.learn_from_batch(Batch([builder.build(FIELD)]))
    assert agent.progress.episodes == 0
    builder = pickle.loads(pickle.dumps(builder))  # noqa: S301  # what the test has written
    if new:
        before = {"previous": FIELD, "return_before": -20.0, "steps_before": np.int64(1)}
        builder = TrajectoryBuilder(observation="two_frames", **before)
    builder.append(FIELD, action=DOWN, reward=-1.0, end=True)
    metrics = agent.learn_from_batch(Batch([builder.build()]))
    assert (metrics["ep_rew_mean"], metrics["ep_len_mean"]) == (-21.0, 2)


def test_a_builder_goes_on_through_many_fragments():
    """Episodes count once, wherever the cuts lie, and the network's inputs are those of one cut."""
    generator = np.random.default_rng(0)
    steps = [
        {
            "field": np.roll(FIELD, step, axis=1),
            "reward": float(generator.integers(-1, 2)),
            "end": step % 7 == 6,
        }
        for step in range(30)
    ]
    whole = built(*steps)
    builder, parts = TrajectoryBuilder(), []
    for number, step in enumerate(steps):
        builder.append(action=UP, **step)
        if number % 4 == 3 or number == 29:
            parts.append(builder.build())
            assert builder.build() is not None  # and again, which changes nothing
    assert Batch(parts).finished_episodes() == whole.finished_episodes()
    assert sum(map(len, parts)) == 30
    dense = np.concatenate([part.network_input().toarray() for part in parts])
    np.testing.assert_array_equal(dense, whole.network_input().toarray())


def test_a_new_builder_within_an_episode_asks_for_what_was_before():
    """The field before alone would lose the episode's return and length without a word."""
    with pytest.raises(BatchError, match=r"previous: expected with it return_before and steps_b"):
        TrajectoryBuilder(previous=FIELD)
    for wrong in ({"return_before": float("nan")}, {"steps_before": -1}, {"steps_before": 1.5}):
        with pytest.raises(BatchError, match=f"{next(iter(wrong))}: expected"):
            TrajectoryBuilder(**{"previous": FIELD, "return_before": 0, "steps_before": 1, **wrong})


def test_new_builders_for_each_batch_are_warned_of_when_an_episode_ends():
    """Once, and neither where builders are kept nor where an episode is ended on purpose."""
    agent, kind = PongAgent("ppo"), {"observation": "two_frames"}
    cut, last = built({}, **kind), built({"end": True}, **kind)
    for parts in ([cut], [cut]):
        agent.learn_from_batch(Batch(parts))
    with pytest.warns(CutEpisodesWarning, match="keep one TrajectoryBuilder for each environment"):
        agent.learn_from_batch(Batch([last]))
    for parts in ([cut], [last], [last]):
        agent.learn_from_batch(Batch(parts))
    other = PongAgent("ppo")
    for parts in ([last], [last, cut], [replace(last, steps_before=1)], [last]):
        other.learn_from_batch(Batch(parts))


def test_what_act_returns_is_translated_or_refused():
    """With the agent's mapping its indices are learned as what they mean; without it, they fail."""
    steps = [{"action": index} for index in (3, np.int64(2), np.uint8(0), np.array(2), UP)]
    assert built(*steps, paddle_actions=INDICES).actions.tolist() == [DOWN, UP, STAY, UP, UP]
    for index in (3, 4, -1):
        with pytest.raises(BatchError, match=r"found -?\d; for what agent.act returns, make the b"):
            built({"action": index})
    with pytest.raises(BatchError, match=r"action: expected one of \(3, 2, 0\), found 1"):
        built({"action": 1}, paddle_actions=INDICES)
    for numbers in ([2], [0, 2, 2]):
        with pytest.raises(
            BatchError, match="are these an environment's actions, of which 2 is up"
        ):
            built(*({"action": number} for number in numbers))


@pytest.mark.parametrize("actions", [[0], [1, 2], [0, 2, 1], [STAY], [np.int64(1), np.int64(2)]])
def test_the_policy_s_own_numbers_are_taken(actions):
    """DOWN, UP and STAY, or their numbers where these cannot be an environment's."""
    assert built(*({"action": action} for action in actions)).actions.tolist() == actions


GOOD = [
    {"reward": np.float32(1)},
    {"reward": np.int64(1)},
    {"reward": np.array(1.0)},
    {"reward": 1, "end": np.bool_(True)},
    {"reward": 1, "end": np.array(1.0)},
]
BAD = [
    ({"reward": None}, "reward: expected a number, found NoneType"),
    ({"reward": True}, "reward: expected a number, found bool True"),
    ({"reward": "1"}, "reward: expected a number, found str"),
    ({"reward": np.zeros(1)}, "reward: expected a number, found float64 of shape"),
    ({"reward": np.float64("nan")}, "reward: expected a finite number"),
    ({"reward": 1e39}, "reward: expected a finite number"),
    ({"action": True}, "action: expected an integer, found bool"),
    ({"action": 1.0}, "action: expected an integer, found float"),
    ({"action": np.array([1])}, "action: expected an integer, found int64 of shape"),
    ({"action": "UP"}, "action: expected an integer, found str"),
    ({"end": None}, "end: expected True or False, found None"),
    ({"end": "False"}, "end: expected True or False"),
    ({"end": np.array([True])}, "end: expected True or False"),
    ({"end": float("nan")}, "end: expected True or False"),
    ({"field": None}, "field: expected 0 and 1, uint8 of .*found NoneType"),
    ({"field": FIELD.astype(float)}, "found float64 of shape"),
    ({"field": 144 * FIELD}, "found values up to 144"),
    ({"field": np.zeros((210, 160, 3), np.uint8)}, "preprocess_frame makes it of a frame"),
    ({"probabilities": 0.5}, "probabilities: expected two or three, found float"),
    ({"probabilities": ["a", "b"]}, "probabilities: expected two or three, found list"),
]


@pytest.mark.parametrize("step", GOOD)
def test_scalars_of_numpy_are_converted(step):
    """A reward of 1 and an end, in any of their types."""
    trajectory = built({"end": 1, **step})
    trajectory.validate()
    assert trajectory.finished_episodes() == [(1.0, 1)]


@pytest.mark.parametrize(("step", "message"), BAD)
def test_a_wrong_value_is_refused_when_it_is_appended(step, message):
    """The builder stays as it was and goes on."""
    builder = TrajectoryBuilder()
    builder.append(FIELD, action=UP, reward=0.0)
    before = copy.deepcopy(vars(builder))
    with pytest.raises(BatchError, match=message):
        builder.append(**{"field": FIELD, "action": UP, "reward": 0.0, **step})
    np.testing.assert_equal(vars(builder), before)


def test_probabilities_are_for_all_steps_or_none():
    """A step without them after one with them is refused at once, and the other way round."""
    for given in ([None, [0.5, 0.5]], [[0.5, 0.5], None]):
        with pytest.raises(BatchError, match="probabilities: expected for all steps or none"):
            built(*({"probabilities": one} for one in given))


def test_other_mistakes_of_batches_are_named():
    """One trajectory is no list, and kinds of observation have names."""
    for wrong in (built({}), 5, None):
        with pytest.raises(BatchError, match="batch: expected a list of trajectories, found one"):
            Batch(wrong)
    with pytest.raises(BatchError, match=r"expected one of \['difference', 'two_frames'\]"):
        TrajectoryBuilder(observation="two frames")
    with pytest.raises(BatchError, match="seed: expected an integer"):
        TrajectoryBuilder(seed="7")
    agent = PongAgent("reinforce")
    with pytest.raises(ConfigError, match="parameters: expected arrays by name"):
        agent.set_parameters("w.npz")
