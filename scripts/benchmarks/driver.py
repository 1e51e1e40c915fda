"""CPU time of the driver per rollout, and the number of workers that it keeps up with."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.tables import Spread, write_table
from pong_agent.agent import PongAgent
from pong_agent.cli.output import table
from pong_agent.config import AgentConfig, PPOConfig, ReinforceConfig
from pong_agent.network import Floats
from pong_agent.training.batches import GameBatches
from pong_agent.training.collector import RolloutWorker, WorkItem, WorkResult
from pong_agent.training.ray_collector import RayCollector


class RecordedWorker(RolloutWorker):
    """Returns rollouts that it has played before, whatever weights and games it is given.

    The messages between driver and worker are those of training; only the playing is left out.
    """

    def __init__(self, config: AgentConfig) -> None:
        super().__init__(config)
        self._played: dict[tuple[int, int | None], WorkResult] = {}
        self._first_parameters = PongAgent(config).parameters

    def play(self, parameters: Mapping[str, Floats], item: WorkItem) -> WorkResult:
        """Return recorded rollouts of as many games and steps."""
        del parameters
        key = len(item.snapshots), item.n_steps
        if key not in self._played:
            self._played[key] = super().play(self._first_parameters, item)
        return self._played[key]


@dataclass(frozen=True)
class DriverCost:
    """CPU time of the driver on batches of a number of rollouts.

    Attributes:
        preset: "reinforce", whose rollouts are episodes, or "ppo", whose rollouts are fragments.
        n_rollouts: rollouts per batch.
        steps: agent steps per rollout, on average.
        transport: CPU milliseconds per rollout to submit work items, receive results and make the
            batch, of each round.
        learning: CPU milliseconds per rollout to learn from it, of each round.
    """

    preset: str
    n_rollouts: int
    steps: float
    transport: tuple[float, ...]
    learning: tuple[float, ...]


def measure_driver(
    config: AgentConfig, sizes: Sequence[int], n_workers: int, rounds: int
) -> list[DriverCost]:
    """Measure the CPU time of the driver's process, all its threads, on recorded rollouts.

    Ray workers return recorded trajectories, so that playing does not compete for the cores. Sizes
    alternate; the first round of each does not count.

    Args:
        config: a preset's hyperparameters; the number of rollouts per batch is set here.
        sizes: numbers of rollouts per batch.
        n_workers: Ray workers.
        rounds: measurements of each size.
    """
    preset = "ppo" if isinstance(config, PPOConfig) else "reinforce"
    spent: dict[int, list[tuple[float, float, float]]] = {size: [] for size in sizes}
    collector = RayCollector(config, n_workers, worker_class=RecordedWorker)
    try:
        batches = {size: _source(collector, config, size) for size in sizes}
        for _ in range(1 + rounds):
            for size, (source, agent) in batches.items():
                spent[size].append(_cost(source, agent, size))
    finally:
        collector.close()
    results = []
    for size, each in spent.items():
        steps, transport, learning = zip(*each[1:], strict=True)
        results.append(DriverCost(preset, size, steps[0], transport, learning))
    return results


def _source(
    collector: RayCollector, config: AgentConfig, size: int
) -> tuple[GameBatches, PongAgent]:
    """Return a source of batches with this number of rollouts, and an agent to learn from them."""
    if isinstance(config, ReinforceConfig):
        config = replace(config, episodes_per_update=size)
    else:
        config = replace(config, n_envs=size, anneal_steps=10**12)  # fragments do not grow
    return GameBatches(collector, config), PongAgent(config)


def _cost(source: GameBatches, agent: PongAgent, size: int) -> tuple[float, float, float]:
    """Make an update; return per rollout its agent steps and CPU ms of transport and learning."""
    began = time.process_time()
    batch = source.collect(agent, 0)
    collected = time.process_time()
    agent.learn_from_batch(batch)
    learned = time.process_time()
    source.advance()
    transport, learning = 1e3 * (collected - began), 1e3 * (learned - collected)
    return batch.n_steps / size, transport / size, learning / size


def worker_limit(cost_ms: float, steps: float, rate_of_one: float) -> float:
    """Return the number of workers that a driver keeps up with.

    A worker plays a rollout in `steps / rate_of_one` seconds; the driver spends `cost_ms` on it.

    Args:
        cost_ms: the driver's milliseconds per rollout.
        steps: agent steps per rollout.
        rate_of_one: agent steps/s of one worker.

    Example:
        >>> worker_limit(cost_ms=10.0, steps=1000, rate_of_one=2000.0)
        50.0
    """
    return steps / rate_of_one / (cost_ms / 1e3)


def driver_table(results: Sequence[DriverCost], rate_of_one: Mapping[str, float]) -> str:
    """Return a row for each size: the driver's cost, and the number of workers it keeps up with.

    Args:
        results: from `measure_driver`.
        rate_of_one: preset -> agent steps/s of one worker on this machine.
    """
    heads = (
        "<preset",
        "rollouts",
        "steps each",
        "transport ms/rollout",
        "learner ms/rollout",
        "transport's limit",
        "learner's limit",
    )
    rows = []
    for result in results:
        spreads = [Spread.of(result.transport), Spread.of(result.learning)]
        limits = [
            worker_limit(spread.median, result.steps, rate_of_one[result.preset])
            for spread in spreads
        ]
        rows.append(
            (
                result.preset,
                str(result.n_rollouts),
                f"{result.steps:,.0f}",
                *(spread.text(".3f") for spread in spreads),
                *(f"{limit:,.1f} workers" for limit in limits),
            )
        )
    return table(heads, rows)


def write_driver(
    results: Sequence[DriverCost], rate_of_one: Mapping[str, float], path: Path
) -> None:
    """Write a row for each preset, size and round as CSV."""
    rows = [
        (result.preset, result.n_rollouts, number, result.steps, *costs, rate_of_one[result.preset])
        for result in results
        for number, costs in enumerate(zip(result.transport, result.learning, strict=True))
    ]
    heads = ("preset", "rollouts", "round", "steps_each", "transport_ms", "learner_ms")
    write_table(path, (*heads, "worker_steps_per_second"), rows)
