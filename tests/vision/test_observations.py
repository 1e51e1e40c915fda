import numpy as np
import pytest
import synthetic

from pong_agent import ObservationError, PongAgent, preprocess_frame
from pong_agent.vision.observations import pong_pixels

FRAME = synthetic.frames(1)[0]


class GpuTensor:
    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def coloured(frame):
    """A frame as the emulator colours it: the synthetic ones are grey outside the red channel."""
    table = {144: (144, 72, 17), 213: (213, 130, 74), 92: (92, 186, 92), 236: (236, 236, 236)}
    made = np.zeros_like(frame)
    for red, colour in table.items():
        made[frame[..., 0] == red] = colour
    return made


COLOURED = coloured(FRAME)

MISTAKES = {
    "reset": ((FRAME, {"lives": 0}), r"observation, info = env\.reset\(\)"),
    "step": ((FRAME, 0.0, False, False, {}), r"step\(\) returns a tuple"),
    "old step": ((FRAME, 0.0, False, {}), r"step\(\) returns a tuple"),
    "nothing": (None, "found NoneType None"),
    "a dict": ({"image": FRAME}, "pass the entry that holds the frame"),
    "ragged lists": ([FRAME, FRAME[:9]], "found list of ndarray, ndarray: pass one array"),
    "a tensor on a GPU": (GpuTensor(), "can't convert cuda:0"),
    "no frame": (np.zeros((0, 210, 160, 3), np.uint8), "it holds no frame"),
    "stacks": (np.stack([[FRAME] * 4] * 2), "FrameStackObservation"),
    "channels first": (np.moveaxis(FRAME, -1, 0), "VecTransposeImage"),
    "channels of four frames": (np.concatenate([FRAME] * 4, axis=-1), "VecFrameStack"),
    "alpha": (np.concatenate([FRAME, FRAME[..., :1]], axis=-1), "alpha channel"),
    "one channel": (FRAME[..., 0], "GrayscaleObservation"),
    "resized": (FRAME[:84, :84], "AtariPreprocessing, ResizeObservation"),
    "turned": (FRAME.swapaxes(0, 1), "height and width are exchanged"),
    "flat": (FRAME.ravel(), r"frame\.reshape\(210, 160, 3\)"),
    "memory": (np.zeros(128, np.uint8), "obs_type='rgb'"),
    "the registered environment": (np.zeros(6400, np.float32), "act in ALE/Pong-v5"),
    "floats": (FRAME / 255, "float64 of .*: it was normalised"),
    "integers": (FRAME.tolist(), r"int64 of .*: frame\.astype\(np\.uint8\)"),
    "zeros and ones": (np.round(FRAME / 255).astype(np.uint8), "it was normalised"),
    "BGR": (COLOURED[..., ::-1], "in the order BGR"),
    "GRB": (COLOURED[..., [1, 0, 2]], "not in the order RGB"),
    "grey": (np.repeat(COLOURED[..., 1:2], 3, axis=2), "grey, in three channels"),
    "inverted": (255 - COLOURED, "inverted"),
    "darker": (COLOURED // 2, "another game, or was it changed"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_likely_mistake_is_named(name):
    """`act` and `predict` say what to do, remember nothing, and then take the right frame."""
    observation, advice = MISTAKES[name]
    agent = PongAgent("reinforce")
    for method in (agent.act, agent.predict):
        with pytest.raises(ObservationError, match=advice):
            method(observation)
    agent.act(COLOURED)
    assert len(agent._fields) == 1


def test_a_mistake_in_the_middle_of_an_episode_is_named_too():
    """Colours that change from one frame to the next are no game of 18 minutes."""
    agent = PongAgent("reinforce")
    agent.act(COLOURED)
    with pytest.raises(ObservationError, match="BGR"):
        agent.act(COLOURED[..., ::-1])


def test_one_function_takes_one_frame():
    """`preprocess_frame` refuses a batch and what `reset` returns."""
    with pytest.raises(ObservationError, match="one frame at a time"):
        preprocess_frame(np.stack([FRAME, FRAME]))
    with pytest.raises(ObservationError, match=r"env\.reset\(\)"):
        preprocess_frame((FRAME, {}))


def test_the_console_s_other_colours_are_pong_except_in_a_first_frame():
    """After 18 minutes the background is lit; an episode does not begin like that."""
    late = COLOURED.copy()
    late[(late == (144, 72, 17)).all(axis=2)] = (163, 57, 21)
    assert len(pong_pixels(late)) == 6400
    noise = np.random.default_rng(0).integers(0, 256, late.shape, dtype=np.uint8)
    for frame, first in ((late, True), (noise, False)):
        with pytest.raises(ObservationError, match="another game"):
            pong_pixels(frame, first)
