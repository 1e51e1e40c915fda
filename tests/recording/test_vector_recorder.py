"""Videos of vector environments, in all autoreset modes."""

import inspect
import warnings

import ale_py
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from pong_agent import ConfigError
from pong_agent.recording import EpisodeRecorder, VectorEpisodeRecorder
from pong_agent.recording.encoder import read_video_info
from pong_agent.recording.ffmpeg import RecordingWarning

gym.register_envs(ale_py)


class Counter(gym.Env):
    """A toy with episodes of `length` steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 12}  # noqa: RUF012  # as in Gymnasium
    observation_space = gym.spaces.Discrete(9)
    action_space = gym.spaces.Discrete(2)
    render_mode = "rgb_array"

    def __init__(self, length):
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n = 0
        return 0, {}

    def step(self, action):
        self.n += 1
        return self.n, 1.0, self.n == self.length, False, {}

    def render(self):
        return np.full((20, 30, 3), 20 * self.n, np.uint8)


def counters(mode):
    return SyncVectorEnv([lambda: Counter(3), lambda: Counter(5)], autoreset_mode=mode)


def frames(recorder):
    return {path.stem: read_video_info(path).frames for path in recorder.paths}


@pytest.mark.parametrize(("mode", "missing"), [("NEXT_STEP", 0), ("SAME_STEP", 1)])
def test_each_episode_is_a_video(tmp_path, mode, missing):
    """Episodes of 3 and 5 steps have 4 and 6 frames; SAME_STEP renders all but the last one."""
    with_reset = 1 if mode == "NEXT_STEP" else 0
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        recorder = VectorEpisodeRecorder(counters(AutoresetMode[mode]), tmp_path)
        recorder.reset(seed=0)
        for _ in range(2 * 5 + with_reset):
            recorder.step(np.zeros(2, int))
        recorder.close()
    said = ["lack the last frame", "env-0-episode-3.mp4: close came before the end"] * missing
    assert all(text in str(one.message) for text, one in zip(said, told, strict=True))
    found = frames(recorder)
    assert found.pop("pong-env-1-episode-0") == found.pop("pong-env-1-episode-1") == 6 - missing
    assert len(found) == 3
    assert set(found.values()) == {4 - missing}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in recorder.paths
    )


def test_resets_by_hand(tmp_path):
    """Without autoreset only the environments that are reset begin a new video."""
    recorder = VectorEpisodeRecorder(counters(AutoresetMode.DISABLED), tmp_path)
    recorder.reset(seed=0)
    for _ in range(3):
        recorder.step(np.zeros(2, int))
    recorder.reset(options={"reset_mask": np.array([True, False])})
    for _ in range(2):
        recorder.step(np.zeros(2, int))
    with pytest.warns(RecordingWarning, match=r"env-0-episode-1\.mp4: close came before the end"):
        recorder.close()
    assert frames(recorder) == {"pong-env-0-episode-0": 4, "pong-env-1-episode-0": 6}


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP"])
def test_every_emulator_frame_of_each_game_is_recorded(tmp_path, mode):
    """Videos of two Pongs have the frames that the emulators advanced, whatever the autoreset."""
    envs = gym.make_vec(
        "ALE/Pong-v5",
        num_envs=2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode[mode]},
        render_mode="rgb_array",
        max_num_frames_per_episode=101,
    )
    recorder = VectorEpisodeRecorder(envs, tmp_path, scale=1, episode_trigger=lambda k: k == 1)
    recorder.reset(seed=0)
    while len(recorder.paths) < 2:
        recorder.step(recorder.action_space.sample())
    recorder.close()
    assert set(frames(recorder)) == {"pong-env-0-episode-1", "pong-env-1-episode-1"}
    for path in recorder.paths:
        info = read_video_info(path)
        assert 95 <= info.frames <= 102
        assert info.fps == 60


def test_the_arguments_are_remembered(tmp_path):
    """A recorder made anew with them, around environments from the same spec, records the same."""
    envs = gym.make_vec(
        "ALE/Pong-v5",
        num_envs=1,
        vectorization_mode="sync",
        render_mode="rgb_array",
        max_num_frames_per_episode=41,
    )
    arguments = {
        "video_folder": str(tmp_path),
        "record_first_only": True,
        "episode_trigger": lambda k: k == 1,
        "step_trigger": lambda n: n == 3,
        "video_length": 9,
        "name_prefix": "again",
        "fps": 30.0,
        "scale": 2,
        "overwrite": True,
        "disable_logger": True,
        "gc_trigger": None,
    }
    assert {*arguments, "self", "env"} == {
        *inspect.signature(VectorEpisodeRecorder.__init__).parameters
    }
    first = VectorEpisodeRecorder(envs, **arguments)
    assert first._saved_kwargs == arguments
    again = VectorEpisodeRecorder(gym.make_vec(first.spec), **first._saved_kwargs)
    found = []
    for recorder in (first, again):
        recorder.reset(seed=0)
        while len(recorder.paths) < 2:
            recorder.step(np.zeros(1, int))
        recorder.close()
        found.append([(path.name, path.read_bytes()) for path in recorder.paths])
    assert found[0] == found[1]
    names = [name for name, _ in found[0]]
    assert names == ["again-env-0-step-3.mp4", "again-env-0-episode-1.mp4"]
    assert read_video_info(again.paths[0]).fps == 30


def test_what_renders_nothing_is_refused(tmp_path):
    """The emulator's own vector environment renders no frames; what the error advises does."""
    envs = gym.make_vec("ALE/Pong-v5", num_envs=1)
    with pytest.raises(ConfigError, match='render_mode "rgb_array", found None: ') as error:
        VectorEpisodeRecorder(envs, tmp_path)
    envs.close()
    name, arguments = str(error.value).partition("gymnasium.make_vec")[1:]
    assert name
    better = eval(f"gym.make_vec{arguments}", {"gym": gym})  # noqa: S307 - follows the advice
    VectorEpisodeRecorder(better, tmp_path).close()


def test_the_other_recorder_is_named(tmp_path):
    """A single environment and a vector have different recorders."""
    with pytest.raises(ConfigError, match=r"expected Gymnasium's VectorEnv, .*: Episode"):
        VectorEpisodeRecorder(Counter(3), tmp_path)
    with pytest.raises(ConfigError, match=r"expected Gymnasium's Env, .* VectorEpisode"):
        EpisodeRecorder(counters(AutoresetMode.NEXT_STEP), tmp_path)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_triggers_are_asked_as_by_record_video(tmp_path, mode):
    """With the same numbers, in the same order, for the first environment."""

    def asked(recorder_class):
        calls = []
        recorder = recorder_class(
            counters(mode),
            str(tmp_path / recorder_class.__name__),
            record_first_only=True,
            episode_trigger=lambda k: calls.append(("episode", k)) or k == 1,
            step_trigger=lambda n: calls.append(("step", n)) or n == 2,
        )
        recorder.reset(seed=0)
        for _ in range(12):
            done = recorder.step(np.zeros(2, int))[2]
            calls.append((recorder.step_id, recorder.episode_id))
            if mode is AutoresetMode.DISABLED and done.any():
                recorder.reset(options={"reset_mask": done})
        recorder.close()
        return calls

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = asked(gym.wrappers.vector.RecordVideo)
        assert asked(VectorEpisodeRecorder) == expected
    assert {"episode", "step"} < {name for name, _ in expected}


def test_a_video_may_begin_at_a_step_and_be_short(tmp_path):
    """Each running episode has its video from the step on; short ones end by themselves."""
    recorder = VectorEpisodeRecorder(
        counters(AutoresetMode.NEXT_STEP),
        tmp_path,
        step_trigger=lambda n: n in (1, 2),
        video_length=2,
    )
    recorder.reset(seed=0)
    for _ in range(5):
        recorder.step(np.zeros(2, int))
    assert not recorder.recording
    recorder.close()
    expected = {"env-0-step-1": 2, "env-1-step-1": 2, "env-0-step-2": 1, "env-1-step-2": 2}
    assert frames(recorder) == {f"pong-{name}": n for name, n in expected.items()}


class Skips(Counter):
    """A toy that looks like an Atari game in another process."""

    ale = "not an emulator here"

    def __init__(self, length, frameskip):
        super().__init__(length)
        self._frameskip = frameskip


@pytest.mark.parametrize(("frameskip", "wrapper_skips", "fps"), [(4, 1, 15), (1, 3, 20)])
def test_rendered_games_have_their_true_speed(tmp_path, frameskip, wrapper_skips, fps):
    """One frame a step lasts as long as the emulator's frames of that step."""

    def make():
        env = Skips(3, frameskip)
        return gym.wrappers.MaxAndSkipObservation(env, wrapper_skips) if wrapper_skips > 1 else env

    recorder = VectorEpisodeRecorder(SyncVectorEnv([make]), tmp_path)
    assert recorder.fps == fps


def test_a_drawn_frame_skip_gives_the_mean_speed(tmp_path):
    """A warning says so, unless the rate is given."""
    envs = SyncVectorEnv([lambda: Skips(3, (2, 5))])
    with pytest.warns(RecordingWarning, match="from 2 to 4 emulator frames: at the mean speed"):
        assert VectorEpisodeRecorder(envs, tmp_path).fps == 20
    assert VectorEpisodeRecorder(envs, tmp_path, fps=12).fps == 12


def test_a_closed_recorder_says_so(tmp_path):
    """After `close`, stepping and resetting are one clear error."""
    recorder = VectorEpisodeRecorder(counters(AutoresetMode.NEXT_STEP), tmp_path)
    recorder.close()
    for use in (lambda: recorder.step(np.zeros(2, int)), recorder.reset):
        with pytest.raises(gym.error.ClosedEnvironmentError, match="a new recorder"):
            use()
