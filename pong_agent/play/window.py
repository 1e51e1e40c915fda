"""The window in which a person plays against an agent, at the console's 60 frames per second."""

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pong_agent.envs.two_players import FRAMES_PER_SECOND
from pong_agent.errors import MissingPackageError, PongError, require
from pong_agent.play.drawing import WINDOW_SIZE, Painter, largest_scale
from pong_agent.play.duel import Duel
from pong_agent.play.levels import LEVELS
from pong_agent.play.scene import KeyEvent, Meaning, Phase, Scene, after_frame, after_keys, paused

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")  # variables that name a display
_FRAME = 1 / FRAMES_PER_SECOND  # seconds
_DESKTOP_SHARE = 0.85  # of the desktop's width and height that the window takes at first


class WindowError(PongError, RuntimeError):
    """The window cannot be opened; the message says what is missing."""


def run_window(
    duel: Duel,
    level: str = "normal",
    *,
    tick: Callable[[], Any] | None = None,
    on_paint: Callable[[Any, Scene], None] | None = None,
) -> Scene:
    """Open the window, play until it is closed, and return the last scene with the games won.

    The function `tick` waits until the next frame is due, by default 60 times per second;
    `on_paint` receives the window's surface and the scene after each frame is drawn.

    Raises:
        MissingPackageError: pygame is not installed.
        WindowError: pygame does not work, or there is no display.
    """
    pygame = import_pygame()
    surface = _open(pygame)
    try:
        painter = Painter(surface, duel.person)
        tick = tick or _clock()
        scene = Scene(len(LEVELS), [one.name for one in LEVELS].index(level))
        while scene.phase is not Phase.CLOSED:
            for event in pygame.event.get():
                if event.type == pygame.VIDEORESIZE:
                    painter = Painter(pygame.display.get_surface(), duel.person)
                scene = _after_event(pygame, scene, event)
            if scene.new_game:
                duel.reset(LEVELS[scene.level])
                scene = replace(scene, new_game=False)
            playing = scene.phase is Phase.PLAYING
            scene = after_frame(scene, duel.step(scene.move) if playing else 0)
            painter.paint(scene, duel.frame, LEVELS[scene.level])
            pygame.display.flip()
            if on_paint is not None:
                on_paint(pygame.display.get_surface(), scene)
            tick()
        return scene
    finally:
        pygame.quit()


def import_pygame() -> Any:
    """Return pygame; raise MissingPackageError or WindowError."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pygame itself uses deprecated packages
        try:
            return require("pygame", "play")
        except MissingPackageError:
            raise
        except ImportError as error:
            raise WindowError(f"play: expected a pygame that works, found: {error}") from error


def _open(pygame: Any) -> Any:
    """Open the window as large as the desktop allows, and return its surface."""
    expected = "play: expected a display to open a window on, found"
    if sys.platform.startswith("linux") and not any(map(os.environ.get, _DISPLAYS)):
        raise WindowError(f"{expected} none of the variables {', '.join(_DISPLAYS)}")
    try:
        with _silent_libraries():
            pygame.display.init()
        pygame.font.init()
        # Without a display SDL falls back to drawing off screen.
        driver = pygame.display.get_driver()
        if driver == "offscreen" and os.environ.get("SDL_VIDEODRIVER") != driver:
            given = [f"{one}={os.environ[one]}" for one in _DISPLAYS if os.environ.get(one)]
            raise WindowError(f"{expected} none with {', '.join(given) or 'this desktop'}")
        width, height = pygame.display.get_desktop_sizes()[0]
        scale = largest_scale((int(_DESKTOP_SHARE * width), int(_DESKTOP_SHARE * height)))
        pygame.mouse.set_visible(False)
        pygame.display.set_caption("Pong: you against the agent")
        size = tuple(scale * side for side in WINDOW_SIZE)
        return pygame.display.set_mode(size, pygame.RESIZABLE)
    except (pygame.error, NotImplementedError) as error:  # a pygame built without fonts
        raise WindowError(f"{expected} none: {error}") from error


@contextlib.contextmanager
def _silent_libraries() -> Iterator[None]:
    """Drop what C libraries print about displays that they try; an error of SDL follows."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _clock() -> Callable[[], None]:
    """Return a function that waits for the next frame; pygame's clock is only exact to 1 ms."""
    due = time.monotonic()

    def wait() -> None:
        nonlocal due
        # After a late frame the game does not run faster to catch up.
        due = max(due + _FRAME, time.monotonic() - _FRAME)
        time.sleep(max(0.0, due - time.monotonic()))

    return wait


def _after_event(pygame: Any, scene: Scene, event: Any) -> Scene:
    if event.type == pygame.QUIT:
        return replace(scene, phase=Phase.CLOSED)
    if event.type == pygame.WINDOWFOCUSLOST:
        return paused(scene)
    if event.type in (pygame.KEYDOWN, pygame.KEYUP):
        keys = {getattr(pygame, f"K_{name}"): one for one in Meaning for name in one.value}
        meaning = keys.get(event.key, Meaning.OTHER)
        return after_keys(scene, [KeyEvent(event.key, meaning, event.type == pygame.KEYDOWN)])
    return scene
