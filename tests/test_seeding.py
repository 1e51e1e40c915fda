import numpy as np

from pong_agent.seeding import Stream, derived_seed, generator


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
