"""Bytes between driver and workers: what the collector hands over, pickled as Ray does."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.benchmarks.tables import table
from pong_agent.config import AgentConfig, PPOConfig, ReinforceConfig
from pong_agent.learning.batch import Trajectory
from pong_agent.network import Floats
from pong_agent.training.batches import GameBatches
from pong_agent.training.collector import Collector, SerialCollector, WorkItem, WorkResult
from pong_agent.training.games import GameSnapshot

# What is measured: preset ppo with the fragments it begins with and those it ends with.
CONFIGS: Mapping[str, AgentConfig] = {
    "ppo, at the start": PPOConfig(),
    "ppo, annealed": PPOConfig(fragment_steps=PPOConfig.final_fragment_steps),
    "reinforce": ReinforceConfig(),
}


@dataclass(frozen=True)
class Wire:
    """Bytes of one batch.

    Attributes:
        steps: agent steps of the batch.
        units: bytes of the units of work that are sent to workers.
        results: bytes of what they return.
        weights: bytes of the weights, sent to each worker once per update and counted apart.
    """

    steps: int
    units: int
    results: int
    weights: int

    @property
    def per_step(self) -> float:
        """Bytes per agent step, weights not counted."""
        return (self.units + self.results) / self.steps


class CountingCollector:
    """Weighs what passes through another collector.

    Args:
        collector: plays.

    Attributes:
        n_workers: the collector's.
        units: bytes of units so far.
        results: bytes of results so far.
        weights: bytes of the weights of one call.
    """

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self.n_workers = collector.n_workers
        self.clear()

    def clear(self) -> None:
        """Begin to count anew."""
        self.units = self.results = self.weights = 0

    def start_games(self, seeds: Sequence[int]) -> list[GameSnapshot]:
        """Start the games; their bytes are not counted."""
        return self._collector.start_games(seeds)

    def play(self, parameters: Mapping[str, Floats], items: Sequence[WorkItem]) -> list[WorkResult]:
        """Play as the collector does, and count the bytes of each work item and each result."""
        self.weights = _size(dict(parameters))
        self.units += sum(map(_size, items))
        results = self._collector.play(parameters, items)
        self.results += sum(map(_size, results))
        return results

    def evaluate(self, parameters: Mapping[str, Floats], seeds: Sequence[int]) -> list[Trajectory]:
        """Play greedy episodes; their bytes are not counted."""
        return self._collector.evaluate(parameters, seeds)

    def close(self) -> None:
        """Close the collector."""
        self._collector.close()


def measure_wire(config: AgentConfig) -> Wire:
    """Collect two batches as the trainer does and weigh what the second one takes.

    The first one begins the games.
    """
    collector = CountingCollector(SerialCollector(config))
    try:
        agent = PongAgent(config)
        source = GameBatches(collector, config)
        source.collect(agent, 0)
        source.advance()
        collector.clear()
        steps = source.collect(agent, 0).n_steps
        return Wire(steps, collector.units, collector.results, collector.weights)
    finally:
        collector.close()


def wire_table(measured: Mapping[str, Wire]) -> str:
    """Return a line for each measurement."""
    heads = ("between driver and workers", "bytes/step", "sent", "returned", "weights")
    rows = [
        (
            name,
            f"{wire.per_step:.0f}",
            f"{wire.units / wire.steps:.0f}",
            f"{wire.results / wire.steps:.0f}",
            f"{wire.weights / 1e6:.1f} MB per update and worker",
        )
        for name, wire in measured.items()
    ]
    return table(heads, rows)


def wire_rows(measured: Mapping[str, Wire]) -> list[tuple[str, str, int, float]]:
    """Return (what, unit, 0, figure) for each figure."""
    return [
        row
        for name, wire in measured.items()
        for row in (
            (f"{name}: on the wire per step", "bytes", 0, wire.per_step),
            (f"{name}: units per step", "bytes", 0, wire.units / wire.steps),
            (f"{name}: results per step", "bytes", 0, wire.results / wire.steps),
            (f"{name}: weights per update and worker", "bytes", 0, float(wire.weights)),
        )
    ]


def _size(value: Any) -> int:
    return len(pickle.dumps(value, protocol=5))
