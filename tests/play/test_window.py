import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import play_image
from pong_agent import PongAgent
from pong_agent.cli.app import main
from pong_agent.play import scene as scene_module
from pong_agent.play.drawing import largest_scale
from pong_agent.play.duel import Duel
from pong_agent.play.scene import FRAMES_PER_COUNT, FRAMES_TO_FIRST_SERVE, FRAMES_TO_SERVE, Phase
from pong_agent.play.window import run_window
from pong_agent.recording.palette import GROUND, LEFT, RIGHT

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
pygame = pytest.importorskip("pygame")

SCALE = 3  # on the dummy display, which is 1024 x 768
COUNTDOWN = 3 * FRAMES_PER_COUNT - FRAMES_TO_FIRST_SERVE  # frames before the emulator's first
SCORE_ROWS = 24  # of the console, which the window's own score covers
ORANGE = (213, 130, 74)  # the left paddle


@pytest.fixture(scope="module")
def emulators():
    """A duel with the trained agent, whose emulators take long to load."""
    duel = Duel(PongAgent.pretrained())
    yield duel
    duel.close()


@pytest.fixture
def duel(emulators, monkeypatch):
    """A duel in which no game was played, for a window without a display."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    emulators.games = 0
    return emulators


def press(*names):
    for name in names:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=getattr(pygame, f"K_{name}")))


def release(name):
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=getattr(pygame, f"K_{name}")))


class Played:
    """A window with actions at the beginning of some frames, counted from 1.

    Attributes:
        last: the scene at the end.
        scenes: the scene after each frame.
        frames: the emulator's frame, likewise.
        counts: the number of frames that the emulator has played, likewise.
        image: what the window showed after the frame `look_at`, [height, width, RGB].
    """

    def __init__(self, duel, actions, *, always=lambda _: None, look_at=None, level="normal"):
        self._duel, self._actions, self._always, self._look_at = duel, actions, always, look_at
        self.scenes, self.frames, self.counts, self.image = [], [], [], None
        self.last = run_window(duel, level, tick=self._tick, on_paint=self._keep)

    def _tick(self):
        self._actions.get(len(self.scenes), lambda: None)()
        self._always(self.scenes[-1])

    def _keep(self, surface, scene):
        if len(self.scenes) == self._look_at:
            self.image = pygame.surfarray.array3d(surface).swapaxes(0, 1)
        self.scenes.append(scene)
        self.frames.append(self._duel.frame)
        self.counts.append(self._duel.pong.frames)


def paddle_row(frame, column=16):
    """Return the first row of the left paddle, or of the right one in the column 140."""
    colour = ORANGE if column == 16 else (92, 186, 92)
    return int(np.flatnonzero((frame[34:194, column] == colour).all(axis=1)).min())


@pytest.mark.parametrize(("up", "down"), [("w", "s"), ("UP", "DOWN")])
def test_keys_move_the_left_paddle(duel, up, down):
    """It moves down while DOWN is held, up while UP is held, then stays."""
    start = COUNTDOWN + 10
    played = Played(
        duel,
        {
            1: lambda: press("SPACE"),
            start: lambda: press(down),
            start + 15: lambda: (release(down), press(up)),
            start + 45: lambda: release(up),
            start + 75: lambda: press("q"),
        },
    )
    rows = [paddle_row(played.frames[start + at]) for at in (-1, 14, 44, 60, 74)]
    assert rows[0] + 10 < rows[1]
    assert rows[2] < rows[1] - 20
    assert rows[3] == rows[4]


def test_the_other_side(monkeypatch):
    """A person on the right moves the right paddle, and the agent the left one."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    duel = Duel(PongAgent.pretrained(), person="right")
    start = COUNTDOWN + 10
    actions = {start: lambda: press("s"), start + 20: lambda: press("q")}
    played = Played(duel, {1: lambda: press("SPACE"), **actions})
    duel.close()
    rows = [paddle_row(played.frames[start + at], column=140) for at in (-1, 18)]
    assert rows[0] + 10 < rows[1]


def test_start_countdown_pause_and_quit(duel):
    """The emulator plays one frame per frame of the phase PLAYING, and none otherwise."""
    played = Played(
        duel,
        {
            3: lambda: press("RIGHT"),
            5: lambda: press("SPACE"),
            COUNTDOWN + 35: lambda: press("p"),
            COUNTDOWN + 55: lambda: press("p"),
            COUNTDOWN + 180: lambda: press("ESCAPE"),
        },
    )
    phases = [scene.phase for scene in played.scenes]
    start, count, play, pause = Phase.START, Phase.COUNTDOWN, Phase.PLAYING, Phase.PAUSED
    at = [0, 5, *(COUNTDOWN + later for later in (10, 40, 60, 170))]
    assert [phases[frame] for frame in at] == [
        start, count, play, pause, count, play,
    ]  # fmt: skip
    playing = [before is after is play for before, after in itertools.pairwise(phases)]
    assert np.diff(played.counts).tolist() == playing
    assert [scene.level for scene in played.scenes[2:4]] == [1, 2]
    assert (played.last.phase, played.last.games) == (Phase.CLOSED, (0, 0))


def test_the_window_shows_the_enlarged_frame(duel):
    """Each of the console's pixels is a square of one colour; the window's score covers its own."""
    at = COUNTDOWN + 80
    actions = {1: lambda: press("SPACE"), at + 2: lambda: press("q")}
    played = Played(duel, actions, look_at=at)
    image = played.image
    assert largest_scale(image.shape[1::-1]) == SCALE
    enlarged = played.frames[at].repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    court = SCORE_ROWS * SCALE
    np.testing.assert_array_equal(image[court:, : 160 * SCALE], enlarged[court:])
    score = image[:court, : 160 * SCALE]
    shown = [int((score == colour).all(axis=2).sum()) for colour in (LEFT, RIGHT, GROUND)]
    assert min(shown) > 100
    assert sum(shown) > 0.9 * score.shape[0] * score.shape[1]


def test_the_countdown_ends_when_the_ball_appears(duel):
    """Before the first serve and after a point, no ball is on the court until then."""
    actions = {1: lambda: press("SPACE"), COUNTDOWN + 210: lambda: press("q")}
    played = Played(duel, actions)
    serves = [scene.serve for scene in played.scenes[COUNTDOWN + 2 : -1]]
    balls = [(frame[34:194] == 236).all(axis=2).any() for frame in played.frames]
    for serve, ball in zip(serves, balls[COUNTDOWN + 2 : -1], strict=True):
        assert ball == (serve in (0, FRAMES_TO_SERVE))  # the latter at the point itself
    assert FRAMES_TO_SERVE in serves
    assert serves[-1] == 0


def test_the_image_of_the_window(tmp_path, monkeypatch):
    """`scripts/play_image.py` draws a game in play in the palette's colours, in few bytes."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    play_image.make_image(tmp_path / "play.png", points=0)
    for path in (tmp_path / "play.png", play_image.IMAGE):
        image = Image.open(path).convert("RGB")
        assert image.size == (252 * SCALE, 210 * SCALE)
        assert {GROUND, LEFT, RIGHT, ORANGE} <= {colour for _, colour in image.getcolors()}
        assert path.stat().st_size < 20_000


def test_points_are_counted_and_r_restarts(duel):
    """An idle person loses points; R resets the score and starts a game."""
    begin = COUNTDOWN + 260
    actions = {begin: lambda: press("r"), begin + 5: lambda: press("q")}
    played = Played(duel, {1: lambda: press("SPACE"), **actions})
    before, after = played.scenes[begin - 1], played.scenes[begin]
    assert before.score[1] > before.score[0]
    assert (after.score, after.phase) == ((0, 0), Phase.COUNTDOWN)
    assert played.counts[begin] < 10 < played.counts[begin - 1]
    assert duel.games == 1


def over_and_on(duel):
    """Play a game in which the person does nothing, and one frame of the next one."""

    def always(scene):
        if scene.phase is Phase.OVER:
            press("r")
        elif duel.games == 2:
            press("q")

    played = Played(duel, {1: lambda: press("SPACE")}, always=always)
    ended = next(i for i, scene in enumerate(played.scenes) if scene.phase is Phase.OVER)
    assert played.last.games == (0, 1)
    assert played.last.score == (0, 0)
    return played.scenes[ended].score, played.counts[ended]


def test_a_game_ends_and_another_starts(duel, monkeypatch):
    """An idle person loses; R starts another game, and the games won stay."""
    monkeypatch.setattr(scene_module, "WINNING_SCORE", 2)
    assert over_and_on(duel)[0] == (0, 2)


@pytest.mark.slow
def test_a_whole_game_ends_with_the_emulator(duel):
    """At 21 points the emulator's game is over in the same frame."""
    ends = []
    played = Played(
        duel,
        {1: lambda: press("SPACE")},
        always=lambda scene: (
            (ends.append(duel.pong.over), press("q")) if scene.phase is Phase.OVER else None
        ),
    )
    assert ends == [True]
    assert played.last.score == (duel.pong.left_points, duel.pong.right_points) == (0, 21)


def test_a_larger_window_has_larger_squares(duel):
    """The frame is enlarged by a whole number and centred."""

    def enlarge():
        pygame.display.set_mode((1200, 900), pygame.RESIZABLE)
        pygame.event.post(pygame.event.Event(pygame.VIDEORESIZE, size=(1200, 900), w=1200, h=900))

    at = COUNTDOWN + FRAMES_TO_FIRST_SERVE + 10
    actions = {1: enlarge, 2: lambda: press("SPACE"), at + 2: lambda: press("q")}
    played = Played(duel, actions, look_at=at)
    assert played.image.shape == (900, 1200, 3)
    left, top = (1200 - 4 * 252) // 2, (900 - 4 * 210) // 2
    enlarged = played.frames[at][SCORE_ROWS:].repeat(4, axis=0).repeat(4, axis=1)
    court = played.image[top + 4 * SCORE_ROWS : top + 840, left : left + 640]
    np.testing.assert_array_equal(court, enlarged)


def test_closing_the_window_ends_the_command(monkeypatch, capsys):
    """`pong-agent play` ends with 0 when the window is closed."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    get = pygame.event.get
    monkeypatch.setattr(pygame.event, "get", lambda: [*get(), pygame.event.Event(pygame.QUIT)])
    assert main(["play", "--level", "easy"]) == 0
    assert capsys.readouterr() == ("", "")


def error_of(capsys):
    assert main(["play"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: play: expected ")
    assert message.count("\n") == 1
    return message


def test_without_a_display_there_is_one_error(monkeypatch, capsys):
    """It lists the variables that name a display."""
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(variable, raising=False)
    assert "DISPLAY, WAYLAND_DISPLAY, SDL_VIDEODRIVER" in error_of(capsys)


@pytest.mark.parametrize("variable", ["DISPLAY", "SDL_VIDEODRIVER"])
def test_a_display_that_is_not_there_is_one_error(variable, monkeypatch, capsys):
    """The message names the display."""
    for other in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, ":987" if variable == "DISPLAY" else "nonsense")
    assert (":987" if variable == "DISPLAY" else "nonsense") in error_of(capsys)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "raise ModuleNotFoundError('none', name='pygame')",
            "expected the package 'pygame', found none; "
            f"fix: {sys.executable} -m pip install 'pong-agent[play]'",
        ),
        ("raise ImportError('no SDL')", "play: expected a pygame that works, found: no SDL"),
    ],
)
def test_without_pygame_there_is_one_error(tmp_path, code, message):
    """A missing pygame names the extra that brings it, a broken one its error."""
    (tmp_path / "pygame.py").write_text(code)
    ran = subprocess.run(
        [sys.executable, "-m", "pong_agent", "play"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, f"error: {message}\n")
