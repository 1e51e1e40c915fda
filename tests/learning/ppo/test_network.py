import numpy as np
import pytest

from pong_agent import PPOConfig
from pong_agent.learning.ppo.network import init_parameters


def test_the_first_weights_are_smooth_and_of_the_asked_scale():
    """Neighbouring pixels have like weights, each frame's its own, of the asked size."""
    smooth, rough = (
        init_parameters(PPOConfig(**chosen), np.random.default_rng(0))
        for chosen in ({}, {"first_layer_blocks": ()})
    )

    def neighbours(parameters):
        fields = parameters["W1"].reshape(100, 2, 80, 80)
        return np.corrcoef(fields[..., 1:].ravel(), fields[..., :-1].ravel())[0, 1]

    assert abs(neighbours(rough)) < 0.01
    assert neighbours(smooth) > 0.4
    for parameters in (rough, smooth):
        assert parameters["W1"].std() == pytest.approx(0.15 / np.sqrt(50), rel=0.03)
        assert all(array.dtype == np.float32 for array in parameters.values())
        assert all(array.flags.f_contiguous for array in parameters.values())
    frames = smooth["W1"].reshape(100, 2, 6400)
    assert abs(np.corrcoef(frames[:, 0].ravel(), frames[:, 1].ravel())[0, 1]) < 0.05
