"""The package's colours, named by meaning: for videos, the report, plots, matches and the window.

The coloured ones are those of M. Okabe and K. Ito, "Color Universal Design", 2008, or near them:
the colour-blind can tell apart those that are shown together, and each is legible on GROUND and on
white paper.
"""

from collections.abc import Sequence
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]  # red, green, blue, 0 to 255

# The dark ground of videos and of the window.
GROUND: Colour = (16, 20, 24)
RAISED: Colour = (36, 43, 50)  # boxes on the ground
TEXT: Colour = (232, 237, 242)
MUTED: Colour = (150, 161, 172)  # text of less importance

# The players, by their side: the hues are near those of the emulator's paddles, orange and green.
LEFT: Colour = (213, 94, 0)
RIGHT: Colour = (0, 158, 115)
OPPONENT, AGENT = LEFT, RIGHT  # wherever an agent plays the console's own opponent

# The actions.
UP: Colour = (30, 125, 200)
DOWN: Colour = (184, 138, 0)
STAY: Colour = (128, 136, 144)

# Numbers of both signs, such as weights.
POSITIVE: Colour = (204, 90, 160)
NEGATIVE: Colour = (110, 140, 0)

# Curves next to each other on white paper: none has a colour with a meaning above.
SERIES: Sequence[Colour] = (
    (120, 90, 200),
    (130, 20, 40),
    (0, 128, 140),
    (235, 140, 120),
    (70, 190, 230),
    (120, 75, 30),
    (40, 40, 40),
)
REFERENCE: Colour = (153, 153, 153)  # lines on white paper that are no data


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two others; `share` is that of the second.

    Example:
        >>> mixed((0, 0, 0), (200, 100, 0), 0.5)
        (100, 50, 0)
    """
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def hex_code(colour: Colour) -> str:
    """Return a colour as CSS and Matplotlib write it.

    Example:
        >>> hex_code(AGENT)
        '#009e73'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)
