import numpy as np
import pytest

from pong_agent import DOWN, STAY, UP, PongAgent, PPOConfig
from pong_agent.report.saliency import margin_gradient
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import draw_field, lit_pixels


def made(preset):
    """An agent of this preset without zero weights."""
    agent = PongAgent(preset)
    random = np.random.default_rng(5)
    agent.set_parameters(
        {
            name: (0.1 * random.standard_normal(value.shape)).astype(value.dtype)
            for name, value in agent.parameters.items()
        }
    )
    return agent


AGENTS = {
    "pretrained": PongAgent.pretrained,
    "ppo": lambda: made("ppo"),
    "reinforce": lambda: made("reinforce"),
    "difference": lambda: made(PPOConfig(observation="difference", hidden_units=20)),
    "no mirror": lambda: made(PPOConfig(mirror=False, n_actions=2, hidden_units=20)),
}


@pytest.fixture(scope="module", params=AGENTS)
def agent(request):
    return AGENTS[request.param]()


def margins(agent, fields):
    """The margin of UP over DOWN by dense float64 arithmetic, for fields (N, 2, 80, 80)."""
    current, previous = fields[:, 0], fields[:, 1]
    images = {
        "two_frames": [current, previous],
        "difference": [current - previous],
    }[agent.config.observation]
    x = np.stack(images, axis=1)
    W = {name: value.astype(np.float64) for name, value in agent.parameters.items()}
    up, down = (W["W2"][UP], W["W2"][DOWN]) if W["W2"].ndim == 2 else (W["W2"], 0 * W["W2"])
    hidden = np.maximum(x.reshape(len(x), -1) @ W["W1"].T, 0)
    result = hidden @ up - hidden @ down
    if agent.config.mirror:
        turned = np.maximum(x[:, :, ::-1].reshape(len(x), -1) @ W["W1"].T, 0)
        result += turned @ down - turned @ up
    return result + (W["b2"][UP] - W["b2"][DOWN] if "b2" in W else 0)


@pytest.fixture(scope="module", params=[60, 250])
def pair(request, frames):
    """Lit pixels of a frame of a real game and of the one before."""
    return lit_pixels(frames[request.param]), lit_pixels(frames[request.param - 1])


def test_the_gradient_is_that_of_central_differences(agent, pair):
    """They agree at lit and other pixels of both fields."""
    gradient, _ = margin_gradient(agent, *pair)
    assert gradient.shape == (2, 80, 80)
    fields = np.stack([draw_field(pixels) for pixels in pair]).astype(np.float64)
    random = np.random.default_rng(0).choice(2 * 6400, 60, replace=False)
    pixels = np.concatenate([np.flatnonzero(fields), random])
    steps = np.zeros((len(pixels), 2 * 6400))
    steps[np.arange(len(pixels)), pixels] = 1e-6
    steps = steps.reshape(-1, 2, 80, 80)
    numerical = (margins(agent, fields + steps) - margins(agent, fields - steps)) / 2e-6
    assert np.abs(numerical).max() > 1e-3
    np.testing.assert_allclose(gradient.reshape(-1)[pixels], numerical, rtol=1e-5, atol=1e-7)


def test_the_margin_is_what_the_agent_decides_by(agent, pair):
    """It is the logarithm of the ratio of the probabilities of UP and DOWN."""
    _, margin = margin_gradient(agent, *pair)
    [probabilities] = agent.examine(FieldHistory([pair[0]], [pair[1]])).probabilities.astype(
        np.float64
    )
    expected = np.log(probabilities[UP] / probabilities[DOWN])
    assert margin == pytest.approx(expected, abs=1e-3)


def test_the_gradient_at_lit_pixels_adds_up_to_the_margin(agent, pair):
    """Only the actions have a bias: each lit pixel has its share."""
    gradient, margin = margin_gradient(agent, *pair)
    shares = sum(gradient[i].reshape(-1)[pixels].sum() for i, pixels in enumerate(pair))
    b2 = agent.parameters.get("b2", np.zeros(STAY + 1))
    assert shares + b2[UP] - b2[DOWN] == pytest.approx(margin, abs=1e-4)


def test_a_mirrored_policy_looks_at_a_mirrored_field_the_other_way_up(pair):
    """Flipping both fields flips the gradient and swaps UP and DOWN."""
    agent = PongAgent.pretrained()
    gradient, margin = margin_gradient(agent, *pair)
    turned = [np.flatnonzero(draw_field(pixels)[::-1]).astype(np.uint16) for pixels in pair]
    other, opposite = margin_gradient(agent, *turned)
    assert opposite == pytest.approx(-margin, abs=1e-4)
    np.testing.assert_allclose(other, -gradient[:, ::-1], atol=1e-6)
