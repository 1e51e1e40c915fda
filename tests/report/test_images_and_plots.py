import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from pong_agent.evaluation import EvaluationResult
from pong_agent.recording.palette import NEGATIVE, POSITIVE
from pong_agent.report.inline_images import data_uri, outlines, signed_png
from pong_agent.report.svg import learning_plot, rallies_plot, returns_plot
from pong_agent.training.metrics import METRICS


def result(returns):
    zeros = (0,) * len(returns)
    return EvaluationResult("ALE/Pong-v5", True, tuple(returns), zeros, zeros)


def test_signs_are_colours_and_sizes_are_opacity():
    """Zero is clear, values from the scale on are opaque, half of it is half opaque."""
    values = np.array([[0.0, 2.0, -2.0], [9.0, 1.0, -1e-9]])
    image = Image.open(io.BytesIO(signed_png(values, 2.0)))
    assert image.size == (3, 2)
    pixels = np.asarray(image.convert("RGBA"))
    assert pixels[0, 0, 3] == pixels[1, 2, 3] == 0
    assert tuple(pixels[0, 1]) == tuple(pixels[1, 0]) == (*POSITIVE, 255)
    assert tuple(pixels[0, 2]) == (*NEGATIVE, 255)
    assert tuple(pixels[1, 1, :3]) == POSITIVE
    assert int(pixels[1, 1, 3]) == pytest.approx(127, abs=6)


def test_an_image_of_noise_is_small():
    """A field of 80x80 random numbers weighs below 6 kB."""
    noise = np.random.default_rng(0).standard_normal((80, 80))
    assert len(signed_png(noise, 2.5)) < 6_000


def test_outlines_cover_what_is_lit():
    """The rectangles painted give the field, up to its edges."""
    field = (np.random.default_rng(0).random((80, 80)) < 0.3).astype(np.uint8)
    painted = np.zeros_like(field)
    for column, row, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", outlines(field)):
        painted[int(row), int(column) : int(column) + int(width)] += 1
    np.testing.assert_array_equal(painted, field)


def test_a_data_uri_holds_its_bytes():
    uri = data_uri(b"\x00\xff", "image/png")
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,")) == b"\x00\xff"


def rows(**columns):
    n = len(next(iter(columns.values())))
    named = {name.replace("__", "/"): values for name, values in columns.items()}
    return [{name: named.get(name, [""] * n)[i] for name in METRICS} for i in range(n)]


PLOTS = {
    "returns": lambda: returns_plot(result([21, 19, 20]), result([-21, 3, 3])),
    "one game": lambda: returns_plot(result([-21]), result([-21])),
    "rallies": lambda: rallies_plot([30, 100, 1000], [25]),
    "one rally": lambda: rallies_plot([30], []),
    "no rallies": lambda: rallies_plot([], []),
    "learning": lambda: learning_plot(
        rows(
            time__total_timesteps=["2048", "4096", "6144"],
            rollout__ep_rew_mean=["nan", "-20.5", "-19"],
            eval__mean_reward=["", "-18", ""],
        )
    ),
    "one update": lambda: learning_plot(
        rows(time__total_timesteps=["2048"], rollout__ep_rew_mean=["-20"])
    ),
}


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_svg_in_the_colours_of_the_page(name):
    """They are well-formed, with text as text, no fixed colours and no external links."""
    text = PLOTS[name]()
    root = ET.fromstring(text)  # noqa: S314  # our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.findall(".//{http://www.w3.org/2000/svg}text")
    assert not re.search(r"#[0-9a-f]{6}\b", text.replace("#ffffff", ""))
    assert "var(--ink)" in text
    links = [value for node in root.iter() for key, value in node.items() if "href" in key]
    assert all(link.startswith("#") for link in links)
    assert text == PLOTS[name]()


def test_there_is_no_learning_curve_before_an_episode_ended():
    assert learning_plot([]) is None
    assert learning_plot(rows(time__total_timesteps=["2048"], rollout__ep_rew_mean=["nan"])) is None
