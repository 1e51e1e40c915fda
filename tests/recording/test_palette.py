"""The colours, judged as people see them: contrast by WCAG 2, colour blindness by Machado 2009."""

import itertools

import numpy as np
import pytest

from pong_agent.recording import palette

WHITE = (255, 255, 255)
CODED = {
    "players": {"AGENT", "OPPONENT"},
    "actions": {"UP", "DOWN", "STAY"},
    "signs": {"POSITIVE", "NEGATIVE"},
}
# G. M. Machado et al., "A physiologically-based model for simulation of color vision deficiency",
# 2009: the matrices of full deficiency, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ]
    ),
}
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def linear(colour):
    share = np.array(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def distance(one, other, vision):
    """Distance in CIELAB, where 2.3 is just noticeable."""

    def lab(colour):
        xyz = TO_XYZ @ np.clip(VISION[vision] @ linear(colour), 0, 1) / TO_XYZ.sum(axis=1)
        x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    return float(np.linalg.norm(lab(one) - lab(other)))


@pytest.mark.parametrize("name", sorted(set.union(*CODED.values())))
def test_coloured_text_is_legible_on_dark_and_light(name):
    """Contrast is at least 3 to 1, WCAG's bound for large text and graphics."""
    colour = getattr(palette, name)
    assert contrast(colour, palette.GROUND) >= 3
    assert contrast(colour, WHITE) >= 3


def test_text_is_legible():
    """Contrast is at least 4.5 to 1, WCAG's bound for text, on the ground and on its boxes."""
    for ground in (palette.GROUND, palette.RAISED):
        assert contrast(palette.TEXT, ground) >= 4.5
        assert contrast(palette.MUTED, ground) >= 4.5


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("names", CODED.values(), ids=CODED.keys())
def test_colours_shown_together_are_told_apart(names, vision):
    """By the colour-blind too: some ten times the just noticeable distance."""
    for one, other in itertools.combinations(sorted(names), 2):
        assert distance(getattr(palette, one), getattr(palette, other), vision) > 20


def test_each_meaning_has_a_colour_of_its_own():
    """No action borrows a player's colour, and no sign an action's."""
    for one, other in itertools.combinations(sorted(set.union(*CODED.values())), 2):
        assert distance(getattr(palette, one), getattr(palette, other), "normal") > 20


def test_curves_borrow_no_meaning_and_five_are_told_apart():
    """By the colour-blind too; further curves rely on the order of the legend."""
    for one, name in itertools.product(palette.SERIES, sorted(set.union(*CODED.values()))):
        assert distance(one, getattr(palette, name), "normal") > 20
    for (one, other), vision in itertools.product(
        itertools.combinations(palette.SERIES[:5], 2), VISION
    ):
        assert distance(one, other, vision) > 20
