"""What an agent sees and decides, drawn beside the game that it plays."""

from __future__ import annotations

import copy
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.agent import PongAgent
from pong_agent.network import Floats
from pong_agent.recording.capture import Frame
from pong_agent.recording.palette import (
    AGENT,
    GROUND,
    MUTED,
    OPPONENT,
    RAISED,
    TEXT,
    Colour,
    cells_picture,
    enlarged,
    font,
    input_picture,
    weights_picture,
)
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import FIELD_SHAPE, N_PIXELS, lit_pixels

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

# All places are in pixels of the game: the panel is as large as the picture, 160 x 210.
_LEFT, _RIGHT = 8, 152
_SHOWN_UNITS = 6
_INPUT_SIDE = 60
_BLOCKS = 20  # weights are averaged over 4 x 4 pixels: single ones are noise at this size
# Which units' weights are shown must not flicker: the most active ones on average over a second or
# so, chosen anew every second (15 agent steps at a frame skip of four).
_STEADY, _REFRESH = 0.93, 15
_CELLS_REFRESH = 3  # agent steps between pictures of the units: most of a film's size is theirs
_HISTORY = 180  # agent steps of value estimates, 12 s at a frame skip of four


class AgentOverlay:
    """A panel with score, probabilities, action, value, input and hidden units of a `PongAgent`.

    It works out for itself what the agent sees, from the same observations and by the same network,
    so that it fits any loop and any other agent of the same weights; nothing of the agent changes.

    Args:
        agent: who plays.
        env: the environment, whose actions are found by their meanings.
        deterministic: whether the agent plays greedily, which the panel says.

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
        steps = f"{agent.progress.agent_steps:,} steps of training"
        self._title = f"{'greedy' if deterministic else 'sampled'} · {steps}"
        self._canvas = np.zeros((0, 0, 3), np.uint8)
        self._base: Image.Image | None = None  # what does not change from step to step
        self._pictures: dict[int, Image.Image] = {}  # of units' weights
        self._scale = 0
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
        """Take note of the action that is taken now."""
        actions = list(self._agent.paddle_actions)
        self._action = actions.index(int(action)) if int(action) in actions else None
        self._stale = True

    def observe(self, observation: Any, reward: float) -> None:
        """Take note of what came of it."""
        self._fields = self._fields.push([lit_pixels(observation)])
        if reward:
            self._score[int(reward > 0)] += round(abs(reward))
        self._decide()

    def compose(self, frame: Frame, scale: int) -> Frame:
        """Return the enlarged frame, [H * scale, W * scale, 3], and right of it the panel.

        The array is reused by the next call.
        """
        height, width = frame.shape[:2]
        if self._canvas.shape[:2] != (height * scale, 2 * width * scale):
            self._canvas = np.zeros((height * scale, 2 * width * scale, 3), np.uint8)
            self._base, self._pictures, self._scale = None, {}, scale
            self._stale = True
        rows = self._canvas.reshape(height, scale, 2 * width * scale, 3)
        rows[:, :, : width * scale] = frame.repeat(scale, axis=1)[:, np.newaxis]
        if self._stale:
            self._canvas[:, width * scale :] = self._draw(height * scale, width * scale)
            self._stale = False
        return self._canvas

    def _decide(self) -> None:
        """Work out what the network makes of the last observation."""
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

    def _draw(self, height: int, width: int) -> npt.NDArray[np.uint8]:
        from PIL import ImageDraw

        if self._base is None:
            self._base = self._draw_base(height, width)
        panel = self._base.copy()
        draw = ImageDraw.Draw(panel)
        self._draw_score(draw)
        self._draw_probabilities(draw)
        self._draw_values(draw)
        self._draw_input(panel)
        self._draw_units(panel, draw)
        return np.asarray(panel)

    def _draw_base(self, height: int, width: int) -> Image.Image:
        from PIL import Image, ImageDraw

        panel = Image.new("RGB", (width, height), GROUND)
        draw = ImageDraw.Draw(panel)
        self._text(draw, _LEFT, 6, "BUILT-IN PLAYER", 5, OPPONENT)
        self._text(draw, _RIGHT, 6, "AGENT", 5, AGENT, "rt")
        self._text(draw, (_LEFT + _RIGHT) / 2, 25, self._title, 4.5, MUTED, "mt")
        self._text(draw, _LEFT, 72, "value", 5, MUTED)
        self._text(draw, _LEFT, 97, "what the network sees", 5, MUTED)
        self._text(draw, _RIGHT, 97, f"{len(self._hidden)} hidden units", 5, MUTED, "rt")
        self._text(draw, _LEFT, 170, "weights of the most active", 5, MUTED)
        self._text(draw, _RIGHT - 30, 170, "for UP", 5, AGENT, "rt")
        self._text(draw, _RIGHT, 170, "for DOWN", 5, OPPONENT, "rt")
        return panel

    def _draw_score(self, draw: ImageDraw.ImageDraw) -> None:
        opponent, own = self._score
        self._text(draw, _LEFT, 12, f"{opponent}", 16, TEXT)
        self._text(draw, _RIGHT, 12, f"{own}", 16, TEXT, "rt")

    def _draw_probabilities(self, draw: ImageDraw.ImageDraw) -> None:
        rows = [("UP", UP), ("STAY", STAY), ("DOWN", DOWN)]
        known = [(name, index) for name, index in rows if index < len(self._probabilities)]
        for place, (name, index) in enumerate(known):
            top, taken = 36 + 11 * place, index == self._action
            share = self._probabilities[index]
            colour = AGENT if taken else MUTED
            self._text(draw, _LEFT, top + 1.5, name, 5.5, TEXT if taken else MUTED)
            self._box(draw, 30, top, 130, top + 8, RAISED)
            if share > 0.002:
                self._box(draw, 30, top, 30 + 100 * share, top + 8, colour)
            text = f"{100 * share:.0f} %"
            self._text(draw, _RIGHT, top + 1.5, text, 5.5, TEXT if taken else MUTED, "rt")

    def _draw_values(self, draw: ImageDraw.ImageDraw) -> None:
        left, right, top, bottom = 30, 130, 69, 87
        self._box(draw, left, top, right, bottom, RAISED)
        middle = (top + bottom) / 2
        self._box(draw, left, middle - 0.125, right, middle + 0.125, MUTED)
        if not self._values:
            self._text(draw, _RIGHT, 72, "none", 5, MUTED, "rt")
            return
        self._text(draw, _RIGHT, 72, f"{self._values[-1]:+.2f}", 5.5, TEXT, "rt")
        heights = [min(max(value, -1.2), 1.2) * (bottom - top) / 2.4 for value in self._values]
        step = (right - left) / (_HISTORY - 1)
        points = [
            (self._scale * (right - step * (len(heights) - 1 - i)), self._scale * (middle - up))
            for i, up in enumerate(heights)
        ]
        if len(points) > 1:
            draw.line(points, fill=AGENT, width=max(1, round(self._scale * 0.6)), joint="curve")

    def _draw_input(self, panel: Image.Image) -> None:
        """Draw what the network sees: at a scale of 4, three pixels of the film for each."""
        picture = input_picture(
            self._agent.config.observation, self._fields.current[0], self._fields.previous[0]
        )
        side = round(_INPUT_SIDE * self._scale)
        panel.paste(enlarged(picture, side), (_LEFT * self._scale, 104 * self._scale))

    def _draw_units(self, panel: Image.Image, draw: ImageDraw.ImageDraw) -> None:
        """Draw each unit as a cell, brighter the more active, and pictures of the first ones."""
        from PIL import Image

        pushes = self._pushes()
        width, height = (_RIGHT - 78) * self._scale, _INPUT_SIDE * self._scale
        cells = cells_picture(self._cells, pushes, width, height)
        panel.paste(Image.fromarray(cells), (78 * self._scale, 104 * self._scale))
        pitch = (_RIGHT - _LEFT + 4) / _SHOWN_UNITS
        for place, unit in enumerate(self._most_active):
            left = _LEFT + place * pitch
            side = round(20 * self._scale)
            frame = AGENT if pushes[unit] > 0 else OPPONENT
            self._box(draw, left - 0.5, 178.5, left + 20.5, 199.5, frame)
            panel.paste(self._picture(unit, side), (round(left * self._scale), 179 * self._scale))

    def _pushes(self) -> Floats:
        """Return how much each unit speaks for UP against DOWN."""
        W2 = np.atleast_2d(self._agent.parameters["W2"])
        own = W2[UP] - W2[DOWN] if len(W2) > 1 else W2[0]
        # The units that see the picture upside down speak for the other side.
        return np.concatenate([own, -own]) if self._agent.config.mirror else own

    def _picture(self, unit: int, side: int) -> Image.Image:
        """Return a picture of a unit's weights on the current field (or the only one)."""
        if unit not in self._pictures:
            W1 = self._agent.parameters["W1"]
            weights = W1[unit % len(W1), :N_PIXELS].reshape(FIELD_SHAPE)
            if unit >= len(W1):
                weights = weights[::-1]
            blocks = weights.reshape(_BLOCKS, 80 // _BLOCKS, _BLOCKS, 80 // _BLOCKS).mean((1, 3))
            self._pictures[unit] = enlarged(weights_picture(blocks), side)
        return self._pictures[unit]

    def _text(
        self,
        draw: ImageDraw.ImageDraw,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: Colour,
        anchor: str = "lt",
    ) -> None:
        face = font(size * self._scale)
        draw.text((x * self._scale, y * self._scale), text, fill=colour, font=face, anchor=anchor)

    def _box(
        self,
        draw: ImageDraw.ImageDraw,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
    ) -> None:
        corners = [round(self._scale * place) for place in (left, top, right, bottom)]
        corners[2] = max(corners[2] - 1, corners[0])
        corners[3] = max(corners[3] - 1, corners[1])
        draw.rectangle(corners, fill=colour)
