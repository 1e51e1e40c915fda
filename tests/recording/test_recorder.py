"""Videos of whole episodes of real Pong, compared with what the emulator did."""

import inspect
import json

import ale_py
import gymnasium as gym
import numpy as np
import pytest
from video_frames import decode

from pong_agent import ConfigError, PongAgent
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation.evaluate import evaluate_policy
from pong_agent.recording.encoder import VideoError, read_video_info
from pong_agent.recording.ffmpeg import RecordingWarning
from pong_agent.recording.panel import AgentOverlay
from pong_agent.recording.record import VideoOptions, record_episodes
from pong_agent.recording.recorder import EpisodeRecorder

# Pong-v0, the seed's game, is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")


def names(folder):
    """What lies in a folder, without the JSON file that each video must have beside it."""
    found = {path.name for path in folder.iterdir()}
    beside = {name[:-4] + ".json" for name in found if name.endswith(".mp4")}
    assert beside <= found
    return sorted(found - beside)


def pong(game="ALE/Pong-v5", render_mode="rgb_array", frames=281, **options):
    """A Pong whose episodes end after 281 emulator frames, in the middle of a step of four."""
    assert ale_py  # its import registers the games
    return gym.make(game, render_mode=render_mode, max_num_frames_per_episode=frames, **options)


def play(env, seed=0):
    """One episode under random actions: a list of (observation, reward, terminated, ...)."""
    actions = np.random.default_rng(seed)
    steps = [env.reset(seed=seed)]
    done = False
    while not done:
        steps.append(env.step(int(actions.integers(6))))
        done = steps[-1][2] or steps[-1][3]
    return steps


class Counter(gym.Env):
    """A toy whose frame brightens by 20 with each of its 5 steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 12}  # noqa: RUF012  # as in Gymnasium
    observation_space = gym.spaces.Discrete(6)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode="rgb_array"):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        self.n = 0
        return 0, {}

    def step(self, action):
        if action > 1:
            raise RuntimeError("no such action")
        self.n += 1
        return self.n, 1.0, self.n == 5, False, {}

    def render(self):
        return np.full((20, 30, 3), 20 * self.n, np.uint8)


@pytest.mark.parametrize("game", ["ALE/Pong-v5", "Pong-v0", "PongNoFrameskip-v4"])
def test_every_emulator_frame_is_recorded(tmp_path, game):
    """A video has the frame after reset and each frame that the emulator advanced, at 60 fps."""
    with EpisodeRecorder(pong(game), tmp_path, scale=1) as env:
        for k in range(2):
            steps = play(env, seed=k)
            first, last = (info["episode_frame_number"] for *_, info in (steps[0], steps[-1]))
            info = read_video_info(env.paths[k])
            assert info.frames == last - first + 1 > 260
            assert (info.width, info.height, info.fps) == (160, 210, 60)
    assert env.paths == [tmp_path / f"pong-episode-{k}.mp4" for k in range(2)]
    assert names(tmp_path) == [path.name for path in env.paths]


def test_video_shows_what_the_agent_saw(tmp_path):
    """Frame by frame the video shows the observations, from the first to the last."""
    with EpisodeRecorder(pong("Pong-v0"), tmp_path, scale=2) as env:
        steps = play(env)
    shots = decode(env.paths[0])
    first = steps[0][-1]["episode_frame_number"]
    for observation, *_, info in steps:
        shot = shots[info["episode_frame_number"] - first].astype(np.int16)
        assert np.abs(shot[::2, ::2] - observation).mean() < 2
        ball = (observation[34:194] == 236).all(axis=-1)
        assert (shot[34 * 2 : 194 * 2 : 2, ::2][ball] > 180).all()


@pytest.mark.parametrize("game", ["ALE/Pong-v5", "Pong-v0"])
def test_episodes_do_not_depend_on_the_recorder(tmp_path, game):
    """Observations, rewards, ends and infos are the same with and without recorder."""
    plain, recorded = pong(game), EpisodeRecorder(pong(game), tmp_path, scale=1)
    for seed in range(3):
        for expected, found in zip(play(plain, seed), play(recorded, seed), strict=True):
            np.testing.assert_array_equal(expected[0], found[0])
            assert repr(expected[1:]) == repr(found[1:])
    plain.close()
    recorded.close()


def test_close_gives_the_emulator_back(tmp_path):
    """While recording the game's emulator is wrapped, after `close` it is the real one."""
    game = pong()
    real = game.unwrapped.ale
    env = EpisodeRecorder(game, tmp_path)
    assert game.unwrapped.ale is not real
    assert game.unwrapped.ale.getRAMSize() == 128
    env.close()
    env.close()
    assert game.unwrapped.ale is real
    play(game)  # still plays, but nothing is recorded
    assert names(tmp_path) == []


def test_a_closed_recorder_says_so(tmp_path):
    """After `close`, stepping and resetting are one clear error."""
    env = EpisodeRecorder(pong(), tmp_path)
    env.reset(seed=0)
    env.close()
    for use in (lambda: env.step(0), env.reset):
        with pytest.raises(gym.error.ClosedEnvironmentError, match="a new recorder"):
            use()
    assert names(tmp_path) == []


def test_two_recorders_record_the_same(tmp_path):
    """Recorders may be stacked; each has its whole video."""
    game = pong()
    real = game.unwrapped.ale
    with (
        EpisodeRecorder(game, tmp_path, name_prefix="in", scale=1) as inner,
        EpisodeRecorder(inner, tmp_path, name_prefix="out", scale=2) as outer,
    ):
        play(outer)
    frames = [read_video_info(env.paths[0]).frames for env in (inner, outer)]
    assert frames[0] == frames[1] > 260
    assert inner.unwrapped.ale is real


def test_unfinished_episodes_are_discarded(tmp_path):
    """A reset or close in the middle leaves no video, and the number stays unused."""
    env = EpisodeRecorder(Counter(), tmp_path)
    env.reset()
    env.step(0)
    with pytest.warns(RecordingWarning, match=r"episode-0\.mp4: reset came before .* TimeLimit"):
        env.reset()
    for _ in range(5):
        env.step(0)
    env.reset()
    env.reset()  # nothing is lost, nothing is said
    env.step(0)
    with pytest.warns(RecordingWarning, match=r"episode-3\.mp4: close came before .* video_length"):
        env.close()
    assert [path.name for path in env.paths] == ["pong-episode-1.mp4"]
    assert names(tmp_path) == ["pong-episode-1.mp4"]


def play_toy(env):
    env.reset()
    for _ in range(5):
        env.step(0)


def test_exception_in_step_discards_the_video(tmp_path):
    """An exception passes through; the video of its episode is gone, the next one is whole."""
    with EpisodeRecorder(Counter(), tmp_path) as env:
        env.reset()
        with pytest.raises(RuntimeError, match="no such action"):
            env.step(7)
        assert names(tmp_path) == []
        play_toy(env)
    assert names(tmp_path) == ["pong-episode-1.mp4"]


@pytest.mark.parametrize(("fps", "expected"), [(None, 12), (25, 25)])
def test_other_environments_are_recorded_by_render(tmp_path, fps, expected):
    """Any other environment is recorded after reset and each step, at its own rate or `fps`."""
    with EpisodeRecorder(Counter(), tmp_path, name_prefix="toy", fps=fps) as env:
        play_toy(env)
        assert [path.name for path in env.paths] == ["toy-episode-0.mp4"]  # before close
        with pytest.warns(RecordingWarning, match="without reset: .* none is recorded"):
            env.step(0)
    info = read_video_info(env.paths[0])
    assert (info.frames, info.fps, info.width, info.height) == (6, expected, 120, 80)
    means = decode(env.paths[0]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, [0, 20, 40, 60, 80, 100], atol=3)


@pytest.mark.parametrize("render_mode", [None, "human"])
def test_wrong_render_mode(tmp_path, render_mode):
    """An environment without RGB arrays is refused, and how to make one is said."""
    with pytest.raises(ValueError, match=rf'"rgb_array", found {render_mode!r}: make it with'):
        EpisodeRecorder(Counter(render_mode), tmp_path)


def test_unknown_rate(tmp_path, monkeypatch):
    """An environment that does not tell its rate needs the argument."""
    monkeypatch.setattr(Counter, "metadata", {"render_modes": ["rgb_array"]})
    with pytest.raises(ConfigError, match="the argument fps, such as fps=30, found neither"):
        EpisodeRecorder(Counter(), tmp_path)


def test_errors_of_the_video_reach_the_caller(tmp_path):
    """A video that cannot be written is an error of the constructor or of `step`."""
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoError, match="expected a writable folder"):
        EpisodeRecorder(Counter(), tmp_path / "file")
    with EpisodeRecorder(Counter(), tmp_path) as env:
        env.reset()
        env.render = list
        env.unwrapped.render = list
        with pytest.raises(ValueError, match=r"expected a frame of uint8 .*, found float64 \(0,\)"):
            env.step(0)
    assert names(tmp_path) == ["file"]


def test_triggers_choose_what_is_recorded(tmp_path):
    """By number; a video may also begin at a step, and end after some frames."""
    even = EpisodeRecorder(Counter(), tmp_path / "even", episode_trigger=lambda k: k % 2 == 0)
    for _ in range(3):
        play_toy(even)
    assert names(tmp_path / "even") == ["pong-episode-0.mp4", "pong-episode-2.mp4"]
    steps = EpisodeRecorder(Counter(), tmp_path / "steps", step_trigger=lambda n: n in (2, 3, 6))
    for _ in range(2):
        play_toy(steps)
    assert [path.stem for path in steps.paths] == ["pong-step-2", "pong-step-3", "pong-step-6"]
    assert [read_video_info(path).frames for path in steps.paths] == [2, 2, 4]
    np.testing.assert_allclose(decode(steps.paths[0])[0].mean(), 60, atol=3)
    short = EpisodeRecorder(Counter(), tmp_path / "short", video_length=3)
    play_toy(short)
    assert read_video_info(short.paths[0]).frames == 3


def test_spec_remembers_the_arguments(tmp_path):
    """An environment made anew from its spec has the recorder with all its arguments."""
    agent, game = PongAgent("reinforce", seed=0), pong(frames=61)
    arguments = {
        "video_folder": str(tmp_path),
        "episode_trigger": lambda k: k == 1,
        "step_trigger": lambda n: n == 3,
        "video_length": 9,
        "name_prefix": "again",
        "fps": 30.0,
        "scale": 2,
        "overlay": AgentOverlay(agent, game),
        "metadata": {"algorithm": "reinforce"},
        "overwrite": True,
        "disable_logger": False,
        "gc_trigger": lambda _: True,
    }
    assert {*arguments, "self", "env"} == {*inspect.signature(EpisodeRecorder.__init__).parameters}
    with EpisodeRecorder(game, **arguments) as env:
        spec = env.spec
        steps = [play(env, seed=seed) for seed in (0, 1)]
    videos = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    assert list(videos) == ["again-episode-1.mp4", "again-step-3.mp4"]
    with gym.make(spec) as again:
        repeated = [play(again, seed=seed) for seed in (0, 1)]
    np.testing.assert_equal([s[0] for s in repeated[1]], [s[0] for s in steps[1]])
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == videos
    info = read_video_info(tmp_path / "again-episode-1.mp4")
    assert (info.width, info.height, info.fps) == (640, 420, 30)
    sidecar = json.loads((tmp_path / "again-episode-1.json").read_text())
    assert sidecar["agent"] == {"algorithm": "reinforce"}


def test_an_agents_games_are_recorded_as_they_are_evaluated(tmp_path):
    """With the same seeds the returns are those of `evaluate_policy`, with a video for each."""
    agent, game = PongAgent("reinforce", seed=0), EnvSpec("Pong-v0", max_num_frames_per_episode=900)
    evaluated = evaluate_policy(agent, game, 2, deterministic=False, seed=5)
    assert max(evaluated.returns) < -2
    seen = []
    recorded, paths = record_episodes(
        agent,
        tmp_path,
        game,
        range(5, 7),
        deterministic=False,
        options=VideoOptions(scale=1, overlay=False),
        on_episode=lambda trajectory: seen.append(trajectory.seed),
    )
    assert recorded == evaluated
    assert seen == [5, 6]
    assert [path.name for path in paths] == ["pong-episode-0.mp4", "pong-episode-1.mp4"]
    for path, length in zip(paths, recorded.lengths, strict=True):
        assert 2 * length < read_video_info(path).frames <= 4 * length + 1


def test_numbers_out_of_range_are_refused(tmp_path):
    """The error says what was expected and what came."""
    with pytest.raises(ConfigError, match="scale: expected an int of 1 or more, found 0"):
        VideoOptions(scale=0)
    with pytest.raises(ConfigError, match=r"seeds: expected an int from 0 .* found -1"):
        record_episodes(PongAgent("reinforce"), tmp_path, seeds=(0, -1))
