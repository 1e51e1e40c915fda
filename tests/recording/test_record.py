"""Episodes of an agent recorded by one call."""

import numpy as np
import pytest

from pong_agent import ConfigError, PongAgent
from pong_agent.recording import VideoOptions, record_episodes
from pong_agent.recording.encoder import read_video_info

SHORT = {"max_num_frames_per_episode": 40}
LOOK = {"overlay": False, "scale": 1}


def test_options_are_given_as_keywords_or_as_one_object(tmp_path):
    """Keywords replace fields of the environment and of the options, as in version 0.1.0."""
    agent = PongAgent("reinforce")
    options = VideoOptions(name_prefix="game", scale=3, overlay=False)
    result, [path] = record_episodes(
        agent, tmp_path, "ALE/Pong-v5", np.array([5]), env_kwargs=SHORT, options=options, scale=2
    )
    assert path == tmp_path / "game-episode-0.mp4"
    assert read_video_info(path).width == 320
    assert result.seeds == (5,)
    assert type(result.seeds[0]) is int


def test_an_older_video_is_kept(tmp_path):
    """The next free number is taken, also after a GIF alone; `overwrite` begins at 0 again."""
    agent = PongAgent("reinforce")

    def record(**look):
        _, [path] = record_episodes(agent, tmp_path, env_kwargs=SHORT, **LOOK, **look)
        return path.name

    assert record() == "pong-episode-0.mp4"
    assert record() == "pong-episode-1.mp4"
    (tmp_path / "pong-episode-7.gif").touch()
    assert record() == "pong-episode-8.mp4"
    assert record(overwrite=True) == "pong-episode-0.mp4"
    assert len(list(tmp_path.glob("*.mp4"))) == len(list(tmp_path.glob("*.json"))) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": []}, "seeds: expected the seed of each episode"),
        ({"seeds": None}, "seeds: expected the seed of each episode, found None"),
        ({"options": {"scale": 2}}, "options: expected VideoOptions"),
        ({"seeds": 3}, "seeds: expected the seed of each episode, found 3"),
        ({"seeds": [-1]}, "seeds: expected an int from 0"),
        ({"seeds": [True]}, "seeds: expected an int from 0"),
        ({"seeds": ["1"]}, "seeds: expected an int from 0"),
        ({"seeds": [0.5]}, "seeds: expected an int from 0"),
        ({"env_kwargs": {"dificulty": 1}}, "environment: expected fields of .* found 'dificulty'"),
        ({"n_episodes": 2}, "expected options among .*name_prefix.* found 'n_episodes'"),
        ({"scale": 0}, "scale: expected an int of 1 or more, found 0"),
        ({"overlay": "no"}, "overlay: expected a bool"),
        ({"video_folder": ""}, "video_folder: expected a path"),
    ],
)
def test_arguments_are_refused_before_a_game(tmp_path, arguments, message):
    """One error names the argument, and nothing is written."""
    with pytest.raises(ConfigError, match=message):
        record_episodes(**{"agent": PongAgent("reinforce"), "video_folder": tmp_path, **arguments})
    assert list(tmp_path.iterdir()) == []
