"""A panel beside the game that shows what an agent sees and decides."""

import copy
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pong_agent.actions import DOWN, STAY, UP
from pong_agent.agent import PongAgent
from pong_agent.network import Floats
from pong_agent.recording import palette
from pong_agent.recording.capture import Frame
from pong_agent.recording.images import Sketch, cells_image, enlarged, input_image, weights_image
from pong_agent.recording.palette import AGENT, GROUND, MUTED, OPPONENT, RAISED, TEXT, mixed
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import FIELD_SHAPE, N_PIXELS, lit_pixels

if TYPE_CHECKING:
    from PIL import Image

# Lengths are in pixels of the game: the panel is as large as the frame, 160 x 210.
_LEFT, _RIGHT = 8, 152
_INPUT_TOP, _INPUT_SIDE, _CELLS_LEFT = 104, 60, 78
_ACTIONS = (("UP", UP, palette.UP), ("STAY", STAY, palette.STAY), ("DOWN", DOWN, palette.DOWN))
_NOT_TAKEN = 0.45  # strength of a bar's colour while another action is taken
_SHOWN_UNITS = 6
_BLOCKS = 20  # weights are averaged over 4 x 4 pixels: single ones are noise at this size
# The units whose weights are shown must not flicker: they are those most active in a running
# average over about a second, chosen again every second (15 agent steps at a frame skip of four).
_STEADY, _REFRESH = 0.93, 15
_CELLS_REFRESH = 3  # agent steps between drawings of the cells, which make most of a video's size
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
        steps = f"{agent.progress.agent_steps:,} steps of training"
        self._title = f"{'greedy' if deterministic else 'sampled'} · {steps}"
        self._canvas = np.zeros((0, 0, 3), np.uint8)
        self._unit_images: dict[int, Image.Image] = {}  # by hidden unit
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
            self._canvas = np.zeros((n_rows * scale, 2 * middle, 3), np.uint8)
            self._scale, self._unit_images, self._stale = scale, {}, True
            self._base = self._draw_base(n_rows * scale, middle)
        blocks = self._canvas.reshape(n_rows, scale, 2 * middle, 3)
        blocks[:, :, :middle] = frame.repeat(scale, axis=1)[:, np.newaxis]
        if self._stale:
            self._canvas[:, middle:] = self._draw()
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

    def _draw(self) -> npt.NDArray[np.uint8]:
        panel = self._base.copy()
        sketch = Sketch(panel, self._scale)
        opponent, own = self._score
        sketch.text((_LEFT, 12), f"{opponent}", 16, TEXT)
        sketch.text((_RIGHT, 12), f"{own}", 16, TEXT, "rt")
        self._draw_probabilities(sketch)
        self._draw_values(sketch)
        image = input_image(self._agent.config.observation, self._fields)
        # At a scale of 4 each pixel of the input is 3 x 3 of the video.
        sketch.paste(enlarged(image, _INPUT_SIDE * self._scale), (_LEFT, _INPUT_TOP))
        self._draw_units(sketch)
        return np.asarray(panel)

    def _draw_base(self, height: int, width: int) -> "Image.Image":
        """Draw the parts that stay the same."""
        from PIL import Image

        panel = Image.new("RGB", (width, height), GROUND)
        sketch = Sketch(panel, self._scale)
        sketch.text((_LEFT, 6), "BUILT-IN OPPONENT", 5, OPPONENT)
        sketch.text((_RIGHT, 6), "AGENT", 5, AGENT, "rt")
        sketch.text(((_LEFT + _RIGHT) / 2, 25), self._title, 4.5, MUTED, "mt")
        sketch.text((_LEFT, 72), "value", 5, MUTED)
        sketch.text((_LEFT, 97), "network input", 5, MUTED)
        sketch.text((_RIGHT, 97), f"{len(self._hidden)} hidden units", 5, MUTED, "rt")
        sketch.text((_LEFT, 170), "weights of the most active", 5, MUTED)
        sketch.text((_RIGHT - 30, 170), "for UP", 5, palette.UP, "rt")
        sketch.text((_RIGHT, 170), "for DOWN", 5, palette.DOWN, "rt")
        return panel

    def _draw_probabilities(self, sketch: Sketch) -> None:
        rows = [row for row in _ACTIONS if row[1] < len(self._probabilities)]
        for place, (name, index, colour) in enumerate(rows):
            top, taken = 36 + 11 * place, index == self._action
            share, text_colour = self._probabilities[index], TEXT if taken else MUTED
            sketch.text((_LEFT, top + 1.5), name, 5.5, text_colour)
            sketch.box((30, top, 130, top + 8), RAISED)
            if share > 0.002:
                bar = colour if taken else mixed(RAISED, colour, _NOT_TAKEN)
                sketch.box((30, top, 30 + 100 * share, top + 8), bar)
            sketch.text((_RIGHT, top + 1.5), f"{100 * share:.0f} %", 5.5, text_colour, "rt")

    def _draw_values(self, sketch: Sketch) -> None:
        left, right, top, bottom = 30, 130, 69, 87
        sketch.box((left, top, right, bottom), RAISED)
        middle = (top + bottom) / 2
        sketch.box((left, middle - 0.125, right, middle + 0.125), MUTED)
        if not self._values:
            sketch.text((_RIGHT, 72), "none", 5, MUTED, "rt")
            return
        sketch.text((_RIGHT, 72), f"{self._values[-1]:+.2f}", 5.5, TEXT, "rt")
        heights = [min(max(value, -1.2), 1.2) * (bottom - top) / 2.4 for value in self._values]
        step = (right - left) / (_HISTORY - 1)
        newest_first = enumerate(reversed(heights))
        sketch.line([(right - step * age, middle - up) for age, up in newest_first], AGENT)

    def _draw_units(self, sketch: Sketch) -> None:
        """Draw each hidden unit as a cell, and the weights of the most active ones as images."""
        from PIL import Image

        pushes = self._pushes()
        width, height = (_RIGHT - _CELLS_LEFT) * self._scale, _INPUT_SIDE * self._scale
        cells = cells_image(self._cells, pushes, width, height)
        sketch.paste(Image.fromarray(cells), (_CELLS_LEFT, _INPUT_TOP))
        pitch = (_RIGHT - _LEFT + 4) / _SHOWN_UNITS
        for place, unit in enumerate(self._most_active):
            left = _LEFT + place * pitch
            edge = palette.UP if pushes[unit] > 0 else palette.DOWN
            sketch.box((left - 0.5, 178.5, left + 20.5, 199.5), edge)
            sketch.paste(self._unit_image(unit, 20 * self._scale), (left, 179))

    def _pushes(self) -> Floats:
        """Return how much each hidden unit adds to the logit of UP minus that of DOWN."""
        W2 = np.atleast_2d(self._agent.parameters["W2"])
        own = W2[UP] - W2[DOWN] if len(W2) > 1 else W2[0]
        # The mirrored units see the field upside down and push the other way.
        return np.concatenate([own, -own]) if self._agent.config.mirror else own

    def _unit_image(self, unit: int, side: int) -> "Image.Image":
        """Return an image of a unit's weights on the current field, or on the difference."""
        if unit not in self._unit_images:
            W1 = self._agent.parameters["W1"]
            weights = W1[unit % len(W1), :N_PIXELS].reshape(FIELD_SHAPE)
            if unit >= len(W1):  # a mirrored unit
                weights = weights[::-1]
            blocks = weights.reshape(_BLOCKS, 80 // _BLOCKS, _BLOCKS, 80 // _BLOCKS).mean((1, 3))
            self._unit_images[unit] = enlarged(weights_image(blocks), side)
        return self._unit_images[unit]
