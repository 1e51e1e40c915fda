import numpy as np
import pytest

from pong_agent.learning.ppo.sparse_first_layer import lit_rows
from pong_agent.vision.network_input import INPUT_SIZES, SparseRows


@pytest.fixture(params=sorted(INPUT_SIZES))
def rows(request):
    """Fifty rows of paddles, balls and noise, with an empty one, in each kind's values."""
    generator = np.random.default_rng(4)
    width = INPUT_SIZES[request.param]
    dense = np.zeros((50, width // 6400, 80, 80), np.int8)
    for row in dense[1:]:
        for field in row:
            for column, height in ((8, 8), (9, 8), (70, 8), (71, 8), (30, 2), (31, 1)):
                top = generator.integers(0, 81 - height)
                field[top : top + height, column] = 1
            if request.param != "two_frames":
                field *= generator.choice([-1, 1], (80, 80), p=[0.1, 0.9])
    dense[2, :, :, 40] = 1  # a run from top to bottom, and one that begins where it ends
    dense[2, :, 0, 41] = 1
    where, columns = np.nonzero(dense.reshape(50, width))
    return SparseRows(
        indices=columns.astype(np.uint16),
        values=dense.reshape(50, width)[where, columns],
        offsets=np.searchsorted(where, np.arange(51)).astype(np.int64),
        width=width,
    )


@pytest.mark.parametrize("mirror", [False, True])
def test_products_are_those_of_dense_rows(rows, mirror):
    """Both directions, of all rows and of some, upright and upside down; in whole numbers."""
    generator = np.random.default_rng(0)
    lit = lit_rows(rows, mirror=mirror)
    views = np.split(rows.with_flipped().toarray(), 2)[: 1 + mirror]
    assert sorted(lit.columns) == np.flatnonzero(np.any(views, axis=(0, 1))).tolist()
    assert len(lit) == 50
    W1 = np.asfortranarray(generator.integers(-9, 9, (6, rows.width)) * 1.0)
    some = generator.permutation(50)[:20]
    for part, number in ((lit, np.arange(50)), (lit.take(some), some), (lit.take(some[:0]), [])):
        fields = [view[np.asarray(number, np.int64)].astype(np.float64) for view in views]
        expected = np.hstack([field @ W1.T for field in fields])
        np.testing.assert_array_equal(part.times(W1[:, lit.columns]), expected)
        gradients = generator.integers(-9, 9, expected.shape) * 1.0
        halves = np.split(gradients, 1 + mirror, axis=1)
        whole = sum(half.T @ field for half, field in zip(halves, fields, strict=True))
        found = part.transposed_times(gradients)
        np.testing.assert_array_equal(found, whole[:, lit.columns])
        assert found.flags.f_contiguous


def test_paddles_are_runs(rows):
    """There are far fewer terms than lit pixels, and the columns within runs come first."""
    lit = lit_rows(rows, mirror=True)
    assert lit.terms.nnz < 0.8 * 2 * len(rows.indices)
    assert lit.members.nnz > 3 * lit.members.shape[0]
    assert set(np.unique(lit.members.indices)) == set(range(lit.members.shape[1]))


def test_rows_without_a_lit_pixel_are_zeros():
    """Nothing lit is no column, and pre-activations of zero."""
    empty = SparseRows(np.zeros(0, np.uint16), np.zeros(0, np.int8), np.zeros(4, np.int64), 6400)
    lit = lit_rows(empty, mirror=True)
    assert len(lit.columns) == 0
    np.testing.assert_array_equal(lit.times(np.zeros((5, 0))), np.zeros((3, 10)))
    assert lit.transposed_times(np.ones((3, 10))).shape == (5, 0)
