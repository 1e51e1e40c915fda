"""A panel beside the game that shows what an agent sees and decides."""

import copy
from collections import deque
from typing import Any

import numpy as np

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.agent import PongAgent
from pong_agent.network import Floats
from pong_agent.recording import palette
from pong_agent.recording.capture import Frame
from pong_agent.recording.images import (
    Sketch,
    cells_image,
    curve_image,
    enlarged,
    input_image,
    weights_image,
)
from pong_agent.recording.palette import AGENT, GROUND, MUTED, OPPONENT, RAISED, TEXT, mixed
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import FIELD_SHAPE, N_PIXELS, lit_pixels

# Lengths are in pixels of the game: the panel is as large as the frame, 160 x 210. No letter is
# smaller than _SMALL: on a telephone 360 pixels wide it is 9 pixels high.
_LEFT, _RIGHT = 8, 152
_SMALL = 8.0
_BARS_TOP, _BARS_PITCH, _BARS_LEFT, _BARS_RIGHT = 36, 12, 38, 122
_VALUE_BASELINE, _CURVE_TOP, _CURVE_HEIGHT = 82, 86, 13
_INPUT_TOP, _INPUT_SIDE, _CELLS_LEFT = 113, 60, 76
_WEIGHTS_TOP, _WEIGHTS_SIDE = 187, 19
_ACTIONS = (("UP", UP, palette.UP), ("STAY", STAY, palette.STAY), ("DOWN", DOWN, palette.DOWN))
_NOT_TAKEN = 0.45  # strength of a bar's colour while another action is taken
_LARGEST_VALUE = 1.2  # at the edge of the curve
_SHOWN_UNITS = 6
_BLOCKS = 20  # weights are averaged over 4 x 4 pixels: single ones are noise at this size
# The units whose weights are shown must not flicker: they are those most active in a running
# average over about a second, chosen again every second (15 agent steps at a frame skip of four).
_STEADY, _REFRESH = 0.93, 15
_CELLS_REFRESH = 4  # agent steps between drawings of the cells, which make most of a video's size
_HISTORY = 180  # agent steps of value estimates, 12 s at a frame skip of four


class AgentOverlay:
    """A panel with score, probabilities, action, value, input and hidden units of a `PongAgent`.

    It computes them from the same observations with the same weights, so it fits any loop, and the
    agent is not changed.

    Args:
        agent: the agent that plays.
        env: the environment, whose actions are found by their meanings.
        deterministic: whether the panel calls the agent greedy, or sampled.

    Example:
        >>> from pong_agent import make_env
        >>> env = make_env("ALE/Pong-v5", render_mode="rgb_array")
        >>> overlay = AgentOverlay(PongAgent("reinforce"), env)
        >>> frame, _ = env.reset(seed=0)
        >>> overlay.reset(frame)
        >>> overlay.compose(frame, scale=2).shape  # the game and, right of it, the panel
        (420, 640, 3)
        >>> env.close()
    """

    def __init__(self, agent: PongAgent, env: Any, *, deterministic: bool = True) -> None:
        self._agent = copy.copy(agent).bind(env)  # shares the weights
        training = _steps(agent.progress.agent_steps)
        self._title = ("greedy" if deterministic else "sampled", training)
        self._pushes = _pushes(agent)
        self._canvas = np.zeros((0, 0, 3), np.uint8)
        self._unit_images: dict[int, Frame] = {}  # by hidden unit
        self._stale = True

    def reset(self, observation: Any) -> None:
        """Begin an episode with its first observation."""
        self._fields = FieldHistory.start([lit_pixels(observation)])
        self._score = [0, 0]  # of the opponent, of the agent
        self._action: int | None = None
        self._values: deque[float] = deque(maxlen=_HISTORY)
        self._activity: Floats | float = 0.0  # of each unit, a running average
        self._most_active: list[int] = []
        self._n_decided = 0
        self._decide()

    def act(self, action: Any) -> None:
        """Receive the action that is taken now."""
        actions = list(self._agent.paddle_actions)
        self._action = actions.index(int(action)) if int(action) in actions else None
        self._stale = True

    def observe(self, observation: Any, reward: float) -> None:
        """Receive the observation and the reward that follow."""
        self._fields = self._fields.push([lit_pixels(observation)])
        if reward:
            self._score[int(reward > 0)] += round(abs(reward))
        self._decide()

    def compose(self, frame: Frame, scale: int) -> Frame:
        """Return frame and panel, [H * scale, 2 * W * scale, 3]; the next call reuses the array."""
        n_rows, middle = len(frame), frame.shape[1] * scale
        if self._canvas.shape[:2] != (n_rows * scale, 2 * middle):
            self._canvas = np.full((n_rows * scale, 2 * middle, 3), GROUND, np.uint8)
            self._scale, self._unit_images, self._stale = scale, {}, True
            self._frame = frame + 1  # that the canvas shows: another one in each row
            self._drawn_cells: Floats | None = None
            self._drawn_units: list[int] = []
            self._sketch = Sketch(self._canvas[:, middle:], scale)
            self._draw_labels(self._sketch)
        # From frame to frame few rows change: those of the bats and of the ball.
        changed = np.flatnonzero((frame != self._frame).any(axis=(1, 2)))
        blocks = self._canvas.reshape(n_rows, scale, 2 * middle, 3)
        blocks[changed, :, :middle] = frame[changed].repeat(scale, axis=1)[:, np.newaxis]
        self._frame[changed] = frame[changed]
        if self._stale:
            self._draw(self._sketch)
            self._stale = False
        return self._canvas

    def _decide(self) -> None:
        """Run the network on the last observation."""
        activations = self._agent.examine(self._fields)
        self._hidden = activations.hidden[0]
        self._activity = _STEADY * self._activity + (1 - _STEADY) * self._hidden
        if self._n_decided % _CELLS_REFRESH == 0:
            self._cells = self._hidden
        if self._n_decided % _REFRESH == 0:
            order = np.argsort(-self._activity, kind="stable")
            self._most_active = order[:_SHOWN_UNITS].tolist()
        self._n_decided += 1
        self._probabilities = activations.probabilities[0].tolist()
        values = self._agent.values(activations)
        if values is not None:
            self._values.append(float(values[0]))
        self._stale = True

    def _draw(self, sketch: Sketch) -> None:
        """Draw what changes from step to step."""
        sketch.box((_LEFT, 14, 40, 34), GROUND)
        sketch.box((120, 14, _RIGHT, 34), GROUND)
        sketch.text((_LEFT, 31), f"{self._score[0]}", 20, TEXT)
        sketch.text((_RIGHT, 31), f"{self._score[1]}", 20, TEXT, "r")
        self._draw_probabilities(sketch)
        self._draw_values(sketch)
        image = input_image(self._agent.config.observation, self._fields)
        # At a scale of 4 each pixel of the input is 3 x 3 of the video.
        sketch.paste(enlarged(image, _INPUT_SIDE * self._scale), (_LEFT, _INPUT_TOP))
        self._draw_units(sketch)

    def _draw_labels(self, sketch: Sketch) -> None:
        """Draw what stays the same."""
        middle = (_LEFT + _RIGHT) / 2
        sketch.text((_LEFT, 11), "OPPONENT", _SMALL, OPPONENT)
        sketch.text((_RIGHT, 11), "AGENT", _SMALL, AGENT, "r")
        for baseline, line in zip((21, 31), self._title, strict=True):
            sketch.text((middle, baseline), line, _SMALL, MUTED, "m")
        sketch.text((_LEFT, _VALUE_BASELINE), "value: points expected", _SMALL, MUTED)
        sketch.text((_LEFT, _INPUT_TOP - 4), "network input", _SMALL, MUTED)
        units = f"{len(self._hidden)} hidden units"
        sketch.text((_RIGHT, _INPUT_TOP - 4), units, _SMALL, MUTED, "r")
        text = "weights of the most active units"
        sketch.text((_LEFT, _WEIGHTS_TOP - 4), text, _SMALL, MUTED)

    def _draw_probabilities(self, sketch: Sketch) -> None:
        rows = [row for row in _ACTIONS if row[1] < len(self._probabilities)]
        for place, (name, index, colour) in enumerate(rows):
            top, taken = _BARS_TOP + _BARS_PITCH * place, index == self._action
            bottom = top + _BARS_PITCH - 3
            share, text_colour = self._probabilities[index], TEXT if taken else MUTED
            sketch.box((_LEFT, top, _RIGHT, bottom), GROUND)
            sketch.text((_LEFT, bottom - 1), name, _SMALL, text_colour)
            sketch.box((_BARS_LEFT, top, _BARS_RIGHT, bottom), RAISED)
            if share > 0.002:
                bar = colour if taken else mixed(RAISED, colour, _NOT_TAKEN)
                end = _BARS_LEFT + (_BARS_RIGHT - _BARS_LEFT) * share
                sketch.box((_BARS_LEFT, top, end, bottom), bar)
            sketch.text((_RIGHT, bottom - 1), f"{100 * share:.0f} %", _SMALL, text_colour, "r")

    def _draw_values(self, sketch: Sketch) -> None:
        sketch.box((120, _VALUE_BASELINE - 8, _RIGHT, _VALUE_BASELINE + 2), GROUND)
        value = f"{self._values[-1]:+.2f}" if self._values else "none"
        sketch.text((_RIGHT, _VALUE_BASELINE), value, _SMALL, TEXT if self._values else MUTED, "r")
        width, height = (_RIGHT - _LEFT) * self._scale, _CURVE_HEIGHT * self._scale
        missing = _HISTORY - len(self._values)
        heights = np.array([0.0] * missing + list(self._values)) / _LARGEST_VALUE
        sketch.paste(curve_image(heights, width, height), (_LEFT, _CURVE_TOP))

    def _draw_units(self, sketch: Sketch) -> None:
        """Draw each hidden unit as a cell, and the weights of the most active ones as images."""
        pushes = self._pushes
        width, height = (_RIGHT - _CELLS_LEFT) * self._scale, _INPUT_SIDE * self._scale
        if self._drawn_cells is not self._cells:
            image = cells_image(self._cells, pushes, width, height)
            sketch.paste(image, (_CELLS_LEFT, _INPUT_TOP))
            self._drawn_cells = self._cells
        if self._drawn_units == self._most_active:
            return
        pitch = (_RIGHT - _LEFT + 5) / _SHOWN_UNITS
        for place, unit in enumerate(self._most_active):
            left, right = _LEFT + place * pitch, _LEFT + place * pitch + _WEIGHTS_SIDE
            edge = palette.UP if pushes[unit] > 0 else palette.DOWN
            edges = (
                left - 0.5,
                _WEIGHTS_TOP - 0.5,
                right + 0.5,
                _WEIGHTS_TOP + _WEIGHTS_SIDE + 0.5,
            )
            sketch.box(edges, edge)
            sketch.paste(self._unit_image(unit, _WEIGHTS_SIDE * self._scale), (left, _WEIGHTS_TOP))
        self._drawn_units = self._most_active

    def _unit_image(self, unit: int, side: int) -> Frame:
        """Return an image of a unit's weights on the current field, or on the difference."""
        if unit not in self._unit_images:
            W1 = self._agent.parameters["W1"]
            weights = W1[unit % len(W1), :N_PIXELS].reshape(FIELD_SHAPE)
            if unit >= len(W1):  # a mirrored unit
                weights = weights[::-1]
            blocks = weights.reshape(_BLOCKS, 80 // _BLOCKS, _BLOCKS, 80 // _BLOCKS).mean((1, 3))
            self._unit_images[unit] = enlarged(weights_image(blocks), side)
        return self._unit_images[unit]


def _pushes(agent: PongAgent) -> Floats:
    """Return how much each hidden unit adds to the logit of UP minus that of DOWN."""
    W2 = np.atleast_2d(agent.parameters["W2"])
    own = W2[UP] - W2[DOWN] if len(W2) > 1 else W2[0]
    # The mirrored units see the field upside down and push the other way.
    return np.concatenate([own, -own]) if agent.config.mirror else own


def _steps(count: int) -> str:
    """Return a number of agent steps, short.

    Example:
        >>> _steps(13_010_400), _steps(26_624), _steps(0)
        ('13.0 M steps', '27 k steps', 'untrained')
    """
    if count >= 10**6:
        return f"{count / 10**6:.1f} M steps"
    return f"{count / 1000:.0f} k steps" if count else "untrained"
