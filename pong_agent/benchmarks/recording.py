"""What filming costs: time beside the same episode without a film, and memory by its length.

Beside this package's recorder stands Gymnasium's own, `gymnasium.wrappers.RecordVideo`, in the same
run. Each measurement is made in a fresh interpreter, so that its peak memory is its own.
"""

import json
import resource
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym

from pong_agent.agent import PongAgent
from pong_agent.benchmarks.tables import Spread, table
from pong_agent.envs.make import make_env
from pong_agent.evaluation.evaluate import play_episodes
from pong_agent.recording.panel import AgentOverlay
from pong_agent.recording.recorder import EpisodeRecorder

PLAIN, RECORDED, PANEL = "no film", "EpisodeRecorder", "EpisodeRecorder with panel"
GYMNASIUM = "RecordVideo"
WAYS = (PLAIN, RECORDED, PANEL, GYMNASIUM)
_CODE = "import json; from {module} import {call}; print(json.dumps({call}{args}))"


class Endless(gym.Wrapper[Any, Any, Any, Any]):
    """Plays game after game as one episode that is truncated after a number of emulator frames."""

    def __init__(self, env: gym.Env[Any, Any], n_frames: int) -> None:
        super().__init__(env)
        self._n_frames = n_frames
        self._frames = 0

    def step(self, action: Any) -> Any:
        """Step; where a game ends, begin the next one."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._frames += 1
        if terminated or truncated:
            observation, info = self.env.reset()
        return observation, reward, False, self._frames >= self._n_frames, info


@dataclass(frozen=True)
class Recording:
    """What one way to film costs.

    Attributes:
        way: which one of `WAYS`.
        seconds: wall-clock seconds of an episode from reset until its film is finished, by rounds.
        steps: agent steps of the episode.
        frames: number of frames of its film.
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
            measured[way].append(_fresh("play_game", (way, scale)))
    return [
        Recording(way, tuple(each[0] for each in every), every[0][1], every[0][2])
        for way, every in measured.items()
    ]


def measure_memory(lengths: tuple[int, ...]) -> dict[str, list[float]]:
    """Return for both recorders the peak memory in MB of episodes of so many frames."""
    return {
        way: [_fresh("film_length", (way, length)) for length in lengths]
        for way in (RECORDED, GYMNASIUM)
    }


def _fresh(call: str, args: tuple[Any, ...]) -> Any:
    command = [sys.executable, "-c", _CODE.format(module=__name__, call=call, args=args)]
    run = subprocess.run(  # noqa: S603  # code of this module
        command, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout.splitlines()[-1])


def play_game(way: str, scale: int) -> tuple[float, int, int]:
    """Play a greedy game and film it; return seconds, agent steps and frames of the film."""
    agent = PongAgent.pretrained()
    env = make_env("ALE/Pong-v5", render_mode="rgb_array")
    with TemporaryDirectory() as folder:
        recorder = _recorder(way, env, folder, agent, scale)
        play_episodes(agent, env, [1], True)  # what the first episode loads is not counted
        started = time.perf_counter()
        [outcome] = play_episodes(agent, recorder, [0], True)
        if way == GYMNASIUM:
            recorder.close()  # it encodes only now
        seconds = time.perf_counter() - started
        frames = outcome.length if way == GYMNASIUM else 0
        if isinstance(recorder, EpisodeRecorder):
            frames = json.loads(next(Path(folder).glob("*.json")).read_text())["frames"]
    return seconds, outcome.length, frames


def film_length(way: str, n_frames: int) -> float:
    """Film an episode of so many frames of random play; return the peak memory in MB."""
    game = make_env("ALE/Pong-v5", render_mode="rgb_array", frameskip=1)
    with TemporaryDirectory() as folder:
        recorder = _recorder(way, Endless(game, n_frames), folder, None, 2)
        recorder.reset(seed=0)
        recorder.action_space.seed(0)
        while not recorder.step(recorder.action_space.sample())[3]:
            pass
        recorder.close()
        [film] = Path(folder).glob("*.mp4")
        if not film.stat().st_size:
            raise RuntimeError(f"expected a film, found an empty file {film}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _recorder(way: str, env: Any, folder: str, agent: PongAgent | None, scale: int) -> Any:
    if way == GYMNASIUM:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gym.wrappers.RecordVideo(env, folder, episode_trigger=lambda k: k <= 1)
    if way == PLAIN:
        return env
    overlay = AgentOverlay(agent, env) if way == PANEL and agent is not None else None
    return EpisodeRecorder(env, folder, scale=scale, overlay=overlay)


def cost_table(measured: list[Recording]) -> str:
    """Return a line for each way: seconds, and their ratio to those without a film, by rounds."""
    plain = measured[0]
    rows = []
    for one in measured:
        ratios = [a / b for a, b in zip(one.seconds, plain.seconds, strict=True)]
        cells = (Spread.of(one.seconds).text(".1f"), Spread.of(ratios).text(".2f"))
        rows.append((one.way, f"{one.steps:,}", f"{one.frames:,}", *cells))
    return table(("a greedy game", "steps", "frames", "s", f"/ {PLAIN}"), rows)


def memory_table(lengths: tuple[int, ...], measured: dict[str, list[float]]) -> str:
    """Return a line for each recorder: peak memory by the number of frames."""
    heads = ("peak memory, MB", *(f"{length:,} frames" for length in lengths))
    rows = [(way, *(f"{peak:,.0f}" for peak in peaks)) for way, peaks in measured.items()]
    return table(heads, rows)
