"""Bytes between driver and workers: weights, work items and results, pickled as Ray does."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.cli.output import table
from pong_agent.config import AgentConfig, PPOConfig, ReinforceConfig
from pong_agent.network import Floats
from pong_agent.training.batches import GameBatches
from pong_agent.training.collector import RolloutWorker, SerialCollector, WorkItem, WorkResult

# Preset ppo with its first and with its last fragments.
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
        items: bytes of the work items.
        results: bytes of the workers' results.
        weights: bytes of the weights, which each worker gets once per update.
    """

    steps: int
    items: int
    results: int
    weights: int

    @property
    def per_step(self) -> float:
        """Bytes per agent step, without the weights."""
        return (self.items + self.results) / self.steps


def measure_wire(config: AgentConfig) -> Wire:
    """Collect two batches as the trainer does and weigh the second; the first starts the games."""
    calls: list[tuple[int, int, int]] = []

    class WeighingWorker(RolloutWorker):
        def play(self, parameters: Mapping[str, Floats], item: WorkItem) -> WorkResult:
            result = super().play(parameters, item)
            calls.append((_size(item), _size(result), _size(dict(parameters))))
            return result

    collector = SerialCollector(config, WeighingWorker)
    try:
        agent, source = PongAgent(config), GameBatches(collector, config)
        source.collect(agent, 0)
        source.advance()
        calls.clear()
        steps = source.collect(agent, 0).n_steps
    finally:
        collector.close()
    items, results, weights = zip(*calls, strict=True)
    return Wire(steps, sum(items), sum(results), weights[0])


def wire_table(measured: Mapping[str, Wire]) -> str:
    """Return a row for each measurement."""
    heads = ("<between driver and workers", "bytes/step", "sent", "returned", "weights")
    rows = [
        (
            name,
            f"{wire.per_step:.0f}",
            f"{wire.items / wire.steps:.0f}",
            f"{wire.results / wire.steps:.0f}",
            f"{wire.weights / 1e6:.1f} MB per update and worker",
        )
        for name, wire in measured.items()
    ]
    return table(heads, rows)


def wire_figures(measured: Mapping[str, Wire]) -> dict[tuple[str, str], Sequence[float]]:
    """Return (what, unit) -> its figure."""
    figures: dict[tuple[str, str], Sequence[float]] = {}
    for name, wire in measured.items():
        for what, figure in (
            ("on the wire per step", wire.per_step),
            ("work items per step", wire.items / wire.steps),
            ("results per step", wire.results / wire.steps),
            ("weights per update and worker", float(wire.weights)),
        ):
            figures[f"{name}: {what}", "bytes"] = [figure]
    return figures


def _size(value: Any) -> int:
    return len(pickle.dumps(value, protocol=5))
