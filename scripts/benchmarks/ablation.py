"""Contribution of each ingredient of preset `ppo`: the preset with one thing changed at a time."""

import multiprocessing
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.learning import read_curve
from benchmarks.tables import write_table
from pong_agent.training.config import TrainConfig
from pong_agent.training.start import start_run

# Name of the change -> hyperparameters to replace.
CHANGES: Mapping[str, tuple[str, ...]] = {
    "nothing: the preset": (),
    "difference of the frames instead of both": ("observation:difference",),
    "no mirror: 200 hidden units of their own": ("mirror:False",),
    "UP and DOWN only": ("n_actions:2",),
    "STAY from the start": ("stay_logit:0.0",),
    "annealing from a return of 0, instead of -15": ("anneal_from_return:0.0",),
    "STAY from the start, annealing from 0": ("stay_logit:0.0", "anneal_from_return:0.0"),
    "no blocks": ("first_layer_blocks:()",),
    "first layer 0.4 instead of 0.15": ("first_layer_scale:0.4",),
    "fixed step size 5e-4": ("learning_rate:5e-4", "learning_rate_factor:1.0"),
    "no entropy": ("entropy_coefficient:0.0", "final_entropy_coefficient:0.0"),
    "a third of the entropy": ("entropy_coefficient:0.007",),
    "three times the entropy": ("entropy_coefficient:0.06",),
    "3 epochs instead of 5": ("epochs:3",),
    "2 minibatches instead of 4": ("minibatches:2",),
    "lambda 0.95 instead of 0.9": ("gae_lambda:0.95",),
    "lambda 0.8 instead of 0.9": ("gae_lambda:0.8",),
    "values by the newest weights, not averaged ones": ("critic_averaging_steps:1",),
    "half the target of the policy's change": ("target_kl:0.005",),
    "twice the target of the policy's change": ("target_kl:0.02",),
    "no discount, instead of 0.995": ("discount:1.0",),
    "discount 0.98 instead of 0.995": ("discount:0.98",),
    "annealed by steps alone, over 1.5 M": (
        "anneal_steps:1500000",
        "anneal_from_return:21.0",
        "anneal_to_return:22.0",
    ),
    "32 games of 64 steps instead of 16 of 128": (
        "n_envs:32",
        "fragment_steps:64",
        "final_fragment_steps:256",
    ),
}


@dataclass(frozen=True)
class Ablated:
    """Results of one change.

    Attributes:
        change: its name in `CHANGES`.
        returns: mean return of the last 30 training episodes at the end, for each seed.
    """

    change: str
    returns: tuple[float, ...]

    def __str__(self) -> str:
        each = "  ".join(f"{one:+6.1f}" for one in self.returns)
        return f"{statistics.mean(self.returns):>+6.1f}  {each}  {self.change}"


def measure_ablation(
    seeds: Sequence[int],
    steps: int,
    folder: Path,
    *,
    changes: Mapping[str, tuple[str, ...]] = CHANGES,
    n_processes: int = 2,
    on_change: Callable[[Ablated], None] | None = None,
) -> list[Ablated]:
    """Train from scratch with each change and each seed, for the same number of agent steps.

    Each run has a process of its own and no workers.

    Args:
        seeds: seeds of the runs, the same for each change.
        steps: agent steps of each run.
        folder: where each run gets a folder.
        changes: name -> hyperparameters to replace.
        n_processes: runs at the same time.
        on_change: called with each result, in the order of `changes`.
    """
    jobs = [
        (
            TrainConfig(
                hyperparams=values,
                seed=seed,
                steps=steps,
                minutes=1e6,
                workers=0,
                checkpoint_every=10**6,
            ),
            folder / f"{number:02d}-seed{seed}",
        )
        for number, values in enumerate(changes.values())
        for seed in seeds
    ]
    results = []
    with ProcessPoolExecutor(n_processes, multiprocessing.get_context("spawn")) as pool:
        returns = pool.map(_train, *zip(*jobs, strict=True))
        for change in changes:
            results.append(Ablated(change, tuple(next(returns) for _ in seeds)))
            if on_change is not None:
                on_change(results[-1])
    return results


def _train(config: TrainConfig, run_folder: Path) -> float:
    """Train one agent in this process and return its mean return at the end."""
    with start_run(config, run_folder) as trainer:
        trainer.train()
    return read_curve(run_folder)[-1].mean_return


def write_ablation(results: Sequence[Ablated], seeds: Sequence[int], path: Path) -> None:
    """Write a row for each change and seed as CSV."""
    rows = [
        (result.change, seed, round(final, 3))
        for result in results
        for seed, final in zip(seeds, result.returns, strict=True)
    ]
    write_table(path, ("change", "seed", "return"), rows)
