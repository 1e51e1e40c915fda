import numpy as np
import pytest

from pong_agent.learning.adam import AdamOptions, adam_descent
from pong_agent.learning.ppo.multiresolution import (
    add_spread,
    lit_blocks,
    multiresolution_adam_descent,
    narrowed,
    pool,
    widened,
)

OPTIONS = AdamOptions(learning_rate=0.1, beta1=0.5, beta2=0.75, epsilon=1e-8)


def state_of(terms):
    moments = {f"{k}/{name}": np.zeros_like(a) for name, a in terms.items() for k in KINDS}
    return moments | {"step": np.zeros(1)}


KINDS = ("mean", "square")


@pytest.mark.parametrize("blocks", [[4, 16, 2, 80], [4], []])
def test_steps_on_some_columns_are_adams_on_every_term(blocks):
    """W1 moves as the sum of pixel and block weights does that Adam moves one by one.

    In three updates, each with gradients for other columns: what was lit before goes on by its
    momentum, and blocks move pixels that were never lit.
    """
    generator = np.random.default_rng(2)
    W1 = np.asfortranarray(generator.standard_normal((3, 12800)))
    names = [f"W1/{block}" for block in blocks]
    terms = {"W1": W1.copy(order="F"), "b": np.zeros(2)}
    terms |= {name: np.zeros_like(p) for name, p in zip(names, pool(W1, blocks), strict=True)}
    state, expected_state = state_of(terms), state_of(terms)
    weights = {"W1": W1, "b": np.zeros(2)}
    for start in (0, 300, 900):
        columns = generator.permutation(np.arange(start, start + 600))
        lit = lit_blocks(columns, blocks, 12800)
        some, moments = narrowed(weights, state, columns, blocks)
        before = {name: array.copy() for name, array in {**weights, **state}.items()}
        for _ in range(4):
            whole = np.zeros_like(W1)
            whole[:, columns] = generator.standard_normal((3, 600))
            gradients = {"W1": np.asfortranarray(whole[:, columns]), "b": np.array([1.0, -2.0])}
            multiresolution_adam_descent(some, dict(gradients), moments, lit, OPTIONS)
            pooled = dict(zip(names, pool(whole, blocks), strict=True))
            adam_descent(terms, gradients | {"W1": whole} | pooled, expected_state, OPTIONS)
        new, new_state = widened(weights, state, some, moments, columns, blocks, OPTIONS)
        for name, array in {**weights, **state}.items():
            np.testing.assert_array_equal(array, before[name])
        weights, state = new, new_state
        expected = terms["W1"].copy(order="F")
        add_spread(expected, [terms[name] for name in names], blocks)
        np.testing.assert_allclose(weights["W1"], expected, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(weights["b"], terms["b"])
        assert set(state) == set(expected_state)
        for name, array in state.items():
            np.testing.assert_allclose(array, expected_state[name], rtol=1e-11, atol=1e-13)
            assert array.shape == expected_state[name].shape
            assert array.flags.f_contiguous
    never_lit = np.arange(1500, 12800)
    assert (weights["W1"][:, never_lit] != W1[:, never_lit]).any() == bool(blocks)


BLOCKS = [4, 16, 2, 80]


@pytest.fixture
def W1():  # noqa: N802  # the name of the weights
    generator = np.random.default_rng(0)
    return np.asfortranarray(generator.integers(-9, 9, (3, 12800)).astype(np.float64))


def blocks_of(W1, block):
    """Sums over blocks, written pixel by pixel."""
    sums = np.zeros((len(W1), 2, 80 // block, 80 // block))
    fields = W1.reshape(len(W1), 2, 80, 80)
    for row in range(80):
        for column in range(80):
            sums[:, :, row // block, column // block] += fields[:, :, row, column]
    return sums.reshape(len(W1), -1)


def test_pooling_sums_over_blocks(W1):
    """Each block's number is the sum of its pixels', for each unit and frame by itself."""
    for block, pooled in zip(BLOCKS, pool(W1, BLOCKS), strict=True):
        np.testing.assert_array_equal(pooled, blocks_of(W1, block))
        assert pooled.flags.f_contiguous
    assert pool(W1, []) == []


def test_spreading_is_the_transpose_of_pooling(W1):
    """<spread(c), w> = <c, pool(w)> for any block weights c: so pooling gives their gradient."""
    generator = np.random.default_rng(1)
    pooled = pool(W1, BLOCKS)
    coarse = [np.asfortranarray(generator.integers(-9, 9, p.shape) * 1.0) for p in pooled]
    kept = [array.copy() for array in coarse]
    spread = np.zeros_like(W1)
    add_spread(spread, coarse, BLOCKS)
    expected = sum((c * p).sum() for c, p in zip(coarse, pooled, strict=True))
    assert (spread * W1).sum() == expected
    for array, before in zip(coarse, kept, strict=True):
        np.testing.assert_array_equal(array, before)
    add_spread(spread, [], [])
    assert (spread * W1).sum() == expected


@pytest.mark.parametrize("blocks", [BLOCKS, [4, 16], []])
def test_blocks_of_some_columns_are_those_of_all_with_zeros_elsewhere(W1, blocks):
    """For columns in any order, sums and spread numbers are those of the whole first layer."""
    generator = np.random.default_rng(3)
    columns = generator.permutation(12800)[:700]
    lit = lit_blocks(columns, blocks, 12800)
    alone = np.zeros_like(W1)
    alone[:, columns] = W1[:, columns]
    pooled = pool(alone, blocks)
    expected = np.hstack([np.zeros((3, 0)), *pooled])
    np.testing.assert_array_equal(lit.pool(W1[:, columns]), expected)
    coarse = [np.asfortranarray(generator.integers(-9, 9, p.shape) * 1.0) for p in pooled]
    some = np.asfortranarray(W1[:, columns])
    lit.add_spread(some, np.hstack([np.zeros((3, 0)), *coarse]))
    add_spread(W1, coarse, blocks)
    np.testing.assert_array_equal(some, W1[:, columns])
