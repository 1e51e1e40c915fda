"""The window's content: the enlarged frame below the score, and a panel with keys beside it."""

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
_SCORE_HEIGHT = 24  # rows above the court, with the console's score, in the same unit
_PANEL_WIDTH = 92
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
        case Phase.COUNTDOWN | Phase.PLAYING if scene.count:
            return [TextLine(str(scene.count), 30)]
        case Phase.PAUSED:
            return [TextLine("Paused", 18), TextLine("P to continue", 9)]
        case Phase.OVER:
            won = scene.score[0] > scene.score[1]
            return [
                TextLine("You win" if won else "The agent wins", 16, own if won else other),
                TextLine(on_screen(scene.score, person), 16),
                TextLine(""),
                TextLine("R for a new game", 9),
                TextLine(""),
                *_choice(level, other),
            ]
    return []


def _choice(level: str, colour: Colour) -> list[TextLine]:
    return [TextLine(f"< {level} >", 11, colour), TextLine("Left, Right: change level", 7, MUTED)]


def on_screen(numbers: tuple[int, int], person: Side) -> str:
    """Return the person's and the agent's number in the order of their sides.

    Example:
        >>> on_screen((1, 21), "right")
        '21 : 1'
    """
    left, right = numbers if person == "left" else numbers[::-1]
    return f"{left} : {right}"


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
        self._paint_score(scene)
        self._write_centred(message(scene, level.name, self._person))
        self._paint_panel(scene, level)

    def _paint_game(self, frame: NDArray[np.uint8], *, dim: bool) -> None:
        import pygame

        small = pygame.image.frombuffer(frame.tobytes(), GAME_SIZE, "RGB")
        enlarged = pygame.transform.scale_by(small, self._scale)  # nearest neighbour
        if dim:
            enlarged.fill((70, 70, 70), special_flags=pygame.BLEND_RGB_MULT)
        self._surface.blit(enlarged, (self._left, self._top))

    def _paint_score(self, scene: Scene) -> None:
        """Cover the console's score, which stays at 20 when the 21st point ends the game."""
        size = (self._scale * GAME_SIZE[0], self._scale * _SCORE_HEIGHT)
        self._surface.fill(GROUND, ((self._left, self._top), size))
        players = [("You", scene.score[0]), ("Agent", scene.score[1])]
        left, right = players if self._person == "left" else players[::-1]
        self._write(left[0], 8, 10, LEFT, x=8)
        self._write(str(left[1]), 4, 16, LEFT, x=72, right=True)
        self._write(str(right[1]), 4, 16, RIGHT, x=GAME_SIZE[0] - 72)
        self._write(right[0], 8, 10, RIGHT, x=GAME_SIZE[0] - 8, right=True)

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
        left, right = GAME_SIZE[0] + 6, WINDOW_SIZE[0] - 6
        self._write("Games won", 10, 7, MUTED, x=left)
        games = on_screen(scene.games, self._person)
        self._write(games, 10, 7, TEXT, x=right, right=True)
        self._write(level.name, 34, 8, colours(self._person)[1], x=left)
        for i, line in enumerate(level.about):
            self._write(line, 45 + 8 * i, 6, MUTED, x=left)
        for y, (key, meaning) in zip(range(145, 200, 11), _KEYS, strict=True):
            self._write(key, y, 7, TEXT, x=left)
            self._write(meaning, y, 7, MUTED, x=right, right=True)

    def _write(
        self, text: str, y: int, size: int, colour: Colour, *, x: int, right: bool = False
    ) -> None:
        """Write a line that begins, or with `right` ends, at the column x of the console."""
        rendered = self._font(size).render(text, True, colour)
        column = self._left + self._scale * x - right * rendered.get_width()
        self._surface.blit(rendered, (column, self._top + self._scale * y))

    def _font(self, size: int) -> "pygame.font.Font":
        import pygame

        if size not in self._fonts:
            self._fonts[size] = pygame.font.Font(None, round(1.45 * size * self._scale))
        return self._fonts[size]
