"""`pong-agent benchmark`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from pong_agent.benchmarks.ablation import CHANGES, measure_ablation, write_ablation
from pong_agent.benchmarks.learning import (
    measure_learning,
    plot_curves,
    summary,
    write_curves,
)
from pong_agent.cli.speed import Act, Recording, Scaling, Throughput
from pong_agent.cli.train import RUNS, step_line
from pong_agent.errors import ConfigError
from pong_agent.training.config import TrainConfig


@dataclass(frozen=True)
class Learning:
    """Measure how fast the preset learns: from scratch, seed by seed, until it wins.

    Prints agent steps and seconds to a mean training return above 0 (last 30 episodes) and to a
    greedy evaluation that reaches the goal; writes all curves as CSV and as a picture. The time of
    evaluations is not counted.
    """

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: TrainConfig(eval_every=100_000, eval_from=10.0, eval_episodes=30)
    )

    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds, one run each."""

    goal: float = 18.0
    """Mean return of a greedy evaluation that counts as winning and ends a run."""

    output: Path | None = None
    """New folder of the runs, learning.csv and learning.png; by default runs/learning-DATE-TIME."""

    def run(self) -> int:
        """Train for each seed, print the table, and return the exit code."""
        folder = self.output or RUNS / time.strftime("learning-%Y%m%d-%H%M%S")
        results = measure_learning(
            self.config, self.seeds, folder, goal=self.goal, on_update=self._show
        )
        print(summary(results, self.goal))
        write_curves(results, folder / "learning.csv")
        title = f"{self.config.preset}, {', '.join(self.config.hyperparams) or 'from scratch'}"
        plot_curves(results, folder / "learning.png", title=title, goal=self.goal)
        print(f"wrote {folder}/learning.csv and {folder}/learning.png")
        return 0

    @staticmethod
    def _show(seed: int, metrics: Mapping[str, float]) -> None:
        due = int(metrics["time/time_elapsed"] / 10)
        before = int((metrics["time/time_elapsed"] - metrics["time/update_seconds"]) / 10)
        if due > before or "eval/mean_reward" in metrics:
            print(f"seed {seed}  {step_line(metrics)}", flush=True)


@dataclass(frozen=True)
class Ablation:
    """Measure what each ingredient of preset ppo brings: one thing changed at a time.

    Prints the mean return of the last 30 training episodes after the same number of agent steps,
    averaged over the seeds and for each of them, and writes them as CSV.
    """

    seeds: tuple[int, ...] = (0, 1)
    """Seeds of each change's runs."""

    steps: int = 400_000
    """Agent steps of each run."""

    only: tuple[str, ...] = ()
    """Changes to measure, by any part of their names; by default all."""

    processes: int = 2
    """Runs at the same time, each in a process of its own."""

    output: Path | None = None
    """New folder of the runs and ablation.csv; by default runs/ablation-DATE-TIME."""

    def run(self) -> int:
        """Train, print a row for each change, and return the exit code."""
        folder = self.output or RUNS / time.strftime("ablation-%Y%m%d-%H%M%S")
        chosen = {
            name: values
            for name, values in CHANGES.items()
            if not self.only or any(part in name for part in self.only)
        }
        if not chosen:
            raise ConfigError(f"only: expected a part of {list(CHANGES)}, found {self.only}")
        print("  mean  " + "  ".join(f"seed {seed}" for seed in self.seeds))
        results = measure_ablation(
            self.seeds,
            self.steps,
            folder,
            changes=chosen,
            n_processes=self.processes,
            on_change=lambda result: print(result, flush=True),
        )
        write_ablation(results, self.seeds, folder / "ablation.csv")
        print(f"wrote {folder}/ablation.csv")
        return 0


@dataclass(frozen=True)
class Benchmark:
    """Measure what this package claims."""

    benchmark: Annotated[
        Learning | Ablation | Throughput | Act | Scaling | Recording, tyro.conf.arg(name="")
    ]

    def run(self) -> int:
        """Run the benchmark and return the exit code."""
        return self.benchmark.run()
