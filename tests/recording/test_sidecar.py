"""The JSON file beside a video, and the video played again from it."""

import base64
import json
import shutil
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from pong_agent import ConfigError, NotPongError, PongAgent
from pong_agent.envs import PongWrapper
from pong_agent.envs.make import make_env
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation import evaluate_policy
from pong_agent.json_values import json_value
from pong_agent.recording import (
    EpisodeRecorder,
    VideoError,
    VideoOptions,
    record_episodes,
    replay,
)
from pong_agent.recording.replay import restored
from pong_agent.recording.sidecar import Sidecar

# Pong-v0, the seed's game, is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")
SHORT = {"max_num_frames_per_episode": 121}
PLAIN = VideoOptions(scale=1, overlay=False)


def short_video(folder, env_id="ALE/Pong-v5", **kwargs):
    """The video of a short sampled game."""
    spec = EnvSpec(env_id, **SHORT, **kwargs)
    _, [path] = record_episodes(
        PongAgent("ppo"), folder, spec, [3], deterministic=False, options=PLAIN
    )
    return path


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A short video and the JSON file beside it."""
    return short_video(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def video(original, tmp_path):
    """A copy of that video for one test, whose JSON file may be changed."""
    shutil.copy(original.with_suffix(".json"), tmp_path)
    return Path(shutil.copy(original, tmp_path))


def changed(path, **entries):
    """Give a video's JSON file other entries."""
    beside = path.with_suffix(".json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **entries}))


@pytest.mark.parametrize(
    ("env_id", "kwargs"),
    [
        ("ALE/Pong-v5", {}),
        ("ALE/Pong-v5", {"noop_max": 30, "repeat_action_probability": 0.0, "difficulty": 1}),
        ("Pong-v0", {}),
        ("PongNoFrameskip-v4", {"frameskip": [2, 5]}),
    ],
)
def test_a_video_is_played_again_frame_by_frame(tmp_path, env_id, kwargs):
    """From the JSON file alone comes the same game, with no-ops, drawn frame skips and all."""
    if "frameskip" in kwargs:
        kwargs = {**kwargs, "frameskip": tuple(kwargs["frameskip"])}
    path = short_video(tmp_path, env_id, **kwargs)
    again = replay(path)
    assert again.identical
    sidecar = Sidecar.read(path.with_suffix(".json"))
    assert again.frames == sidecar.frames > 80
    assert again.steps == len(sidecar.actions)
    assert sidecar.agent["deterministic"] is False
    assert len(sidecar.agent["weights_sha256"]) == 64


def test_where_a_video_differs_is_told(video):
    """Another seed, another action, another frame, another reward: the first step is named."""
    path = video
    whole = json.loads(path.with_suffix(".json").read_text())
    changed(path, seed=4)
    assert not replay(path).identical
    actions = [*whole["actions"][:10], 5 - whole["actions"][10], *whole["actions"][11:]]
    changed(path, seed=3, actions=actions)
    found = replay(path)
    assert found.difference.startswith("agent step")
    assert 10 < found.steps < 16
    sums = np.frombuffer(base64.b64decode(whole["checksums"]), "<u4").copy()
    sums[7] ^= 1
    packed = base64.b64encode(sums.tobytes()).decode()
    changed(path, actions=whole["actions"], checksums=packed)
    assert replay(path).difference == "agent step 7: the frames differ"
    rewards = [0.0, 1.0, *whole["rewards"][2:]]
    changed(path, checksums=whole["checksums"], rewards=rewards)
    assert replay(path).difference == "agent step 2: reward 1.0 in the recording, 0.0 now"


def test_a_video_from_a_step_on_is_played_again(tmp_path):
    """The steps before the video are played too, its frames alone compared."""
    env = make_env("ALE/Pong-v5", render_mode="rgb_array", **SHORT)
    with EpisodeRecorder(
        env, tmp_path, step_trigger=lambda n: n == 10, video_length=20
    ) as recorded:
        recorded.reset(seed=1)
        for action in np.random.default_rng(0).integers(6, size=30):
            recorded.step(action)
    again = replay(recorded.paths[0])
    assert (again.identical, again.frames, again.steps) == (True, 21, 16)


def test_any_environment_can_be_played_again(tmp_path):
    """A video of another game is compared with an environment that the caller gives."""
    env = gym.make("ALE/Breakout-v5", render_mode="rgb_array", max_num_frames_per_episode=80)
    with EpisodeRecorder(env, tmp_path, scale=1) as recorded:
        recorded.reset(seed=1)
        while not any(recorded.step(1)[2:4]):
            pass
    with pytest.raises(NotPongError, match="expected an ALE Pong environment"):
        replay(recorded.paths[0])
    env = gym.make("ALE/Breakout-v5", render_mode="rgb_array", max_num_frames_per_episode=80)
    assert replay(recorded.paths[0], env).identical
    env.close()


def test_an_episode_without_a_seed_cannot_be_played_again(tmp_path):
    """The error says what to do."""
    env = make_env("ALE/Pong-v5", render_mode="rgb_array", **SHORT)
    with EpisodeRecorder(env, tmp_path, scale=1) as recorded:
        recorded.reset()
        while not any(recorded.step(0)[2:4]):
            pass
    with pytest.raises(VideoError, match=r"call reset\(seed=...\)"):
        replay(recorded.paths[0])


def test_another_video_than_the_described_one_is_refused(video):
    """A sidecar is believed with its own video, or alone; the result tells which."""
    assert replay(video).video_found
    assert replay(str(video.with_suffix(".json"))).video_found
    content = video.read_bytes()
    video.write_bytes(content[:-1] + b"x")
    with pytest.raises(VideoError, match=r"describes another video than .* replaced or"):
        replay(video)
    video.unlink()
    again = replay(video)
    assert (again.identical, again.video_found) == (True, False)


def test_only_a_video_or_its_json_file_is_replayed(video, tmp_path):
    """A name with dots, a byte order mark and `~` are fine; folders and other names are not."""
    renamed = video.rename(tmp_path / "a.b.mp4")
    beside = video.with_suffix(".json").rename(tmp_path / "a.b.json")
    beside.write_text("\ufeff" + beside.read_text(encoding="utf-8"), encoding="utf-8")
    assert replay(renamed).identical
    for wrong in (tmp_path, tmp_path / "a.b", tmp_path / "a.b.gif"):
        with pytest.raises(VideoError, match=r"expected a video, NAME.mp4, or the file NAME.json"):
            replay(wrong)
    for missing in (tmp_path / "none.mp4", tmp_path / "none.json"):
        with pytest.raises(VideoError, match="expected the JSON file beside a video, found none"):
            replay(missing)
    for path, env in ((3, None), (renamed, "ALE/Pong-v5")):
        with pytest.raises(ConfigError, match="expected"):
            replay(path, env)


def recorded(env, folder, action=lambda step: 2 + step % 2):
    """The video of a short game in an environment."""
    with EpisodeRecorder(env, folder, scale=1) as recorder:
        recorder.reset(seed=0, options={"unused": 0.5})
        step = 0
        while not any(recorder.step(action(step))[2:4]):
            step += 1
    return recorder.paths[0]


def test_the_packages_own_environment_is_played_again(tmp_path):
    """Its actions 0 and 1 are not the emulator's."""
    env = gym.make("PongAgent/Pong-v5", render_mode="rgb_array", max_num_frames_per_episode=80)
    assert replay(recorded(env, tmp_path, lambda step: step % 2)).identical


@pytest.mark.parametrize(
    "wrap",
    [
        lambda env: gym.wrappers.TimeLimit(gym.wrappers.RecordEpisodeStatistics(env), 20),
        lambda env: gym.wrappers.FrameStackObservation(gym.wrappers.GrayscaleObservation(env), 4),
    ],
)
def test_wrappers_that_keep_the_game_are_no_obstacle(tmp_path, wrap):
    """Observations, statistics and limits of steps do not change a game."""
    path = recorded(wrap(make_env("ALE/Pong-v5", render_mode="rgb_array", **SHORT)), tmp_path)
    assert Sidecar.read(path.with_suffix(".json")).needs_env == ""
    assert replay(path).identical


@pytest.mark.parametrize(
    ("wrap", "action"),
    [
        (lambda env: gym.wrappers.MaxAndSkipObservation(env, 3), lambda step: 2 + step % 2),
        (lambda env: gym.wrappers.StickyAction(env, 0.5), lambda step: 2 + step % 2),
        (lambda env: gym.wrappers.TransformReward(env, lambda r: r - 1), lambda step: 0),
        (PongWrapper, lambda step: step % 2),
    ],
)
def test_wrappers_that_change_the_game_are_named(tmp_path, wrap, action):
    """The sidecar says so from the start, and the video is not called different for it."""

    def made():
        return wrap(make_env("ALE/Pong-v5", render_mode="rgb_array", **SHORT))

    path = recorded(made(), tmp_path, action)
    assert "the wrapper" in Sidecar.read(path.with_suffix(".json")).needs_env
    with pytest.raises(VideoError, match=r"cannot be compared: .* wrapper .*replay\(path, env\)"):
        replay(path)
    assert replay(path, made()).identical


class Gripper(gym.Env):
    """Takes actions of a composed space, and shows what it took."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012  # Gymnasium's form
    render_mode = "rgb_array"
    observation_space = gym.spaces.Discrete(9)
    action_space = gym.spaces.Dict(
        aim=gym.spaces.Box(-1, 1, (2,)),
        grip=gym.spaces.Tuple([gym.spaces.Discrete(3), gym.spaces.MultiBinary(2)]),
    )

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.taken = []
        return 0, {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.taken.append(action)
        return 0, float(action["aim"].sum()), len(self.taken) == 3, False, {}

    def render(self):
        return np.full((20, 30, 3), 9 * sum(a["grip"][0] for a in self.taken), np.uint8)


def test_actions_of_composed_spaces_are_restored_with_their_types(tmp_path):
    """Replay gives an environment actions of its space, such as float32 arrays."""
    space = Gripper.action_space
    space.seed(0)
    samples = [space.sample() for _ in range(3)]
    for sample in samples:
        back = restored(space, json.loads(json.dumps(json_value(sample, "action"))))
        assert space.contains(back)
        np.testing.assert_array_equal(back["aim"], sample["aim"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be read as a video's JSON file"),
        ("[]", "expected the JSON file beside a video"),
        ("[" * 100_000, "cannot be read as a video's JSON file"),
        ('{"format": "pong_agent film", "format_version": 9}', "newer pong_agent"),
        (
            '{"format": "pong_agent film", "format_version": 1}',
            "expected an entry 'actions', found",
        ),
    ],
)
def test_what_is_no_sidecar_is_refused(tmp_path, text, reason):
    """One clear error names the file and the reason."""
    path = tmp_path / "pong.json"
    path.write_text(text)
    with pytest.raises(VideoError, match=reason):
        replay(path)


@pytest.mark.parametrize(
    "entries",
    [
        {"actions": 5},
        {"actions": []},
        {"rewards": [0.0]},
        {"first_step": 7},
        {"first_step": "a"},
        {"checksums": "!"},
        {"env_kwargs": 3},
        {"env_kwargs": {"frameskip": "often"}},
        {"env_kwargs": {"frameskip": 10**12}},
        {"env_kwargs": {"noop_max": 10**12}},
        {"options": {"noops": 10**12}},
        {"env_id": 3},
        {"env_id": "CartPole-v1"},
        {"seed": "one"},
        {"seed": -1},
        {"options": [1]},
        {"actions": ["up"] * 31},
        {"env_id": "a_stranger:ALE/Pong-v5"},
        {"film_sha256": "0" * 64},
    ],
)
def test_a_hostile_sidecar_is_one_error(video, entries):
    """Whatever the file says, the reader raises its own error and nothing else."""
    changed(video, **entries)
    with pytest.raises((VideoError, NotPongError)):
        replay(video)


@pytest.mark.slow
def test_twenty_whole_games(tmp_path):
    """Recorded or not, with panel or without, 20 games are the same, and so are their replays.

    Takes minutes: `pytest -m slow`.
    """
    agent = PongAgent.pretrained()
    options = {"n_eval_episodes": 20, "deterministic": False, "seed": 100}
    plain: list = []
    evaluate_policy(agent, "ALE/Pong-v5", **options, on_episode=plain.append)
    recorded: list = []
    _, videos = record_episodes(
        agent,
        tmp_path,
        "ALE/Pong-v5",
        range(100, 120),
        deterministic=False,
        options=PLAIN,
        on_episode=recorded.append,
    )
    for expected, found in zip(plain, recorded, strict=True):
        np.testing.assert_array_equal(expected.actions, found.actions)
        np.testing.assert_array_equal(expected.rewards, found.rewards)
    assert all(replay(path).identical for path in videos)
    _, [panelled] = record_episodes(
        agent,
        tmp_path / "panel",
        "ALE/Pong-v5",
        [100],
        deterministic=False,
        options=VideoOptions(scale=1),
    )
    sidecars = [Sidecar.read(path.with_suffix(".json")) for path in (videos[0], panelled)]
    assert sidecars[0].checksums == sidecars[1].checksums
    assert sidecars[0].actions == sidecars[1].actions
