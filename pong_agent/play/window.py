"""The window in which a person plays against an agent, at the console's 60 frames per second."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pong_agent.play.drawing import PICTURE_SIZE, Painter, largest_scale
from pong_agent.play.scene import KeyEvent, Meaning, Phase, Scene, after_frame, after_keys, paused

FPS = 60  # of the Atari 2600 (NTSC)
_OF_DESKTOP = 0.85  # what the window takes of it at first, at most


class WindowError(RuntimeError):
    """The window cannot be opened; the message says what is missing."""


class Match(Protocol):
    """A game of a person on the left against an agent on the right."""

    @property
    def screen(self) -> NDArray[np.uint8]:
        """The emulator's screen, [210, 160, 3] uint8 RGB."""
        ...

    def reset(self, level: int) -> None:
        """Start a game at a level, by its number from 0."""
        ...

    def step(self, move: int) -> int:
        """Play one emulator frame, in which the person moves UP, DOWN or STAYs.

        Returns:
            1 where the person scored, -1 where the agent did, 0 otherwise.
        """
        ...


@dataclass(frozen=True)
class Level:
    """An opponent to choose.

    Attributes:
        name: of one or two words.
        about: what it is, in a few lines of at most 24 letters.
    """

    name: str
    about: tuple[str, ...]


def run_window(
    match: Match,
    levels: Sequence[Level],
    level: int = 0,
    *,
    tick: Callable[[], Any] | None = None,
    on_paint: Callable[[Any, Scene], None] | None = None,
) -> Scene:
    """Open the window, and play until it is closed.

    Args:
        match: the game.
        levels: opponents to choose from, the easiest first.
        level: index of the one that is chosen at first.
        tick: called once for each frame, to wait until it is due; by default a clock that gives 60
            frames per second.
        on_paint: called with the window's surface and the scene after each frame is drawn.

    Returns:
        The last scene, which holds the games won.

    Raises:
        WindowError: pygame is missing, or there is no display.
    """
    pygame = _import_pygame()
    surface = _open(pygame)
    try:
        painter = Painter(surface)
        tick = tick or _clock(pygame)
        scene = Scene(n_levels=len(levels), level=level)
        while scene.phase is not Phase.CLOSED:
            for event in pygame.event.get():
                if event.type == pygame.VIDEORESIZE:
                    painter = Painter(pygame.display.get_surface())
                scene = _after_event(pygame, scene, event)
            if scene.new_game:
                match.reset(scene.level)
                scene = replace(scene, new_game=False)
            playing = scene.phase is Phase.PLAYING
            scene = after_frame(scene, match.step(scene.move) if playing else 0)
            chosen = levels[scene.level]
            painter.paint(scene, match.screen, chosen.name, chosen.about)
            pygame.display.flip()
            if on_paint is not None:
                on_paint(pygame.display.get_surface(), scene)
            tick()
        return scene
    finally:
        pygame.quit()


def _import_pygame() -> Any:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own use of old packages
            import pygame
    except ImportError as error:
        raise WindowError(
            "play: expected the library pygame, which comes with "
            f"pip install 'pong-agent[play]': {error}"
        ) from error
    return pygame


def _open(pygame: Any) -> Any:
    """Open the window as large as the desktop allows, and return its surface.

    Raises:
        WindowError: there is no display.
    """
    expected = "play: expected a display to open a window on, found"
    try:
        pygame.display.init()
        pygame.font.init()
        # Without a display SDL draws where nobody sees it, unless it was asked to.
        driver = pygame.display.get_driver()
        if driver == "offscreen" and os.environ.get("SDL_VIDEODRIVER") != driver:
            raise WindowError(f"{expected} none (DISPLAY and WAYLAND_DISPLAY say where it is)")
        width, height = pygame.display.get_desktop_sizes()[0]
        scale = largest_scale((int(_OF_DESKTOP * width), int(_OF_DESKTOP * height)))
        pygame.display.set_caption("Pong: you against the agent")
        size = tuple(scale * side for side in PICTURE_SIZE)
        return pygame.display.set_mode(size, pygame.RESIZABLE)
    except pygame.error as error:
        raise WindowError(f"{expected} none: {error}") from error


def _clock(pygame: Any) -> Callable[[], Any]:
    clock = pygame.time.Clock()
    return lambda: clock.tick(FPS)


def _after_event(pygame: Any, scene: Scene, event: Any) -> Scene:
    if event.type == pygame.QUIT:
        return replace(scene, phase=Phase.CLOSED)
    if event.type == pygame.WINDOWFOCUSLOST:
        return paused(scene)
    if event.type in (pygame.KEYDOWN, pygame.KEYUP):
        meaning = _meaning(pygame, event.key)
        return after_keys(scene, [KeyEvent(event.key, meaning, event.type == pygame.KEYDOWN)])
    return scene


def _meaning(pygame: Any, key: int) -> Meaning:
    meanings = {
        pygame.K_w: Meaning.UP,
        pygame.K_UP: Meaning.UP,
        pygame.K_s: Meaning.DOWN,
        pygame.K_DOWN: Meaning.DOWN,
        pygame.K_p: Meaning.PAUSE,
        pygame.K_r: Meaning.NEW_GAME,
        pygame.K_LEFT: Meaning.EASIER,
        pygame.K_RIGHT: Meaning.HARDER,
        pygame.K_ESCAPE: Meaning.QUIT,
        pygame.K_q: Meaning.QUIT,
    }
    return meanings.get(key, Meaning.OTHER)
