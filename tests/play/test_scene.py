from dataclasses import replace

import pytest

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.play.scene import (
    FRAMES_PER_COUNT,
    FRAMES_TO_FIRST_SERVE,
    FRAMES_TO_SERVE,
    KeyEvent,
    Meaning,
    Phase,
    Scene,
    after_frame,
    after_keys,
    paused,
)

W, ARROW_UP, S, P, R = (
    KeyEvent(1, Meaning.UP),
    KeyEvent(2, Meaning.UP),
    KeyEvent(3, Meaning.DOWN),
    KeyEvent(4, Meaning.PAUSE),
    KeyEvent(5, Meaning.NEW_GAME),
)
EASIER, HARDER = KeyEvent(6, Meaning.EASIER), KeyEvent(7, Meaning.HARDER)
PLAYING = Scene(phase=Phase.PLAYING, new_game=False)


def released(event):
    return replace(event, pressed=False)


@pytest.mark.parametrize(
    ("events", "move"),
    [
        ([], STAY),
        ([W], UP),
        ([S], DOWN),
        ([W, S], DOWN),
        ([W, S, released(S)], UP),
        ([W, ARROW_UP, released(W)], UP),
        ([W, released(W)], STAY),
        ([released(W)], STAY),
        ([W, W, released(W)], STAY),
    ],
)
def test_the_last_held_key_counts(events, move):
    """Two keys may have the same meaning; of two held keys the later one counts."""
    assert after_keys(PLAYING, events).move == move


def counts_until_the_ball(scene):
    counts, phases = [], []
    while scene.count:
        counts.append(scene.count)
        phases.append(scene.phase)
        scene = after_frame(scene)
    assert (scene.phase, scene.serve) == (Phase.PLAYING, 0)
    return counts, phases.count(Phase.PLAYING)


THREE_TO_ONE = sorted([3, 2, 1] * FRAMES_PER_COUNT, reverse=True)


def test_a_countdown_ends_with_the_first_serve():
    """Any key starts it; 3, 2 and 1 are shown equally long, and play starts before its end."""
    scene = after_keys(Scene(), [KeyEvent(9, Meaning.OTHER)])
    assert counts_until_the_ball(scene) == (THREE_TO_ONE, FRAMES_TO_FIRST_SERVE)


def test_a_countdown_follows_each_point():
    """It lasts as long as the console waits, and after a pause it begins with 3 again."""
    scene = after_frame(PLAYING, 1)
    counts, playing = counts_until_the_ball(scene)
    assert (counts[0], len(counts), playing) == (2, FRAMES_TO_SERVE, FRAMES_TO_SERVE)
    scene = after_keys(after_frame(scene), [P])
    assert scene.count == 0
    assert counts_until_the_ball(after_keys(scene, [P])) == (THREE_TO_ONE, FRAMES_TO_SERVE - 1)


def test_pause_waits_and_counts_down_again():
    """The score stays, and only P continues the game."""
    scene = after_keys(replace(PLAYING, score=(3, 4)), [P])
    assert scene.phase is Phase.PAUSED
    assert after_frame(scene) == scene
    assert after_keys(scene, [KeyEvent(9, Meaning.OTHER)]).phase is Phase.PAUSED
    scene = after_keys(scene, [P])
    assert (scene.phase, scene.count, scene.score) == (Phase.COUNTDOWN, 3, (3, 4))
    assert after_keys(scene, [P]).phase is Phase.PAUSED


def test_a_window_without_keyboard_focus_pauses():
    """No key stays held, and only a running game pauses."""
    scene = paused(after_keys(PLAYING, [W]))
    assert (scene.phase, scene.move) == (Phase.PAUSED, STAY)
    assert paused(Scene()).phase is Phase.START


def test_the_first_to_21_points_wins():
    """Each point goes to its scorer, and the game to the first with 21."""
    scene = replace(PLAYING, score=(20, 20))
    assert after_frame(scene, 0) == scene
    won, lost = after_frame(scene, 1), after_frame(scene, -1)
    assert (won.phase, won.score, won.games) == (Phase.OVER, (21, 20), (1, 0))
    assert (lost.phase, lost.score, lost.games) == (Phase.OVER, (20, 21), (0, 1))
    assert after_frame(won) == won


def test_a_new_game_keeps_the_games_won():
    """The score is 0 : 0 again, and the emulator must start a game."""
    scene = after_keys(replace(PLAYING, score=(5, 7), games=(1, 2)), [R])
    assert (scene.score, scene.games, scene.new_game) == ((0, 0), (1, 2), True)
    assert scene.phase is Phase.COUNTDOWN


def test_levels_change_between_games_only():
    """The first and the last level are the limits."""
    scene = Scene(n_levels=3, level=1)
    assert after_keys(scene, [HARDER, HARDER]).level == 2
    assert after_keys(scene, [EASIER, EASIER]).level == 0
    assert after_keys(scene, [HARDER]).phase is Phase.START
    assert after_keys(replace(PLAYING, n_levels=3), [HARDER]).level == 0
    assert after_keys(replace(scene, phase=Phase.OVER), [HARDER]).level == 2


@pytest.mark.parametrize("phase", Phase)
def test_quit_closes_always(phase):
    """In every phase, and later keys change nothing."""
    scene = after_keys(Scene(phase=phase), [KeyEvent(8, Meaning.QUIT), R])
    assert scene.phase is Phase.CLOSED
