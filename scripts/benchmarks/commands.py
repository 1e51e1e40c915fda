"""The command line of the benchmarks."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeAlias, get_args

import tyro

from benchmarks import ablation, learning
from benchmarks.speed import Act, Recording, Scaling, Throughput, folder_of
from pong_agent.bounds import Count, Return
from pong_agent.cli.arguments import Processes, Seed
from pong_agent.cli.program import exit_code, parse, union_of
from pong_agent.cli.train import step_line
from pong_agent.errors import ConfigError
from pong_agent.training.config import TrainConfig


@dataclass(frozen=True)
class Learning:
    """Agent steps and seconds from scratch to winning, seed by seed.

    Milestones are a mean return of the last 30 training games above 0 and a greedy evaluation that
    reaches the goal. Seconds do not include evaluations. Writes learning.csv and learning.png.
    """

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: TrainConfig(eval_every=100_000, eval_from=10.0, eval_episodes=30)
    )

    seeds: tuple[Seed, ...] = (0, 1, 2)
    """One run each."""

    goal: Return = 18.0
    """Mean return of a greedy evaluation that ends a run."""

    output: Path | None = None
    """New folder; default runs/learning-DATE-TIME."""

    def run(self) -> int:
        """Train with each seed and print the table."""
        folder = folder_of(self, self.output)
        results = learning.measure_learning(
            self.config, self.seeds, folder, goal=self.goal, on_update=self._show
        )
        print(learning.summary(results, self.goal))
        learning.write_curves(results, folder / "learning.csv")
        preset, changed = self.config.preset, self.config.hyperparams
        title = f"Learning Pong from scratch ({', '.join([preset, *changed])})"
        learning.plot_curves(results, folder / "learning.png", title=title, goal=self.goal)
        print(f"wrote {folder}/learning.csv and {folder}/learning.png")
        return 0

    @staticmethod
    def _show(seed: int, metrics: Mapping[str, float]) -> None:
        """Print a line every ten seconds and after each evaluation."""
        elapsed, last = metrics["time/time_elapsed"], metrics["time/update_seconds"]
        if elapsed // 10 > (elapsed - last) // 10 or "eval/mean_reward" in metrics:
            print(f"seed {seed}  {step_line(metrics)}", flush=True)


@dataclass(frozen=True)
class Ablation:
    """Preset ppo with one thing changed at a time.

    Prints the mean return of the last 30 training games after the same number of agent steps,
    averaged over the seeds and for each seed. Writes ablation.csv.
    """

    seeds: tuple[Seed, ...] = (0, 1)
    """Seeds of each change's runs."""

    steps: Count = 400_000
    """Agent steps of each run."""

    only: tuple[str, ...] = ()
    """Changes to measure, by parts of their names; default all."""

    processes: Processes = 2
    """Runs at the same time."""

    output: Path | None = None
    """New folder; default runs/ablation-DATE-TIME."""

    def run(self) -> int:
        """Train and print a row for each change."""
        folder = folder_of(self, self.output)
        chosen = {
            name: values
            for name, values in ablation.CHANGES.items()
            if not self.only or any(part in name for part in self.only)
        }
        if not chosen:
            raise ConfigError(
                f"only: expected a part of {list(ablation.CHANGES)}, found {self.only}"
            )
        print("  mean  " + "  ".join(f"seed {seed}" for seed in self.seeds))
        results = ablation.measure_ablation(
            self.seeds,
            self.steps,
            folder,
            changes=chosen,
            n_processes=self.processes,
            on_change=lambda result: print(result, flush=True),
        )
        ablation.write_ablation(results, self.seeds, folder / "ablation.csv")
        print(f"wrote {folder}/ablation.csv")
        return 0


_Command: TypeAlias = Learning | Ablation | Throughput | Act | Scaling | Recording
_COMMANDS: dict[str, type] = {one.__name__.lower(): one for one in get_args(_Command)}


def main(args: Sequence[str] | None = None) -> int:
    """Run one benchmark and return the exit code.

    Args:
        args: the command line without the program's name; default `sys.argv[1:]`.
    """
    return exit_code(lambda: _parse(sys.argv[1:] if args is None else args).run())


def _parse(args: Sequence[str]) -> _Command:
    command: _Command = parse(
        union_of(_COMMANDS, args),
        args,
        prog="python scripts/benchmarks",
        description="Measure how fast agents learn and where time and memory go.",
    )
    return command
