import numpy as np
import pytest

from pong_agent.learning.ppo.blocks import add_spread, lit_blocks, pool

BLOCKS = [4, 16, (1, 80), (80, 1), (2, 4)]


@pytest.fixture
def W1():  # noqa: N802  # the name of the weights
    generator = np.random.default_rng(0)
    return np.asfortranarray(generator.integers(-9, 9, (3, 12800)).astype(np.float64))


def shape_of(block):
    return block if isinstance(block, tuple) else (block, block)


def blocks_of(W1, block):
    """Sums over blocks, written pixel by pixel."""
    height, width = shape_of(block)
    sums = np.zeros((len(W1), 2, 80 // height, 80 // width))
    pictures = W1.reshape(len(W1), 2, 80, 80)
    for row in range(80):
        for column in range(80):
            sums[:, :, row // height, column // width] += pictures[:, :, row, column]
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
