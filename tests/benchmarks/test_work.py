"""Cost of an agent step, in counted work: without a clock a slow machine is no failure."""

import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.wire import measure_wire
from pong_agent import PRESETS, Batch, PongAgent
from pong_agent.training.collector import RolloutWorker, WorkItem
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.network_input import INPUT_SIZES
from pong_agent.vision.pixels import N_PIXELS, lit_pixels

N_GAMES, N_STEPS = 4, 40


@pytest.fixture(scope="module")
def work():
    """A worker, and its arguments for playing four games on for 40 steps each."""
    worker = RolloutWorker(PRESETS["ppo"])
    parameters = PongAgent("ppo", seed=0).parameters
    games = [worker.start_game(seed) for seed in range(N_GAMES)]
    arguments = parameters, WorkItem(games, range(N_GAMES), N_STEPS)
    worker.play(*arguments)  # makes the other environments
    yield worker, arguments
    worker.close()


def lit_columns(current, previous):
    """Columns of W1 that some frames light, in either order and upright or turned."""
    indices = np.unique(np.concatenate([*current, *previous]))
    rows, columns = np.divmod(indices.astype(int), 80)
    both_ways = np.concatenate([indices, (79 - rows) * 80 + columns])
    return np.unique(np.concatenate([both_ways, both_ways + N_PIXELS]))


@pytest.mark.parametrize("preset", ["ppo", "reinforce"])
@pytest.mark.parametrize("n_rows", [1, 4, 64])
def test_the_first_layer_multiplies_lit_pixels_only(preset, n_rows, frames):
    """Weights of dark pixels are never read; lit ones are 1 % of all multiply-adds."""
    agent = PongAgent(preset, seed=0)
    places = 1 + 6 * np.arange(n_rows)
    current = [lit_pixels(frames[place]) for place in places]
    previous = [lit_pixels(frames[place - 1]) for place in places]
    expected = agent.examine(FieldHistory(current, previous)).probabilities

    width = INPUT_SIZES[agent.config.observation]
    lit = lit_columns(current, previous)
    poisoned = np.full_like(agent.parameters["W1"], np.nan)
    poisoned[:, lit[lit < width]] = agent.parameters["W1"][:, lit[lit < width]]
    parameters = dict(agent.parameters) | {"W1": poisoned}
    agent._state = replace(agent._state, parameters=parameters)
    # A product with a dark pixel's weight would be 0 x NaN.
    np.testing.assert_array_equal(
        agent.examine(FieldHistory(current, previous)).probabilities, expected
    )

    per_step = sum(map(len, current + previous)) / n_rows * agent.config.hidden_units
    assert 0 < per_step < 0.01 * width * agent.config.hidden_units


def test_learning_allocates_no_dense_rows(work):
    """A step adds less than a quarter of its dense float32 row, 51 kB, to an update's peak."""
    worker, (parameters, item) = work
    agent = PongAgent("ppo", seed=0)
    peaks = []
    for n_steps in (128, 512):
        trajectories, _ = worker.play(parameters, item._replace(n_steps=n_steps))
        batch = Batch(trajectories)
        agent.learn_from_batch(batch)
        tracemalloc.start()
        agent.learn_from_batch(batch)
        peaks.append((batch.n_steps, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
    (few, less), (many, more) = peaks
    assert (more - less) / (many - few) < 0.25 * 4 * INPUT_SIZES["two_frames"]


@pytest.mark.parametrize(
    "config",
    # Fewer games and episodes than the presets', which weigh the same per step.
    [replace(PRESETS["ppo"], n_envs=4), replace(PRESETS["reinforce"], episodes_per_update=1)],
    ids=["ppo", "reinforce"],
)
def test_a_step_is_small_on_the_wire(config):
    """What a step adds to the messages between driver and worker, weights apart."""
    wire = measure_wire(config)
    assert 50 < wire.per_step <= 250
    assert wire.weights <= 10_500_000  # the notebook's own: 200 x 6,400 numbers of 8 bytes


def test_one_call_of_the_network_serves_all_games(work, monkeypatch):
    """A work item of four games evaluates the network once for each step of all of them."""
    rows = []
    examine = PongAgent.examine

    def count(agent, fields):
        rows.append(len(fields.current))
        return examine(agent, fields)

    worker, arguments = work
    monkeypatch.setattr(PongAgent, "examine", count)
    worker.play(*arguments)
    assert rows == [N_GAMES] * N_STEPS


def test_a_step_takes_few_calls_of_python_functions(work):
    """Functions called for a step of one game in a work item, with the restoring of the games."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    worker, arguments = work
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        worker.play(*arguments)
    finally:
        sys.setprofile(before)
    assert 0 < calls / (N_STEPS * N_GAMES) < 48
