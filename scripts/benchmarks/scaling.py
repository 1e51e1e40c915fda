"""Rollouts by number of workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.tables import Spread, write_table
from benchmarks.throughput import rollout_rate
from pong_agent.cli.output import table
from pong_agent.config import PPOConfig

GAMES_PER_WORKER = 8  # preset ppo's 16 games suit two workers


@dataclass(frozen=True)
class Scale:
    """Rollouts on some workers.

    Attributes:
        n_workers: number of workers.
        rates: agent steps/s of all together, of each round.
    """

    n_workers: int
    rates: tuple[float, ...]

    @property
    def per_worker(self) -> float:
        """Median agent steps/s of each worker."""
        return Spread.of(self.rates).median / self.n_workers


def measure_scaling(
    config: PPOConfig,
    n_workers: Sequence[int],
    seconds: float,
    rounds: int,
    on_rate: Callable[[int, int, float], None] | None = None,
) -> list[Scale]:
    """Measure rollouts without learning on different numbers of workers, in alternation.

    Each worker has eight games, so that none is idle; the batch grows with the workers.

    Args:
        config: hyperparameters of preset `ppo`; `n_envs` is set here.
        n_workers: numbers of workers.
        seconds: least duration of a measurement.
        rounds: number of measurements.
        on_rate: called with the round, the number of workers and the agent steps/s.
    """
    measured: dict[int, list[float]] = {number: [] for number in n_workers}
    for round_number in range(rounds):
        for number, rates in measured.items():
            rate = rollout_rate(replace(config, n_envs=GAMES_PER_WORKER * number), number, seconds)
            rates.append(rate)
            if on_rate is not None:
                on_rate(round_number, number, rate)
    return [Scale(number, tuple(rates)) for number, rates in measured.items()]


def scaling_table(results: Sequence[Scale]) -> str:
    """Return a row for each number of workers; efficiency relates to the smallest number."""
    first = results[0].per_worker
    rows = [
        (
            str(result.n_workers),
            Spread.of(result.rates).text(",.0f"),
            Spread.of([rate / result.n_workers / first for rate in result.rates]).text(".2f"),
        )
        for result in results
    ]
    return table(("workers", "rollout steps/s", "efficiency per worker"), rows)


def write_scaling(results: Sequence[Scale], path: Path) -> None:
    """Write a row for each number of workers and round as CSV."""
    rows = [
        (result.n_workers, number, rate)
        for result in results
        for number, rate in enumerate(result.rates)
    ]
    write_table(path, ("workers", "round", "steps_per_second"), rows)
