import numpy as np
import pytest

from pong_agent.errors import ConfigError
from pong_agent.seeding import Stream, as_seed, derived_seed, generator


def test_training_seeds_differ():
    """Runs, updates and indices each give seeds of their own, the same every time."""
    seeds = {
        derived_seed(root, Stream.TRAINING_EPISODES, update, index)
        for root in range(3)
        for update in range(200)
        for index in range(4)
    }
    assert len(seeds) == 3 * 200 * 4
    assert derived_seed(7, Stream.TRAINING_EPISODES, 3, 1) == derived_seed(
        7, Stream.TRAINING_EPISODES, 3, 1
    )
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_no_two_streams_of_a_seed_coincide():
    """Each stream draws its own numbers, also beside another stream's numbered parts."""
    keys = [(stream, *numbers) for stream in Stream for numbers in ((), (0,), (1,), (1, 0))]
    first = {float(generator(0, *key).random()) for key in keys}
    assert len(first) == len(keys)


def test_a_stream_is_a_child_of_the_seed():
    """Spawn keys are fixed numbers: files and videos made earlier play again."""
    sequence = np.random.SeedSequence(5, spawn_key=(2, 9))
    assert generator(5, Stream.MINIBATCHES, 9).random() == np.random.default_rng(sequence).random()


@pytest.mark.parametrize("seed", [7, np.int64(7), np.uint8(7), np.array(7), 2**63 - 1])
def test_integers_are_seeds(seed):
    """A seed is a Python int, which files can hold, whatever integer was given."""
    assert as_seed(seed) == int(seed)
    assert type(as_seed(seed)) is int


@pytest.mark.parametrize("seed", [True, np.bool_(False), 1.0, -1, 2**63, "1", np.array([1, 2])])
def test_other_values_are_no_seeds(seed):
    """One ConfigError names the argument and what came."""
    with pytest.raises(ConfigError, match=r"^seed: expected an int"):
        as_seed(seed)


def test_no_seed_is_a_drawn_one():
    """None gives a seed that is known, and another one each time."""
    assert as_seed(None) != as_seed(None)
