"""The window's content: the enlarged frame, and a panel with score and keys beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pong_agent.play.duel import Side
from pong_agent.play.levels import Level
from pong_agent.play.scene import WINNING_SCORE, Phase, Scene
from pong_agent.recording.palette import GROUND, LEFT, MUTED, RIGHT, TEXT, Colour

if TYPE_CHECKING:
    import pygame

GAME_SIZE = (160, 210)  # width and height, in pixels of the console
_PANEL_WIDTH = 92  # in the same unit
WINDOW_SIZE = (GAME_SIZE[0] + _PANEL_WIDTH, GAME_SIZE[1])

_KEYS = (
    ("W, Up", "up"),
    ("S, Down", "down"),
    ("P", "pause"),
    ("R", "new game"),
    ("Esc, Q", "quit"),
)


@dataclass(frozen=True)
class TextLine:
    """A line of text."""

    text: str
    size: int = 7  # of the letters, in pixels of the console
    colour: Colour = TEXT


def largest_scale(size: tuple[int, int]) -> int:
    """Return the largest whole number by which the content can be enlarged, at least 1.

    Example:
        >>> largest_scale((1920, 1000))
        4
    """
    return max(1, min(size[0] // WINDOW_SIZE[0], size[1] // WINDOW_SIZE[1]))


def message(scene: Scene, level: str, person: Side) -> list[TextLine]:
    """Return the text written across the game, empty while it is played."""
    own, other = colours(person)
    match scene.phase:
        case Phase.START:
            return [
                TextLine("Pong", 22),
                TextLine(f"You play on the {person}.", 9, own),
                TextLine(f"First to {WINNING_SCORE}.", 9),
                TextLine(""),
                *_choice(level, other),
                TextLine(""),
                TextLine("Press a key to start", 9),
            ]
        case Phase.COUNTDOWN:
            return [TextLine(str(scene.count), 30)]
        case Phase.PAUSED:
            return [TextLine("Paused", 18), TextLine("P to continue", 9)]
        case Phase.OVER:
            won = scene.score[0] > scene.score[1]
            return [
                TextLine("You win" if won else "The agent wins", 16, own if won else other),
                TextLine(f"{scene.score[0]} : {scene.score[1]}", 16),
                TextLine(""),
                TextLine("R for a new game", 9),
                TextLine(""),
                *_choice(level, other),
            ]
    return []


def _choice(level: str, colour: Colour) -> list[TextLine]:
    return [TextLine(f"< {level} >", 11, colour), TextLine("Left, Right: change level", 7, MUTED)]


def colours(person: Side) -> tuple[Colour, Colour]:
    """Return the colours of the person and of the agent, near those of their paddles."""
    return (LEFT, RIGHT) if person == "left" else (RIGHT, LEFT)


class Painter:
    """Draws scenes on a surface of any size, with square console pixels."""

    def __init__(self, surface: "pygame.Surface", person: Side) -> None:
        self._surface = surface
        self._person = person
        self._scale = largest_scale(surface.get_size())
        width, height = (self._scale * side for side in WINDOW_SIZE)
        self._left = (surface.get_width() - width) // 2
        self._top = (surface.get_height() - height) // 2
        self._fonts: dict[int, pygame.font.Font] = {}

    def paint(self, scene: Scene, frame: NDArray[np.uint8], level: Level) -> None:
        """Draw a scene, its frame, [210, 160, 3] uint8 RGB, and the level selected."""
        self._surface.fill(GROUND)
        self._paint_game(frame, dim=scene.phase not in (Phase.PLAYING, Phase.COUNTDOWN))
        self._write_centred(message(scene, level.name, self._person))
        self._paint_panel(scene, level)

    def _paint_game(self, frame: NDArray[np.uint8], *, dim: bool) -> None:
        import pygame

        small = pygame.image.frombuffer(frame.tobytes(), GAME_SIZE, "RGB")
        enlarged = pygame.transform.scale_by(small, self._scale)  # nearest neighbour
        if dim:
            enlarged.fill((70, 70, 70), special_flags=pygame.BLEND_RGB_MULT)
        self._surface.blit(enlarged, (self._left, self._top))

    def _write_centred(self, lines: Sequence[TextLine]) -> None:
        heights = [self._font(line.size).get_linesize() for line in lines]
        middle = self._left + self._scale * GAME_SIZE[0] // 2
        # The middle of the playing field, which is not that of the frame.
        y = self._top + self._scale * 114 - sum(heights) // 2
        for line, height in zip(lines, heights, strict=True):
            text = self._font(line.size).render(line.text, True, line.colour)
            self._surface.blit(text, (middle - text.get_width() // 2, y))
            y += height

    def _paint_panel(self, scene: Scene, level: Level) -> None:
        own, other = colours(self._person)
        for y, name, points, colour in (
            (12, "You", scene.score[0], own),
            (32, "Agent", scene.score[1], other),
        ):
            self._write(name, y + 4, 10, colour)
            self._write(str(points), y, 16, colour, right=True)
        self._write("Games won", 54, 7, MUTED)
        self._write(f"{scene.games[0]} : {scene.games[1]}", 54, 7, TEXT, right=True)
        self._write(level.name, 74, 8, other)
        for i, line in enumerate(level.about):
            self._write(line, 85 + 8 * i, 6, MUTED)
        for y, (key, meaning) in zip(range(145, 200, 11), _KEYS, strict=True):
            self._write(key, y, 7, TEXT)
            self._write(meaning, y, 7, MUTED, right=True)

    def _write(self, text: str, y: int, size: int, colour: Colour, *, right: bool = False) -> None:
        """Write into the panel, at its left or right side."""
        rendered = self._font(size).render(text, True, colour)
        x = self._left + self._scale * (GAME_SIZE[0] + 6)
        if right:
            x = self._left + self._scale * (WINDOW_SIZE[0] - 6) - rendered.get_width()
        self._surface.blit(rendered, (x, self._top + self._scale * y))

    def _font(self, size: int) -> "pygame.font.Font":
        import pygame

        if size not in self._fonts:
            self._fonts[size] = pygame.font.Font(None, round(1.45 * size * self._scale))
        return self._fonts[size]
