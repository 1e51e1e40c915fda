from dataclasses import replace

import numpy as np
import pytest
from synthetic import fields_of

from pong_agent import DOWN, UP, Batch, BatchError, PongAgent, Trajectory, TrajectoryBuilder
from pong_agent.vision.pixels import lit_pixels, preprocess_frame


@pytest.fixture
def trajectory(frames):
    builder = TrajectoryBuilder(seed=3)
    for t, field in enumerate(fields_of(frames[:50])):
        builder.append(field, action=UP if t % 3 == 0 else DOWN, reward=float(t == 49), end=t == 49)
    return builder.build()


def with_value(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


def test_a_builder_keeps_what_it_is_given(frames, trajectory):
    """Fields, actions, rewards and seed come back from the packed form."""
    fields = fields_of(frames[:50])
    stored = [fields[0], *fields, fields[-1]]  # the frames before and after stand for themselves
    for f, field in enumerate(stored):
        pixels = trajectory.pixels[trajectory.offsets[f] : trajectory.offsets[f + 1]]
        np.testing.assert_array_equal(pixels, np.flatnonzero(field))
    assert trajectory.actions.tolist() == [int(t % 3 == 0) for t in range(50)]
    assert trajectory.rewards.tolist() == [0.0] * 49 + [1.0]
    assert trajectory.ends.tolist() == [False] * 49 + [True]
    assert (len(trajectory), trajectory.seed, trajectory.episode_return) == (50, 3, 1.0)
    trajectory.validate()


def test_a_step_is_small(trajectories):
    """A step of a real episode takes less than 100 bytes, where the notebook's takes 51,200."""
    for trajectory in trajectories:
        arrays = (trajectory.pixels, trajectory.offsets, trajectory.actions, trajectory.rewards)
        assert sum(array.nbytes for array in arrays) / len(trajectory) < 100


def test_an_empty_episode_cannot_be_built():
    """A builder without a step says so."""
    with pytest.raises(BatchError, match="one step or more, found none"):
        TrajectoryBuilder().build()


def test_a_builder_refuses_raw_frames(frames):
    """A frame that was not preprocessed is refused with expectation and finding."""
    with pytest.raises(BatchError, match=r"uint8 of \(80, 80\), found uint8 of shape \(210, 160"):
        TrajectoryBuilder().append(frames[0], action=UP, reward=0.0)


BAD_FIELDS = {
    "rewards of another dtype": (
        lambda t: {"rewards": t.rewards.astype(np.float64)},
        r"\.rewards: expected a one-dimensional array of float32, found float64",
    ),
    "rewards of another length": (
        lambda t: {"rewards": t.rewards[:-1]},
        r"\.rewards: expected shape \(50,\) as actions have, found \(49,\)",
    ),
    "a NaN": (
        lambda t: {"rewards": with_value(t.rewards, 7, np.nan)},
        r"\.rewards: expected finite numbers, found nan at step 7",
    ),
    "an infinity": (
        lambda t: {"rewards": with_value(t.rewards, 9, np.inf)},
        r"\.rewards: expected finite numbers, found inf at step 9",
    ),
    "an action of the environment": (
        lambda t: {"actions": with_value(t.actions, 0, 2)},
        r"\.actions: expected 0 \(DOWN\), 1 \(UP\), found 2",
    ),
    "a list": (
        lambda t: {"actions": t.actions.tolist()},
        r"\.actions: expected a one-dimensional array of uint8, found list",
    ),
    "ends of another length": (
        lambda t: {"ends": t.ends[:-1]},
        r"\.ends: expected shape \(50,\) as actions have, found \(49,\)",
    ),
    "ends of another dtype": (
        lambda t: {"ends": t.ends.astype(np.uint8)},
        r"\.ends: expected a one-dimensional array of bool, found uint8",
    ),
    "no step": (
        lambda t: {"actions": t.actions[:0]},
        r"\.actions: expected one step or more, found none",
    ),
    "a frame missing": (
        lambda t: {"offsets": t.offsets[:-1]},
        r"\.offsets: expected shape \(53,\), three more than actions, found \(52,\)",
    ),
    "offsets beyond the pixels": (
        lambda t: {"offsets": with_value(t.offsets, -1, len(t.pixels) + 5)},
        r"\.offsets: expected to rise from 0 to len\(pixels\)",
    ),
    "offsets that fall": (
        lambda t: {"offsets": with_value(t.offsets, 10, t.offsets[12])},
        r"\.offsets: expected to rise .* smallest difference of -",
    ),
    "a pixel outside the field": (
        lambda t: {"pixels": with_value(t.pixels, -1, 6400)},
        r"\.pixels: expected indices below 6400, found 6400",
    ),
    "a pixel twice": (
        lambda t: {"pixels": with_value(t.pixels, 1, t.pixels[0])},
        r"\.pixels: expected increasing indices within each field",
    ),
    "another observation": (
        lambda _: {"observation": "two frames"},
        r"\.observation: expected 'difference' as the agent sees, found 'two frames'",
    ),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_batch_changes_nothing(trajectory, case):
    """One error names the field, what was expected and found; the agent stays bit for bit."""
    change, message = BAD_FIELDS[case]
    agent = PongAgent("reinforce", seed=0)
    agent.learn_from_batch(Batch([trajectory]))  # so that the optimizer has a state to lose
    before = {name: array.copy() for name, array in agent.parameters.items()}
    state = {name: array.copy() for name, array in agent._state.optimizer_state.items()}
    progress = agent.progress
    bad = replace(trajectory, **change(trajectory))
    with pytest.raises(BatchError, match=r"^batch\.trajectories\[1\]" + message):
        agent.learn_from_batch(Batch([trajectory, bad]))
    for name, array in before.items():
        np.testing.assert_array_equal(agent.parameters[name], array)
        np.testing.assert_array_equal(agent._state.optimizer_state[name], state[name])
    assert agent.progress == progress


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (Batch([]), "expected one or more, found none"),
        ([1, 2], "expected a Batch, found list"),
        (Batch([np.zeros(3)]), r"\[0\]: expected a Trajectory, found ndarray"),
    ],
)
def test_what_is_no_batch_is_refused(batch, message):
    """An empty batch, a list and a batch of something else are each refused."""
    with pytest.raises(BatchError, match=message):
        PongAgent("reinforce").learn_from_batch(batch)


def test_a_trajectory_made_by_hand_is_accepted():
    """Any loop may fill the four arrays itself."""
    Batch(
        [
            Trajectory(
                pixels=np.array([5, 80, 5], np.uint16),
                offsets=np.array([0, 0, 2, 2, 3, 3]),
                actions=np.array([1, 0, 1], np.uint8),
                rewards=np.array([0, 0, -1], np.float32),
                ends=np.array([False, False, True]),
            )
        ]
    ).validate("difference", n_actions=2)


def test_a_fragment_knows_the_episodes_that_ended_in_it(frames):
    """Returns and lengths of finished episodes count what came before the fragment."""
    field = preprocess_frame(frames[0])
    builder = TrajectoryBuilder(previous=field, return_before=-20.0, steps_before=700)
    for reward, end in [(0, False), (-1, True), (0, False), (1, False), (1, True), (-1, False)]:
        builder.append(field, action=UP, reward=reward, end=end)
    fragment = builder.build(field)
    assert fragment.finished_episodes() == [(-21.0, 702), (2.0, 3)]
    alone = replace(fragment, return_before=0.0, steps_before=0)
    assert Batch([fragment, alone]).finished_episodes()[2:] == [(-1.0, 2), (2.0, 3)]


def test_an_episode_that_starts_in_a_fragment_has_no_previous_frame(frames):
    """After an end the network sees the new frame as its own previous one."""
    fields = fields_of(frames[[0, 20, 40, 60]])
    before = {"previous": fields[0], "return_before": 0.0, "steps_before": 1}
    builder = TrajectoryBuilder(observation="two_frames", **before)
    builder.append(fields[1], action=UP, reward=0.0, end=True)
    builder.append(fields[2], action=UP, reward=0.0)
    rows = builder.build(fields[3]).network_input(with_next=True).toarray()
    expected = [(1, 0), (2, 2), (3, 2)]  # current, previous
    for row, (current, previous) in zip(rows, expected, strict=True):
        np.testing.assert_array_equal(row[:6400], fields[current].ravel())
        np.testing.assert_array_equal(row[6400:], fields[previous].ravel())


def test_probabilities_stay_with_their_steps(frames):
    """What a builder is told of probabilities is in the trajectory, step by step."""
    builder = TrajectoryBuilder()
    for number, frame in enumerate(frames[:20]):
        told = [number / 20, 1 - number / 20]
        builder.append(lit_pixels(frame), action=UP, reward=0.0, probabilities=told)
    trajectory = builder.build(lit_pixels(frames[20]))
    trajectory.validate(n_actions=2)
    np.testing.assert_allclose(trajectory.probabilities[:, 0], np.arange(20) / 20, rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.ones((3, 2)), "expected float32 of shape"),
        (np.ones((2, 2), np.float32), "expected float32 of shape"),
        (np.full((3, 2), 2.0, np.float32), "numbers from 0 to 1"),
        (np.full((3, 2), np.nan, np.float32), "numbers from 0 to 1"),
        (np.float32([[1, 0], [1, 0], [1, 0]]), "above 0 for actions taken"),
    ],
)
def test_probabilities_that_cannot_be_are_refused(wrong, message):
    """Of another shape or dtype, no probabilities, or 0 where the action was taken."""
    builder = TrajectoryBuilder()
    for _ in range(3):
        builder.append(np.eye(80, dtype=np.uint8), action=UP, reward=0.0)
    with pytest.raises(BatchError, match=rf"trajectory.probabilities: .*{message}"):
        replace(builder.build(), probabilities=wrong).validate(n_actions=2)
