import numpy as np
import pytest

from pong_agent.algorithms.blocks import add_spread, pool
from pong_agent.algorithms.optimizers import adam_descent, multiresolution_adam_descent

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


def test_adam_at_several_resolutions_is_adam_on_each_term(W1):
    """W1 moves as the sum of pixel and block weights does that Adam moves one by one."""
    generator = np.random.default_rng(2)
    options = {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.5}
    terms = {"W1": W1.copy(order="F"), "b": np.zeros(2)}
    terms |= {f"W1/{b}": np.zeros_like(p) for b, p in zip(BLOCKS, pool(W1, BLOCKS), strict=True)}
    moments = {
        f"{kind}/{name}": np.zeros_like(term)
        for name, term in terms.items()
        for kind in ("mean", "square")
    }
    weights = {"W1": W1.copy(order="F"), "b": np.zeros(2)}
    state = {name: array.copy(order="K") for name, array in moments.items()} | {"step": np.zeros(1)}
    moments["step"] = np.zeros(1)
    for _ in range(3):
        gradients = {
            "W1": np.asfortranarray(generator.standard_normal(W1.shape)),
            "b": generator.standard_normal(2),
        }
        multiresolution_adam_descent(weights, gradients, state, BLOCKS, **options)
        pooled = {f"W1/{block}": blocks_of(gradients["W1"], block) for block in BLOCKS}
        pooled = {name: np.asfortranarray(array) for name, array in pooled.items()}
        adam_descent(terms, gradients | pooled, moments, **options)
    expected = terms["W1"].copy()
    for block in BLOCKS:
        height, width = shape_of(block)
        picture = terms[f"W1/{block}"].reshape(3, 2, 80 // height, 80 // width)
        expected += picture.repeat(height, axis=2).repeat(width, axis=3).reshape(3, -1)
    np.testing.assert_allclose(weights["W1"], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(weights["b"], terms["b"])
    assert not np.allclose(weights["W1"], terms["W1"])
