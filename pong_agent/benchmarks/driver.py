"""What the driver itself spends on each rollout, and how many workers it would keep up with."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.benchmarks.tables import Spread, table, write_table
from pong_agent.config import AgentConfig, PPOConfig, ReinforceConfig
from pong_agent.training.batches import GameBatches
from pong_agent.training.collector import RolloutWorker, WorkItem
from pong_agent.training.ray_collector import RayCollector

_RECORDED = 4  # episodes that each recording worker has played, and returns again and again


class RecordedWorker(RolloutWorker):
    """Returns what it has played before, as fast as asked, whatever weights and games it is given.

    What passes between driver and worker is as in training; only the playing is left out.
    """

    def __init__(self, config: AgentConfig) -> None:
        super().__init__(config)
        self._played: dict[Any, Any] = {}
        self._agent_weights = PongAgent(config).parameters

    def play(self, parameters: Any, item: WorkItem) -> Any:
        """Return recorded fragments or episodes of as many games and steps."""
        del parameters
        key = len(item.snapshots), item.n_steps
        if key not in self._played:
            self._played[key] = super().play(self._agent_weights, item)
        return self._played[key]


@dataclass(frozen=True)
class DriverCost:
    """What the driver itself spends on batches of so many rollouts.

    Attributes:
        preset: whose rollouts: "reinforce", whole episodes, or "ppo", fragments of games.
        n_rollouts: rollouts of a batch.
        steps: agent steps of a rollout, on average.
        transport: CPU milliseconds per rollout of submitting units, receiving results and making
            the batch, of each round.
        learning: CPU milliseconds per rollout of learning from it, of each round.
    """

    preset: str
    n_rollouts: int
    steps: float
    transport: tuple[float, ...]
    learning: tuple[float, ...]


def measure_driver(
    config: AgentConfig,
    sizes: Sequence[int],
    n_workers: int,
    rounds: int,
) -> list[DriverCost]:
    """Measure the CPU time of the driver's process, all its threads, on recorded rollouts.

    Real Ray workers return trajectories that they have played before, so that playing does not
    take the cores from what is measured. Sizes alternate; the first round of each is not counted.

    Args:
        config: a preset's values; the number of rollouts of a batch is set here.
        sizes: numbers of rollouts of a batch.
        n_workers: Ray workers.
        rounds: how often each size is measured.
    """
    preset = "ppo" if isinstance(config, PPOConfig) else "reinforce"
    spent: dict[int, list[tuple[float, float, float]]] = {size: [] for size in sizes}
    with _recorded(config, n_workers) as collector:
        batches = {size: _source(collector, config, size) for size in sizes}
        for _ in range(1 + rounds):
            for size, (source, agent) in batches.items():
                spent[size].append(_cost(source, agent))
    results = []
    for size, each in spent.items():
        steps, transport, learning = zip(*each[1:], strict=True)
        results.append(
            DriverCost(
                preset,
                size,
                steps[0] / size,
                tuple(1e3 * seconds / size for seconds in transport),
                tuple(1e3 * seconds / size for seconds in learning),
            )
        )
    return results


@contextmanager
def _recorded(config: AgentConfig, n_workers: int) -> Iterator[RayCollector]:
    """Start workers that return what they have recorded."""
    collector = RayCollector(config, n_workers, worker_class=RecordedWorker)
    try:
        yield collector
    finally:
        collector.close()


def _source(
    collector: RayCollector, config: AgentConfig, size: int
) -> tuple[GameBatches, PongAgent]:
    """Return a source of batches of so many rollouts, and who learns from them."""
    if isinstance(config, ReinforceConfig):
        config = replace(config, episodes_per_update=size)
    else:
        config = replace(config, n_envs=size, anneal_steps=10**12)  # fragments do not grow
    agent = PongAgent(config)
    return GameBatches(collector, config), agent


def _cost(source: GameBatches, agent: PongAgent) -> tuple[int, float, float]:
    """Make an update; return its agent steps and CPU seconds, of transport and of learning."""
    began = time.process_time()
    batch = source.collect(agent, 0)
    collected = time.process_time()
    agent.learn_from_batch(batch)
    learned = time.process_time()
    source.advance()
    return batch.n_steps, collected - began, learned - collected


def worker_limit(cost_ms: float, steps: float, rate_of_one: float) -> float:
    """Return how many workers a driver keeps up with.

    A worker plays a rollout in `steps / rate_of_one` seconds; the driver spends `cost_ms` on each.

    Args:
        cost_ms: the driver's milliseconds per rollout.
        steps: agent steps of a rollout.
        rate_of_one: agent steps/s of one worker.

    Example:
        >>> worker_limit(cost_ms=10.0, steps=1000, rate_of_one=2000.0)
        50.0
    """
    return steps / rate_of_one / (cost_ms / 1e3)


def driver_table(results: Sequence[DriverCost], rate_of_one: dict[str, float]) -> str:
    """Return a line for each size: the driver's cost, and the number of workers it suffices for.

    Args:
        results: of `measure_driver`.
        rate_of_one: preset -> agent steps/s of one worker on this machine.
    """
    heads = (
        "preset",
        "rollouts",
        "steps each",
        "transport ms/rollout",
        "learner ms/rollout",
        "transport's limit",
        "learner's limit",
    )
    return table(heads, [_driver_cells(result, rate_of_one[result.preset]) for result in results])


def _driver_cells(result: DriverCost, rate_of_one: float) -> tuple[str, ...]:
    transport, learning = Spread.of(result.transport), Spread.of(result.learning)
    limits = [
        f"{worker_limit(spread.median, result.steps, rate_of_one):,.1f} workers"
        for spread in (transport, learning)
    ]
    return (
        result.preset,
        str(result.n_rollouts),
        f"{result.steps:,.0f}",
        transport.text(".3f"),
        learning.text(".3f"),
        *limits,
    )


def write_driver(results: Sequence[DriverCost], rate_of_one: dict[str, float], path: Path) -> None:
    """Write a row for each preset, size and round as CSV."""
    rows = [
        (result.preset, result.n_rollouts, number, result.steps, *costs, rate_of_one[result.preset])
        for result in results
        for number, costs in enumerate(zip(result.transport, result.learning, strict=True))
    ]
    heads = ("preset", "rollouts", "round", "steps_each", "transport_ms", "learner_ms")
    write_table(path, (*heads, "worker_steps_per_second"), rows)
