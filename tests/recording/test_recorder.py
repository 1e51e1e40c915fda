"""Videos of whole episodes of real Pong, compared with what the emulator did."""

import copy
import inspect
import json
import pickle
import warnings

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
from pong_agent.recording.replay import replay

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
    """Frame by frame the video shows the observations, but for the console's boot colours."""
    with EpisodeRecorder(pong("Pong-v0"), tmp_path, scale=2) as env:
        steps = play(env)
    shots = decode(env.paths[0])
    first = steps[0][-1]["episode_frame_number"]
    assert np.abs(shots[:2].astype(np.int16) - shots[2]).mean() < 0.5
    for observation, *_, info in steps[1:]:
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
    assert (info.frames, info.fps, info.width, info.height) == (6, expected, 60, 40)
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


def test_triggers_are_asked_as_by_record_video(tmp_path):
    """With the same numbers, in the same order, and steps and episodes are counted alike."""

    def asked(recorder_class):
        calls = []
        env = recorder_class(
            Counter(),
            str(tmp_path / recorder_class.__name__),
            episode_trigger=lambda k: calls.append(("episode", k)) or k == 1,
            step_trigger=lambda n: calls.append(("step", n)) or n in (1, 4, 12),
        )
        for n_steps in (5, 0, 3, 5):  # also resets that come too early
            env.reset(seed=0)
            for _ in range(n_steps):
                env.step(0)
                calls.append((env.step_id, env.episode_id))
        env.close()
        return calls

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert asked(EpisodeRecorder) == asked(gym.wrappers.RecordVideo)
    assert names(tmp_path / "EpisodeRecorder") == [f"pong-step-{n}.mp4" for n in (1, 12, 4)]


def test_episodes_of_an_autoreset_inside_are_recorded(tmp_path):
    """Each has its number and its video, and the step that resets belongs to the next one."""
    asked = []
    env = EpisodeRecorder(
        gym.wrappers.Autoreset(Counter()),
        tmp_path,
        episode_trigger=lambda k: asked.append(k) or k != 1,
    )
    env.reset(seed=0)
    for _ in range(3 * 6 - 1):
        env.step(0)
    env.close()
    assert asked == [0, 1, 2]
    assert [read_video_info(path).frames for path in env.paths] == [6, 6]
    sidecar = json.loads(env.paths[1].with_suffix(".json").read_text())
    assert (env.paths[1].stem, sidecar["seed"], sidecar["length"]) == ("pong-episode-2", None, 5)


def test_the_folder_is_resolved_once(tmp_path, monkeypatch):
    """A `~` and a later change of the directory change nothing, and a prefix may name folders."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for folder, prefix in (("~/videos", "home/ALE/Pong-v5"), ("videos", "here/ALE/Pong-v5")):
        env = EpisodeRecorder(Counter(), folder, name_prefix=prefix)
        monkeypatch.chdir("/")
        play_toy(env)
        assert env.paths == [tmp_path / "videos" / f"{prefix}-episode-0.mp4"]
        assert env.paths[0].is_file()
        monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "name_prefix",
    ["", " ", "/a", "../a", "a/./b", "a//b", "a/", "-a", "~/a", "a\nb", "a\0b", 5, None],
)
def test_prefixes_that_name_no_video_are_refused(tmp_path, name_prefix):
    """When the recorder, or the options of `record_episodes`, are made."""
    with pytest.raises(ConfigError, match="name_prefix: expected a"):
        EpisodeRecorder(Counter(), tmp_path, name_prefix=name_prefix)
    with pytest.raises(ConfigError, match="name_prefix: expected a"):
        VideoOptions(name_prefix=name_prefix)
    assert names(tmp_path) == []


def test_a_name_that_is_too_long_is_refused(tmp_path):
    """When the recorder is made, not when the first video would be."""
    with pytest.raises(VideoError, match=r"expected a writable folder: .*too long"):
        EpisodeRecorder(Counter(), tmp_path, name_prefix="x" * 240)


def test_an_existing_video_is_kept(tmp_path):
    """The next free name is taken, with one warning; a JSON file alone holds a name too."""
    (tmp_path / "pong-episode-1.json").write_text('{"mine": true}')
    envs = [EpisodeRecorder(Counter(), tmp_path) for _ in range(2)]
    for env in envs:  # both are recording
        env.reset()
    for _ in range(5):
        envs[0].step(0)
    for _ in range(4):
        envs[1].step(0)
    with pytest.warns(RecordingWarning, match=r"exists: .* pong-episode-0-2\.mp4\. .* overwrite="):
        envs[1].step(0)
    play_toy(envs[1])
    expected = ["pong-episode-0.mp4", "pong-episode-0-2.mp4", "pong-episode-1-2.mp4"]
    assert [path.name for env in envs for path in env.paths] == expected
    for path in (*envs[0].paths, *envs[1].paths):
        assert json.loads(path.with_suffix(".json").read_text())["film"] == path.name
    assert (tmp_path / "pong-episode-1.json").read_text() == '{"mine": true}'
    older = envs[0].paths[0].read_bytes()
    play_toy(again := EpisodeRecorder(Counter(), tmp_path, overwrite=True, scale=3))
    assert again.paths == envs[0].paths
    assert again.paths[0].read_bytes() != older


def test_a_recorder_that_is_dropped_says_so(tmp_path):
    """Within an episode nothing is kept, and nothing remains."""
    env = EpisodeRecorder(Counter(), tmp_path)
    env.reset()
    env.step(0)
    with pytest.warns(RecordingWarning, match=r"episode-0\.mp4: its recorder was deleted"):
        del env
    game = pong()
    env = EpisodeRecorder(game, tmp_path, scale=1)
    env.reset()
    env.step(0)
    with pytest.warns(RecordingWarning, match="its recorder was deleted"):
        del env
    game.step(0)  # the game itself goes on
    assert names(tmp_path) == []


def pickled(env):
    return pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("make", "way"), [(Counter, copy.deepcopy), (Counter, pickled), (pong, copy.deepcopy)]
)
def test_copies_record_too(tmp_path, make, way):
    """A recorder is copied before and after a video, as `RecordVideo`, but not within one."""
    env = EpisodeRecorder(make(), tmp_path, scale=2, video_length=2)
    for k in range(2):
        env = way(env)
        env.reset(seed=0)
        assert env.recording
        with pytest.raises(VideoError, match="cannot be copied within a video"):
            way(env)
        while env.recording:
            env.step(0)
        assert [path.stem for path in env.paths] == ["pong-episode-0", "pong-episode-1"][: k + 1]
    env.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": 0}, r"fps: expected a number from 0\.01 to 1000, found 0"),
        ({"fps": np.float64("nan")}, "fps: .*found nan"),
        ({"fps": True}, "fps: .*found True"),
        ({"scale": True}, "scale: expected an int of 1 or more, found True"),
        ({"video_length": -1}, "video_length: expected an int of 0 or more, found -1"),
        ({"episode_trigger": 5}, "expected a function as a trigger, found 5"),
        ({"overlay": "panel"}, "overlay: expected the methods of Overlay, found 'panel'"),
        ({"metadata": {"runs": {1}}}, r"metadata\.runs: expected a value that JSON can hold"),
        ({"metadata": "run"}, "metadata: expected a mapping, found 'run'"),
        ({"video_folder": ""}, "video_folder: expected a path"),
    ],
)
def test_arguments_are_refused_at_once(tmp_path, arguments, message):
    """When the recorder is made; nothing is written."""
    with pytest.raises(ConfigError, match=message):
        EpisodeRecorder(Counter(), **{"video_folder": tmp_path, **arguments})
    assert names(tmp_path) == []


class Rewarded(Counter):
    """A toy with other rewards and actions."""

    def __init__(self, reward=1.0, space=Counter.action_space):
        super().__init__()
        self.reward, self.action_space = reward, space

    def step(self, action):
        assert action in self.action_space
        observation, _, *rest = super().step(0)
        return observation, self.reward, *rest


def recorded(folder, env, seed=None, options=None, **arguments):
    """The sidecar of one episode, and its path."""
    env.action_space.seed(0)
    with EpisodeRecorder(env, folder, **arguments) as recorder:
        recorder.reset(seed=seed, options=options)
        while not recorder.step(env.action_space.sample())[2]:
            pass
    path = recorder.paths[0].with_suffix(".json")
    return path, json.loads(path.read_text())


def test_values_are_converted_where_they_come_in(tmp_path):
    """NumPy's numbers, arrays and paths become JSON's types, NumPy's arguments Python's."""
    _, sidecar = recorded(
        tmp_path,
        Counter(),
        seed=np.int64(3),
        options={"low": np.float32(-0.5), "start": np.zeros(2)},
        fps=np.int64(12),
        scale=np.uint8(2),
        metadata={"run": tmp_path, "discount": np.float32(0.5)},
    )
    assert (sidecar["seed"], sidecar["fps"]) == (3, 12)
    assert sidecar["options"] == {"low": -0.5, "start": [0, 0]}
    assert sidecar["agent"] == {"run": str(tmp_path), "discount": 0.5}
    env = EpisodeRecorder(Counter(), tmp_path)
    for options in ({"start": {1}}, {"start": float("nan")}, [1]):
        with pytest.raises(ConfigError, match="options"):
            env.reset(options=options)
    with pytest.raises(ConfigError, match="seed: expected an int"):
        env.reset(seed=True)
    assert env.episode_id == -1


@pytest.mark.parametrize(
    ("reward", "expected"),
    [(np.array([0.5]), 0.5), (np.float32(2), 2), (None, None), (np.nan, None), (np.inf, None)],
)
def test_rewards_that_are_no_finite_numbers_are_null(tmp_path, reward, expected):
    """The episode is recorded whatever the rewards are, and the JSON file stays JSON."""
    _, sidecar = recorded(tmp_path, Rewarded(reward))
    assert sidecar["rewards"] == [expected] * 5
    assert sidecar["return"] == (None if expected is None else 5 * expected)


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Dict({"a": gym.spaces.Discrete(3), "b": gym.spaces.Box(-1, 1, (2,))}),
        gym.spaces.Tuple((gym.spaces.Discrete(2), gym.spaces.MultiBinary(3))),
        gym.spaces.Box(-1, 1, (2, 2), np.float64),
        gym.spaces.MultiDiscrete([2, 3]),
    ],
)
def test_actions_of_every_space_are_kept(tmp_path, space):
    """From the JSON file alone the same actions are taken again."""
    path, _ = recorded(tmp_path, Rewarded(space=space), seed=1)
    assert replay(path, Rewarded(space=space)).identical


def test_an_action_that_json_cannot_hold_is_refused(tmp_path):
    """Before it is taken, not with the episode's last step."""
    space = gym.spaces.Box(-np.inf, np.inf, (1,))
    with EpisodeRecorder(Rewarded(space=space), tmp_path) as env:
        env.reset()
        with pytest.raises(ConfigError, match=r"action\[0\]: .* found nan"):
            env.step(np.array([np.nan], np.float32))
        assert env.unwrapped.n == 0


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
        "end_seconds": 0.5,
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
