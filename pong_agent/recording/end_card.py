"""The card at the end of a video: the score, who won, the environment and the agent."""

import numpy as np

from pong_agent.recording.capture import Frame
from pong_agent.recording.images import Sketch, font
from pong_agent.recording.palette import AGENT, GROUND, MUTED, OPPONENT, TEXT, Colour
from pong_agent.recording.sidecar import Sidecar

# Lengths are in pixels of the game.
_BAR = 34  # the console's own score is above: it never shows the last point
_SCORE_BASELINE, _SCORE_SIZE = 28, 24
_BOX_TOP, _BOX_BOTTOM, _MARGIN = 80, 136, 10
_LINES = ((97, 12.0), (113, 8.0), (126, 8.0))  # baseline and height of letters
_DIMMED = 3  # the game's colours are divided by it


def end_card(image: Frame, width: int, scale: int, sidecar: Sidecar, env_id: str) -> Frame:
    """Draw the result of an episode over its last image.

    Args:
        image: [H, W, 3], the last image of the video.
        width: columns of the game, at the left of the image.
        scale: pixels of the image to one of the game.
        sidecar: the episode.
        env_id: its environment.

    Returns:
        A new image of the same size.
    """
    card = image.copy()
    game = card[:, :width]
    game //= _DIMMED
    sketch, middle = Sketch(game, scale), width / scale / 2
    lost, won = score(sidecar)
    sketch.box((0, 0, width / scale, _BAR), GROUND)
    sketch.text((middle - 22, _SCORE_BASELINE), f"{lost}", _SCORE_SIZE, OPPONENT, "r")
    sketch.text((middle, _SCORE_BASELINE - 2), ":", _SCORE_SIZE, MUTED, "m")
    sketch.text((middle + 22, _SCORE_BASELINE), f"{won}", _SCORE_SIZE, AGENT)
    sketch.box((_MARGIN, _BOX_TOP, width / scale - _MARGIN, _BOX_BOTTOM), GROUND)
    words, colour = verdict(lost, won)
    room = width - 4 * _MARGIN * scale
    lines = ((words, colour), (env_id, TEXT), (_agent(sidecar), MUTED))
    for (text, shade), (baseline, size) in zip(lines, _LINES, strict=True):
        widest = font(size * scale).getlength(text) or 1
        sketch.text((middle, baseline), text, size * min(1, room / widest), shade, "m")
    return card


def score(sidecar: Sidecar) -> tuple[int, int]:
    """Return the points of the opponent and of the agent."""
    rewards = np.array([reward or 0.0 for reward in sidecar.rewards])
    return round(-rewards[rewards < 0].sum()), round(rewards[rewards > 0].sum())


def verdict(lost: int, won: int) -> tuple[str, Colour]:
    """Return who won, in words, and that player's colour.

    Example:
        >>> verdict(3, 21)[0], verdict(5, 5)[0]
        ('the agent wins', 'the game was cut short')
    """
    if max(lost, won) < 21:
        return "the game was cut short", MUTED
    return ("the agent wins", AGENT) if won > lost else ("the opponent wins", OPPONENT)


def _agent(sidecar: Sidecar) -> str:
    """Return what the sidecar says about the agent, in one line."""
    about = sidecar.agent
    words = [str(about[name]) for name in ("algorithm",) if name in about]
    if "agent_steps" in about:
        words.append(f"{about['agent_steps']:,} steps")
    if "deterministic" in about:
        words.append("greedy" if about["deterministic"] else "sampled")
    return ", ".join(words)
