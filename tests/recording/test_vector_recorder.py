"""Videos of vector environments, in all autoreset modes."""

import inspect
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from pong_agent.recording import VectorEpisodeRecorder
from pong_agent.recording.encoder import read_video_info
from pong_agent.recording.ffmpeg import RecordingWarning


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
    """The emulator's own vector environment renders no frames; the error says what does."""
    envs = gym.make_vec("ALE/Pong-v5", num_envs=1)
    with pytest.raises(ValueError, match='render_mode "rgb_array", found None: make it with'):
        VectorEpisodeRecorder(envs, tmp_path)
    envs.close()


def test_a_closed_recorder_says_so(tmp_path):
    """After `close`, stepping and resetting are one clear error."""
    recorder = VectorEpisodeRecorder(counters(AutoresetMode.NEXT_STEP), tmp_path)
    recorder.close()
    for use in (lambda: recorder.step(np.zeros(2, int)), recorder.reset):
        with pytest.raises(gym.error.ClosedEnvironmentError, match="a new recorder"):
            use()
