"""What acting costs: CPU time beside an environment's step, and the time of the import.

Both are measured in fresh interpreters that hold what a user's would, without SciPy and Ray.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.benchmarks.tables import Spread, table

BATCH_SIZES = (1, 8, 64)
_N_FRAMES = 640
_APART = 9  # agent steps between the frames of a batch

_ACT = (
    "import json; from pong_agent.benchmarks.acting import act_here; "
    "print(json.dumps(act_here({size}, {rounds}, {calls})))"
)
_IMPORT = "import time; t = time.perf_counter(); {what}; print(time.perf_counter() - t)"
_IMPORTS = {"numpy": "import numpy", "PongAgent": "from pong_agent import PongAgent"}


@dataclass(frozen=True)
class Acting:
    """What it costs to act on so many frames at once.

    Attributes:
        size: number of frames.
        act: CPU microseconds of `act`, of each round.
        step: CPU microseconds of an environment's step, of the same rounds.
    """

    size: int
    act: tuple[float, ...]
    step: tuple[float, ...]


def measure_act(rounds: int, calls: int) -> list[Acting]:
    """Measure `act_here` for one frame and for batches, each in a fresh interpreter."""
    code = [_ACT.format(size=size, rounds=rounds, calls=calls) for size in BATCH_SIZES]
    measured = [json.loads(_python(one)) for one in code]
    return [
        Acting(size, tuple(act), tuple(step))
        for size, (act, step) in zip(BATCH_SIZES, measured, strict=True)
    ]


def act_here(size: int, rounds: int, calls: int) -> tuple[list[float], list[float]]:
    """Return CPU microseconds of `act` and of an environment's step, of each round.

    What is acted on is one raw RGB frame, or a batch of different real frames of one game: each
    place of the batch follows the game from its own frame on. Rounds of acts and of steps
    alternate; the first of each is not counted.

    Args:
        size: number of frames.
        rounds: how often both are measured.
        calls: steps, and acts, of a round.
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
    return acts[1:], steps[1:]


def _step_us(env: Any, calls: int) -> float:
    """Return CPU microseconds of a step, resets not counted."""
    spent = 0
    for call in range(calls):
        began = time.process_time_ns()
        _, _, terminated, truncated, _ = env.step(2 + call % 2)
        spent += time.process_time_ns() - began
        if terminated or truncated:
            env.reset()
    return spent / calls / 1e3


def _play(env: Any, n_frames: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the frames of a game under random UP and DOWN, which is not over by then."""
    generator = np.random.default_rng(0)
    frames = [env.reset(seed=0)[0]]
    while len(frames) < n_frames:
        frames.append(env.step(int(generator.integers(2, 4)))[0])
    return np.stack(frames)


def measure_imports(rounds: int) -> dict[str, list[float]]:
    """Return milliseconds of the imports of NumPy and of `PongAgent`, in fresh interpreters.

    The first of each, which reads files from the disk, is not counted.
    """
    measured: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(1 + rounds):
        for name, what in _IMPORTS.items():
            measured[name].append(1e3 * float(_python(_IMPORT.format(what=what))))
    return {name: milliseconds[1:] for name, milliseconds in measured.items()}


def _python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(  # noqa: S603  # code of this module
        command, capture_output=True, text=True, check=True
    ).stdout


def act_table(measured: list[Acting]) -> str:
    """Return a line for each number of frames: CPU time, and its ratio to a step's, by rounds."""
    steps = [step for acting in measured for step in acting.step]
    rows = [("env.step", Spread.of(steps).text(",.1f"), "")]
    for acting in measured:
        ratios = [act / step for act, step in zip(acting.act, acting.step, strict=True)]
        cells = Spread.of(acting.act).text(",.1f"), Spread.of(ratios).text(".3f")
        rows.append((f"act on {acting.size}", *cells))
    return table(("", "CPU us/call", "/ env.step"), rows)


def import_table(measured: dict[str, list[float]]) -> str:
    """Return a line for each import, and for what `PongAgent` adds to NumPy."""
    added = [one - two for one, two in zip(measured["PongAgent"], measured["numpy"], strict=True)]
    everything = [*measured.items(), ("PongAgent beyond numpy", added)]
    return table(("import", "ms"), [(n, Spread.of(each).text(".0f")) for n, each in everything])


def act_rows(
    acts: list[Acting], imports: dict[str, list[float]]
) -> list[tuple[str, str, int, float]]:
    """Return (what, unit, number of the round, figure) for each figure."""
    series = [
        series
        for acting in acts
        for series in (
            (f"act on {acting.size}", "us", acting.act),
            (f"env.step beside act on {acting.size}", "us", acting.step),
        )
    ]
    series += [(f"import of {name}", "ms", tuple(each)) for name, each in imports.items()]
    return [
        (what, unit, number, figure)
        for what, unit, figures in series
        for number, figure in enumerate(figures)
    ]
