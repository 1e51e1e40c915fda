import os
import sys

import pytest

from pong_agent.training.collector import CollectorError
from pong_agent.training.ray_start import import_ray, provide_token

VARIABLES = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@pytest.mark.parametrize(
    ("home", "given", "provided"),
    [
        ("home", {}, False),
        ("file/home", {}, True),
        ("file/home", {"RAY_AUTH_MODE": "disabled"}, False),
    ],
)
def test_a_home_that_cannot_be_written_gives_ray_a_token(
    tmp_path, monkeypatch, home, given, provided
):
    """Ray would write its access token there; what the user has set stays."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    provide_token()
    assert ("RAY_AUTH_TOKEN" in os.environ) is provided


def test_a_missing_ray_is_one_line(monkeypatch):
    """It says how to install it and how to train without."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CollectorError, match=r"pip install ray, or train without it"):
        import_ray(local=True)
