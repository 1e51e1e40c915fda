import sys

import notebook_oracle as notebook
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic import fields_of

from pong_agent.vision import network_input
from pong_agent.vision.network_input import INPUT_SIZES, SparseRows, observe, observe_stored
from pong_agent.vision.pixels import (
    ObservationError,
    draw_field,
    field_pixels,
    lit_pixels,
    preprocess_frame,
)


def test_real_frames_give_the_notebooks_pixels(frames):
    """Every one of 400 real frames is reduced to exactly the notebook's field."""
    for frame in frames:
        field = preprocess_frame(frame)
        assert field.shape == (80, 80)
        assert field.dtype == np.uint8
        np.testing.assert_array_equal(field.ravel(), notebook.preprocess(frame.copy()))
    assert 20 <= fields_of(frames).sum(axis=(1, 2)).mean() <= 40  # paddles, ball, walls


@given(arrays(np.uint8, (210, 160, 3)))
def test_any_frame_gives_the_notebooks_pixels(frame):
    """Any uint8 frame, also one that Pong never shows, is treated as the notebook treats it."""
    field = preprocess_frame(frame)
    np.testing.assert_array_equal(field.ravel(), notebook.preprocess(frame.copy()))


def test_the_callers_frame_is_untouched(frames):
    """Preprocessing does not write into the frame it is given."""
    frame = frames[100].copy()
    before = frame.copy()
    preprocess_frame(frame)
    np.testing.assert_array_equal(frame, before)


def test_differences_of_real_frames_are_the_notebooks(frames):
    """The sparse difference of successive frames is the notebook's dense one, 399 times."""
    lit = [lit_pixels(frame) for frame in frames]
    dense = np.stack([notebook.preprocess(frame.copy()) for frame in frames])
    rows = observe("difference", lit[1:], lit[:-1])
    np.testing.assert_array_equal(rows.toarray(), dense[1:] - dense[:-1])
    assert len(rows) == 399


def test_lit_pixels_are_those_of_the_field(frames):
    """400 frames are lit where their fields are 1; drawn again, these pixels are the field."""
    for frame, field in zip(frames, fields_of(frames), strict=True):
        pixels = lit_pixels(frame)
        np.testing.assert_array_equal(pixels, np.flatnonzero(field))
        np.testing.assert_array_equal(field_pixels(field), pixels)
        np.testing.assert_array_equal(draw_field(pixels), field)
        assert pixels.dtype == np.uint16


def test_pong_in_other_colours_is_no_other_game(frames):
    """A very long game changes all colours: every pixel is lit then, as in the notebook."""
    frame = np.where(frames[100] == 144, 200, frames[100]).astype(np.uint8)
    assert len(lit_pixels(frame)) > 6300
    np.testing.assert_array_equal(lit_pixels(frame), np.flatnonzero(preprocess_frame(frame)))


def test_the_first_difference_is_zero(frames):
    """A field minus itself, which is how an episode starts, has no non-zeros."""
    lit = [lit_pixels(frames[0])]
    assert len(observe("difference", lit, lit).indices) == 0


def test_two_frames_stand_side_by_side(frames):
    """The current field fills the first 6,400 columns, the previous one the others."""
    fields = fields_of(frames[:50])
    lit = [field_pixels(field) for field in fields]
    rows = observe("two_frames", lit[1:], lit[:-1])
    flat = fields.reshape(50, 6400)
    np.testing.assert_array_equal(rows.toarray(), np.hstack([flat[1:], flat[:-1]]))


@given(st.sampled_from(sorted(INPUT_SIZES)), st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_stored_frames_give_the_same_rows(kind, seed, length):
    """From lit pixels alone come the rows, in the order, that came from the fields."""
    generator = np.random.default_rng(seed)
    # Sparse, with empty frames among them.
    density = generator.choice([0.0, 0.001, 0.01], size=(length, 1, 1))
    fields = (generator.random((length, 80, 80)) < density).astype(np.uint8)
    lit = [np.flatnonzero(field).astype(np.uint16) for field in fields]
    offsets = np.concatenate([[0], np.cumsum([len(pixels) for pixels in lit])]).astype(np.int64)
    current, previous = generator.integers(length, size=(2, 7))
    stored = observe_stored(kind, np.concatenate(lit), offsets, current, previous)
    direct = observe(kind, [lit[i] for i in current], [lit[i] for i in previous])
    for name in ("indices", "values", "offsets"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(direct, name))
        assert getattr(stored, name).dtype == getattr(direct, name).dtype
    assert stored.width == direct.width == INPUT_SIZES[kind]


@pytest.mark.parametrize("kind", sorted(INPUT_SIZES))
def test_rows_are_taken_joined_and_flipped_as_dense_ones(frames, kind):
    """`take`, `concatenate` and `with_flipped` do what indexing does to dense rows."""
    fields = fields_of(frames[:60])
    lit = [field_pixels(field) for field in fields]
    rows = observe(kind, lit[1:], lit[:-1])
    dense = rows.toarray()
    order = np.random.default_rng(0).permutation(59)[:30]
    np.testing.assert_array_equal(rows.take(order).toarray(), dense[order])
    joined = SparseRows.concatenate([rows.take(order[:10]), rows.take(order[10:])])
    np.testing.assert_array_equal(joined.toarray(), dense[order])
    turned = [field_pixels(field[::-1]) for field in fields]
    flipped = observe(kind, turned[1:], turned[:-1]).toarray()
    np.testing.assert_array_equal(rows.with_flipped().toarray(), np.vstack([dense, flipped]))


@pytest.mark.parametrize("kind", sorted(INPUT_SIZES))
def test_products_are_those_of_dense_rows(frames, kind, monkeypatch):
    """Rows times a matrix, and transposed, equal dense products; NumPy and SciPy agree in bits."""
    lit = [lit_pixels(frame) for frame in frames[:100]]
    rows = observe(kind, lit[1:], lit[:-1])
    dense, generator = rows.toarray().astype(float), np.random.default_rng(0)
    columns = generator.standard_normal((rows.width, 5))
    product = rows.times(columns)
    np.testing.assert_allclose(product, dense @ columns, atol=1e-12)
    gradients = generator.standard_normal((99, 5))
    np.testing.assert_allclose(rows.transposed_times(gradients), dense.T @ gradients, atol=1e-12)
    monkeypatch.setattr(network_input, "_SCIPY_FROM_ROWS", 10**9)
    assert "scipy.sparse" in sys.modules
    np.testing.assert_array_equal(rows.times(columns), product)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (np.zeros((210, 160, 3), np.float64), r"float64 of shape \(210, 160, 3\)"),
        (np.zeros((84, 84), np.uint8), r"uint8 of shape \(84, 84\)"),
        (np.zeros((210, 160), np.uint8), r"uint8 of shape \(210, 160\)"),
        (np.zeros((2, 210, 160, 3), np.uint8), r"uint8 of shape \(2, 210, 160, 3\)"),
    ],
)
def test_what_is_no_frame_is_refused(frame, found):
    """A float or wrongly shaped frame gives one error with expectation and finding."""
    with pytest.raises(ObservationError, match=rf"expected .*\(210, 160, 3\).*; found {found}"):
        preprocess_frame(frame)
