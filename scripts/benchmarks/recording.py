"""Time and memory of recording, beside Gymnasium's own `gymnasium.wrappers.RecordVideo`.

Each measurement runs in a new interpreter, so that its peak memory is its own.
"""

import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym

from benchmarks.fresh import call_fresh
from benchmarks.memory import peak_megabytes
from benchmarks.tables import Spread, ratios
from pong_agent.agent import PongAgent
from pong_agent.cli.output import table
from pong_agent.envs.make import make_env
from pong_agent.evaluation.evaluate import play_episodes
from pong_agent.recording.panel import AgentOverlay
from pong_agent.recording.recorder import EpisodeRecorder

PLAIN, RECORDED, PANEL = "no video", "EpisodeRecorder", "EpisodeRecorder with panel"
GYMNASIUM = "RecordVideo"
WAYS = (PLAIN, RECORDED, PANEL, GYMNASIUM)


class Endless(gym.Wrapper[Any, Any, Any, Any]):
    """Plays game after game as one episode, truncated after a number of emulator frames."""

    def __init__(self, env: gym.Env[Any, Any], n_frames: int) -> None:
        super().__init__(env)
        self._n_frames = n_frames
        self._frames = 0

    def step(self, action: Any) -> Any:
        """Step; at the end of a game start the next one."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._frames += 1
        if terminated or truncated:
            observation, info = self.env.reset()
        return observation, reward, False, self._frames >= self._n_frames, info


@dataclass(frozen=True)
class Recording:
    """Cost of one way to record.

    Attributes:
        way: one of `WAYS`.
        seconds: wall-clock seconds from an episode's reset until its video is finished, by rounds.
        steps: agent steps of the episode.
        frames: frames of the video.
    """

    way: str
    seconds: tuple[float, ...]
    steps: int
    frames: int


def measure_cost(rounds: int, scale: int) -> list[Recording]:
    """Play one greedy game of the package's weights in each way, in alternation."""
    measured: dict[str, list[tuple[float, int, int]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            measured[way].append(call_fresh(play_game, way, scale))
    return [
        Recording(way, tuple(seconds for seconds, _, _ in each), *each[0][1:])
        for way, each in measured.items()
    ]


def measure_memory(lengths: Sequence[int]) -> dict[str, list[float]]:
    """Return for both recorders the peak memory in MB of episodes of so many frames."""
    return {
        way: [call_fresh(peak_of_recording, way, length) for length in lengths]
        for way in (RECORDED, GYMNASIUM)
    }


def play_game(way: str, scale: int) -> tuple[float, int, int]:
    """Play and record a greedy game; return seconds, agent steps and frames of the video."""
    agent = PongAgent.pretrained()
    env = make_env("ALE/Pong-v5", render_mode="rgb_array")
    with TemporaryDirectory() as folder:
        recorder = _recorder(way, env, folder, agent, scale)
        play_episodes(agent, env, [1], True)  # loads what the first episode needs
        started = time.perf_counter()
        [outcome] = play_episodes(agent, recorder, [0], True)
        if way == GYMNASIUM:
            recorder.close()  # encodes the video
        seconds = time.perf_counter() - started
        frames = outcome.length if way == GYMNASIUM else 0
        if isinstance(recorder, EpisodeRecorder):
            frames = json.loads(next(Path(folder).glob("*.json")).read_text())["frames"]
    return seconds, outcome.length, frames


def peak_of_recording(way: str, n_frames: int) -> float:
    """Record an episode of random play with so many frames; return the peak memory in MB."""
    game = make_env("ALE/Pong-v5", render_mode="rgb_array", frameskip=1)
    with TemporaryDirectory() as folder:
        recorder = _recorder(way, Endless(game, n_frames), folder, None, 2)
        recorder.reset(seed=0)
        recorder.action_space.seed(0)
        while not recorder.step(recorder.action_space.sample())[3]:
            pass
        recorder.close()
        [video] = Path(folder).glob("*.mp4")
        if not video.stat().st_size:
            raise RuntimeError(f"expected a video, found the empty file {video}")
    return peak_megabytes("self")


def _recorder(way: str, env: Any, folder: str, agent: PongAgent | None, scale: int) -> Any:
    if way == GYMNASIUM:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gym.wrappers.RecordVideo(
                env, folder, episode_trigger=lambda k: k <= 1, disable_logger=True
            )
    if way == PLAIN:
        return env
    overlay = AgentOverlay(agent, env) if way == PANEL and agent is not None else None
    return EpisodeRecorder(env, folder, scale=scale, overlay=overlay)


def cost_table(measured: Sequence[Recording]) -> str:
    """Return a row for each way: seconds, and their ratio to those without a video by rounds."""
    plain = measured[0]
    rows = [
        (
            one.way,
            f"{one.steps:,}",
            f"{one.frames:,}",
            Spread.of(one.seconds).text(".1f"),
            Spread.of(ratios(one.seconds, plain.seconds)).text(".2f"),
        )
        for one in measured
    ]
    return table(("<a greedy game", "steps", "frames", "s", f"/ {PLAIN}"), rows)


def memory_table(lengths: Sequence[int], measured: Mapping[str, Sequence[float]]) -> str:
    """Return a row for each recorder: peak memory by the number of frames."""
    heads = ("<peak memory, MB", *(f"{length:,} frames" for length in lengths))
    rows = [(way, *(f"{peak:,.0f}" for peak in peaks)) for way, peaks in measured.items()]
    return table(heads, rows)


def recording_figures(
    costs: Sequence[Recording], lengths: Sequence[int], peaks: Mapping[str, Sequence[float]]
) -> dict[tuple[str, str], Sequence[float]]:
    """Return (what, unit) -> figures of the rounds."""
    figures: dict[tuple[str, str], Sequence[float]] = {
        (f"a game, {one.way}", "s"): one.seconds for one in costs
    }
    for way, series in peaks.items():
        for length, peak in zip(lengths, series, strict=True):
            figures[f"peak memory of {length} frames, {way}", "MB"] = [peak]
    return figures
