"""Decisions per second of the bare emulator, of rollouts, of training and of the notebook."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.emulator import bare_rate
from benchmarks.notebook import notebook_rate
from benchmarks.tables import Spread, ratios, write_table
from pong_agent.agent import PongAgent
from pong_agent.cli.output import table
from pong_agent.config import (
    AgentConfig,
    PPOConfig,
    ReinforceConfig,
    resolve_preset,
    with_hyperparams,
)
from pong_agent.training.batches import GameBatches
from pong_agent.training.config import TrainConfig
from pong_agent.training.ray_collector import RayCollector
from pong_agent.training.start import start_run
from pong_agent.training.trainer import Trainer

# Preset -> hyperparameters to replace.
Changes = Mapping[str, tuple[str, ...]]

WARM_UP = 3  # updates, or collected batches, that do not count
BARE = "bare emulator"
NOTEBOOK = "notebook's loop"


class _EnoughError(Exception):
    """The measurement is complete."""


class Window:
    """Counts agent steps and seconds from the end of one update to the end of another.

    It therefore includes everything that a run does: collecting, learning, logging, checkpoints.

    Args:
        seconds: least duration.
        warm_up: updates before it begins.

    Attributes:
        started: `time.perf_counter()` at its beginning.
        ended: the same at its end.
        steps: agent steps in it.
    """

    def __init__(self, seconds: float, warm_up: int = WARM_UP) -> None:
        self.started = self.ended = 0.0
        self.steps = 0
        self._seconds = seconds
        self._left = warm_up
        self._steps_before = 0

    def __call__(self, metrics: Mapping[str, float]) -> None:
        """Record an update; `Trainer.train` calls it.

        Raises:
            _EnoughError: the window is complete.
        """
        now, steps = time.perf_counter(), int(metrics["time/total_timesteps"])
        self._left -= 1
        if self._left == 0:
            self.started, self._steps_before = now, steps
        elif self._left < 0 and now - self.started >= self._seconds:
            self.ended, self.steps = now, steps - self._steps_before
            raise _EnoughError

    @property
    def rate(self) -> float:
        """Agent steps per second."""
        return self.steps / (self.ended - self.started)

    def measure(self, trainer: Trainer) -> "Window":
        """Train until the window is complete, and return it.

        Raises:
            KeyboardInterrupt: a signal ended training earlier.
        """
        try:
            trainer.train(self)
        except _EnoughError:
            return self
        raise KeyboardInterrupt


def endless(preset: str, n_workers: int, changes: Changes | None = None) -> TrainConfig:
    """Return a run without limits."""
    hyperparams = (changes or {}).get(preset, ())
    return TrainConfig(preset, hyperparams=hyperparams, workers=n_workers, minutes=1e6)


def training_rate(config: TrainConfig, seconds: float) -> float:
    """Train from scratch in a temporary folder; return agent steps/s."""
    with TemporaryDirectory() as folder, start_run(config, Path(folder, "run")) as trainer:
        return Window(seconds).measure(trainer).rate


def rollout_rate(config: AgentConfig, n_workers: int, seconds: float) -> float:
    """Collect batches as the trainer does, without learning; return agent steps/s."""
    collector = RayCollector(config, n_workers)
    try:
        agent, source = PongAgent(config), GameBatches(collector, config)
        collected, steps, started = 0, 0, time.perf_counter()
        while collected <= WARM_UP or time.perf_counter() - started < seconds:
            if collected == WARM_UP:
                steps, started = 0, time.perf_counter()
            steps += source.collect(agent, collected).n_steps
            source.advance()
            collected += 1
        return steps / (time.perf_counter() - started)
    finally:
        collector.close()


@dataclass(frozen=True)
class Contender:
    """One of the loops that are compared.

    Attributes:
        name: its name in the table.
        env_id: its environment.
        measure: returns decisions/s, measured for at least the given seconds.
    """

    name: str
    env_id: str
    measure: Callable[[float], float]


def contenders(n_workers: int, changes: Changes | None = None) -> list[Contender]:
    """Return the loops, each on this number of processes.

    Preset `reinforce` and the notebook play four episodes per update, or one for each worker if
    there are more. Preset `ppo` is measured with its first and with its last fragments.
    """
    changes = {"reinforce": (f"episodes_per_update:{max(4, n_workers)}",), **(changes or {})}
    ppo, reinforce = (
        with_hyperparams(resolve_preset(preset), changes.get(preset, ()))
        for preset in ("ppo", "reinforce")
    )
    assert isinstance(ppo, PPOConfig)  # noqa: S101  # for the type checker
    assert isinstance(reinforce, ReinforceConfig)  # noqa: S101  # for the type checker
    late = (*changes.get("ppo", ()), f"fragment_steps:{ppo.final_fragment_steps}")
    late_ppo = with_hyperparams(ppo, late)
    training = [endless(preset, n_workers, changes) for preset in ("ppo", "reinforce")]
    late_training = endless("ppo", n_workers, {"ppo": late})
    return [
        Contender(BARE, "ALE/Pong-v5", lambda s: bare_rate(n_workers, s)),
        Contender("rollouts, no learning", ppo.env_id, lambda s: rollout_rate(ppo, n_workers, s)),
        Contender(
            "rollouts, long fragments", ppo.env_id, lambda s: rollout_rate(late_ppo, n_workers, s)
        ),
        Contender("training, ppo", ppo.env_id, lambda s: training_rate(training[0], s)),
        Contender("ppo, long fragments", ppo.env_id, lambda s: training_rate(late_training, s)),
        Contender("training, reinforce", reinforce.env_id, lambda s: training_rate(training[1], s)),
        Contender(NOTEBOOK, reinforce.env_id, lambda s: notebook_rate(reinforce, n_workers, s)),
    ]


@dataclass(frozen=True)
class Rates:
    """Decisions/s of one loop, and their ratios to those of other loops in the same round.

    Attributes:
        contender: the loop.
        rates: decisions/s of each round.
        to_bare: ratio to the bare emulator's.
        to_notebook: ratio to the notebook's.
    """

    contender: Contender
    rates: tuple[float, ...]
    to_bare: tuple[float, ...]
    to_notebook: tuple[float, ...]


def measure_throughput(
    loops: list[Contender],
    seconds: float,
    rounds: int,
    on_rate: Callable[[int, Contender, float], None] | None = None,
) -> list[Rates]:
    """Measure all loops one after the other in each round, so that drift affects all alike.

    Args:
        loops: from `contenders`.
        seconds: least duration of a measurement.
        rounds: number of measurements.
        on_rate: called with the round, the loop and its decisions/s.
    """
    measured: dict[str, list[float]] = {loop.name: [] for loop in loops}
    for number in range(rounds):
        for loop in loops:
            rate = loop.measure(seconds)
            measured[loop.name].append(rate)
            if on_rate is not None:
                on_rate(number, loop, rate)
    bare, notebook = measured[BARE], measured[NOTEBOOK]
    results = []
    for loop in loops:
        rates = measured[loop.name]
        results.append(Rates(loop, tuple(rates), ratios(rates, bare), ratios(rates, notebook)))
    return results


def throughput_table(results: list[Rates]) -> str:
    """Return a row for each loop: median and range over the rounds."""
    heads = ("<", "<plays", "decisions/s", f"/ {BARE}", f"/ {NOTEBOOK}")
    rows = [
        (
            result.contender.name,
            result.contender.env_id,
            Spread.of(result.rates).text(",.0f"),
            Spread.of(result.to_bare).text(".2f"),
            Spread.of(result.to_notebook).text(".2f"),
        )
        for result in results
    ]
    return table(heads, rows)


def write_throughput(results: list[Rates], path: Path) -> None:
    """Write a row for each loop and round as CSV."""
    rows = [
        (number, result.contender.name, result.contender.env_id, *figures)
        for result in results
        for number, figures in enumerate(
            zip(result.rates, result.to_bare, result.to_notebook, strict=True)
        )
    ]
    heads = ("round", "loop", "env_id", "decisions_per_second", "to_bare", "to_notebook")
    write_table(path, heads, rows)
