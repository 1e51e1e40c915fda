"""The window's state, and pure functions from keys and points to the next state."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from pong_agent.actions import DOWN, STAY, UP

WINNING_SCORE = 21
FRAMES_PER_COUNT = 40  # of the countdown from 3, at 60 frames per second
# Frames without a ball at the start of a game and after a point: the console's own pauses.
FRAMES_TO_FIRST_SERVE, FRAMES_TO_SERVE = 55, 63


class Phase(Enum):
    """The window's mode."""

    START = "start"  # waiting for a key
    COUNTDOWN = "countdown"  # 3, 2, 1
    PLAYING = "playing"
    PAUSED = "paused"
    OVER = "over"  # a player has 21 points
    CLOSED = "closed"


class Meaning(Enum):
    """A key's function, and pygame's names of the keys that have it."""

    UP = ("w", "UP")
    DOWN = ("s", "DOWN")
    PAUSE = ("p",)
    NEW_GAME = ("r",)
    EASIER = ("LEFT",)
    HARDER = ("RIGHT",)
    QUIT = ("q", "ESCAPE")
    OTHER = ()


@dataclass(frozen=True)
class KeyEvent:
    """A key was pressed or released."""

    key: int  # the key's number; two keys may have the same meaning
    meaning: Meaning
    pressed: bool = True  # False for a release


@dataclass(frozen=True)
class Scene:
    """The window's state, without the game's frame."""

    n_levels: int = 1  # to choose from
    level: int = 0  # index of the selected one
    phase: Phase = Phase.START
    countdown: int = 0  # frames until play continues
    serve: int = 0  # frames of play until the ball appears
    held: tuple[tuple[int, Meaning], ...] = ()  # held keys for UP and DOWN, the latest last
    score: tuple[int, int] = (0, 0)  # of the person and of the agent in this game
    games: tuple[int, int] = (0, 0)  # won by the person and by the agent
    new_game: bool = True  # whether the emulator must start a game before its next frame

    @property
    def move(self) -> int:
        """The person's action: UP, DOWN or STAY; of two held keys the later one counts."""
        if not self.held:
            return STAY
        return UP if self.held[-1][1] is Meaning.UP else DOWN

    @property
    def count(self) -> int:
        """The number shown before a serve and before play continues, 3 to 1; 0 otherwise."""
        if self.phase not in (Phase.COUNTDOWN, Phase.PLAYING):
            return 0
        return -(-(self.countdown + self.serve) // FRAMES_PER_COUNT)


def after_keys(scene: Scene, events: Iterable[KeyEvent]) -> Scene:
    """Return the scene after key events, in their order.

    Example:
        >>> scene = after_keys(Scene(), [KeyEvent(32, Meaning.OTHER)])  # the space bar
        >>> scene.phase.name, scene.count
        ('COUNTDOWN', 3)
    """
    for event in events:
        scene = _after_key(scene, event)
    return scene


def _after_key(scene: Scene, event: KeyEvent) -> Scene:
    if event.meaning in (Meaning.UP, Meaning.DOWN):
        others = tuple(one for one in scene.held if one[0] != event.key)
        held = (*others, (event.key, event.meaning)) if event.pressed else others
        scene = replace(scene, held=held)
    if not event.pressed or scene.phase is Phase.CLOSED:
        return scene
    match event.meaning:
        case Meaning.QUIT:
            return replace(scene, phase=Phase.CLOSED)
        case Meaning.NEW_GAME:
            return _new_game(scene)
        case Meaning.EASIER | Meaning.HARDER if scene.phase in (Phase.START, Phase.OVER):
            step = 1 if event.meaning is Meaning.HARDER else -1
            return replace(scene, level=min(max(scene.level + step, 0), scene.n_levels - 1))
        case Meaning.EASIER | Meaning.HARDER:
            return scene
        case Meaning.PAUSE if scene.phase in (Phase.COUNTDOWN, Phase.PLAYING):
            return replace(scene, phase=Phase.PAUSED)
    if scene.phase is Phase.PAUSED and event.meaning is Meaning.PAUSE:
        return _count_down(scene)
    return _new_game(scene) if scene.phase is Phase.START else scene


def paused(scene: Scene) -> Scene:
    """Return the scene after the window lost the keyboard focus: no key is held, play pauses."""
    playing = scene.phase in (Phase.COUNTDOWN, Phase.PLAYING)
    return replace(scene, held=(), phase=Phase.PAUSED if playing else scene.phase)


def after_frame(scene: Scene, points: int = 0) -> Scene:
    """Return the scene one frame later; points are 1 if the person scored, -1 if the agent did."""
    if scene.phase is Phase.COUNTDOWN:
        left = scene.countdown - 1
        return replace(scene, countdown=left, phase=Phase.PLAYING if left == 0 else scene.phase)
    if scene.phase is not Phase.PLAYING:
        return scene
    score = (scene.score[0] + max(points, 0), scene.score[1] + max(-points, 0))
    serve = FRAMES_TO_SERVE if points else max(scene.serve - 1, 0)
    scene = replace(scene, score=score, serve=serve)
    if max(score) < WINNING_SCORE:
        return scene
    won = score[0] > score[1]
    games = (scene.games[0] + won, scene.games[1] + (not won))
    return replace(scene, games=games, phase=Phase.OVER)


def _new_game(scene: Scene) -> Scene:
    new = replace(scene, score=(0, 0), serve=FRAMES_TO_FIRST_SERVE, new_game=True)
    return _count_down(new)


def _count_down(scene: Scene) -> Scene:
    """Start the countdown, whose last part is what the console waits until its serve."""
    countdown = 3 * FRAMES_PER_COUNT - scene.serve
    return replace(scene, phase=Phase.COUNTDOWN, countdown=countdown)
