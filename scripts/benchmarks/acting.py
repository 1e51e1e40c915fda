"""CPU time of `act` beside an environment's step, and the time of the import.

Both are measured in new interpreters that hold what a user's would, without SciPy and Ray.
"""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.fresh import call_fresh
from benchmarks.tables import Spread, ratios
from pong_agent.agent import PongAgent
from pong_agent.cli.output import table

BATCH_SIZES = (1, 8, 64)
_N_FRAMES = 640
_APART = 9  # agent steps between the frames of a batch

_IMPORT = "import time; t = time.perf_counter(); {what}; print(time.perf_counter() - t)"
_IMPORTS = {"numpy": "import numpy", "PongAgent": "from pong_agent import PongAgent"}


@dataclass(frozen=True)
class Acting:
    """CPU time of acting on a number of frames at once.

    Attributes:
        size: number of frames.
        act: CPU microseconds of `act`, of each round.
        step: CPU microseconds of an environment's step in the same rounds.
    """

    size: int
    act: tuple[float, ...]
    step: tuple[float, ...]


def measure_act(rounds: int, calls: int) -> list[Acting]:
    """Measure `act_here` for one frame and for batches, each in a new interpreter."""
    return [call_fresh(act_here, size, rounds, calls) for size in BATCH_SIZES]


def act_here(size: int, rounds: int, calls: int) -> Acting:
    """Measure `act` and an environment's step in this process.

    `act` gets one raw RGB frame, or a batch of different real frames of one game: each place of
    the batch follows the game from its own frame on. Rounds of both alternate; the first does not
    count.

    Args:
        size: number of frames.
        rounds: number of measurements.
        calls: calls of `act`, and steps, per round.
    """
    import ale_py
    import gymnasium

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    env = gymnasium.make("ALE/Pong-v5")
    frames = _play(env, _N_FRAMES)
    agent, places = PongAgent("ppo"), _APART * np.arange(size)
    acts: list[float] = []
    steps: list[float] = []
    for number in range(1 + rounds):
        spent = 0
        for call in range(calls):
            numbers = (places + number * calls + call) % len(frames)
            batch = frames[numbers]
            agent.reset(numbers == 0)
            observation = batch if size > 1 else batch[0]
            began = time.process_time_ns()
            agent.act(observation)
            spent += time.process_time_ns() - began
        acts.append(spent / calls / 1e3)
        steps.append(_step_us(env, calls))
    env.close()
    return Acting(size, tuple(acts[1:]), tuple(steps[1:]))


def _step_us(env: Any, calls: int) -> float:
    """Return CPU microseconds per step, without resets."""
    spent = 0
    for call in range(calls):
        began = time.process_time_ns()
        _, _, terminated, truncated, _ = env.step(2 + call % 2)
        spent += time.process_time_ns() - began
        if terminated or truncated:
            env.reset()
    return spent / calls / 1e3


def _play(env: Any, n_frames: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the first frames of a game under random UP and DOWN; the game lasts longer."""
    generator = np.random.default_rng(0)
    frames = [env.reset(seed=0)[0]]
    while len(frames) < n_frames:
        frames.append(env.step(int(generator.integers(2, 4)))[0])
    return np.stack(frames)


def measure_imports(rounds: int) -> dict[str, list[float]]:
    """Return milliseconds to import NumPy and `PongAgent` in new interpreters.

    The first of each reads files from the disk and does not count.
    """
    measured: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(1 + rounds):
        for name, what in _IMPORTS.items():
            command = [sys.executable, "-c", _IMPORT.format(what=what)]
            seconds = subprocess.check_output(command, text=True)  # noqa: S603  # our own code
            measured[name].append(1e3 * float(seconds))
    return {name: milliseconds[1:] for name, milliseconds in measured.items()}


def act_table(measured: Sequence[Acting]) -> str:
    """Return a row for each number of frames: CPU time, and its ratio to a step's by rounds."""
    steps = [step for acting in measured for step in acting.step]
    rows = [("env.step", Spread.of(steps).text(",.1f"), "")]
    for acting in measured:
        to_step = Spread.of(ratios(acting.act, acting.step))
        cells = Spread.of(acting.act).text(",.1f"), to_step.text(".3f")
        rows.append((f"act on {acting.size}", *cells))
    return table(("<", "CPU us/call", "/ env.step"), rows)


def import_table(measured: Mapping[str, Sequence[float]]) -> str:
    """Return a row for each import, and for what `PongAgent` adds to NumPy."""
    added = [one - two for one, two in zip(measured["PongAgent"], measured["numpy"], strict=True)]
    everything = [*measured.items(), ("PongAgent beyond numpy", added)]
    return table(("<import", "ms"), [(n, Spread.of(each).text(".0f")) for n, each in everything])


def act_figures(
    acts: Sequence[Acting], imports: Mapping[str, Sequence[float]]
) -> dict[tuple[str, str], Sequence[float]]:
    """Return (what, unit) -> figures of the rounds."""
    figures: dict[tuple[str, str], Sequence[float]] = {}
    for acting in acts:
        figures[f"act on {acting.size}", "us"] = acting.act
        figures[f"env.step beside act on {acting.size}", "us"] = acting.step
    return figures | {(f"import of {name}", "ms"): each for name, each in imports.items()}
