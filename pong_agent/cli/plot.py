"""`pong-agent plot`: learning curves of several runs."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pong_agent.plots.curves import plot_runs
from pong_agent.plots.runs import Axis


@dataclass(frozen=True)
class Plot:
    """Draw learning curves of runs: one curve for each configuration, with a band over its seeds.

    Runs that differ in their seeds alone become one curve: their mean, with the range from the
    lowest to the highest, or from five runs on the 95 % bootstrap interval of the mean. Each run,
    smoothed over 2 % of its updates, is drawn faintly; greedy evaluations are dots.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("curves.png")
    """Picture to write, .png, .svg or .pdf; one of that name is replaced."""

    metric: str = "rollout/ep_rew_mean"
    """Column of metrics.csv."""

    x: Axis = "steps"
    """What stands below: agent steps, or minutes of training."""

    labels: tuple[str, ...] = ()
    """Names of the curves in the order of the runs; by default what tells them apart."""

    def run(self) -> int:
        """Draw, print the picture's path, and return the exit code."""
        empty = plot_runs(
            self.runs, self.output, metric=self.metric, axis=self.x, labels=self.labels
        )
        for path in empty:
            print(f"left out {path}: no value of {self.metric} yet", file=sys.stderr)
        print(f"wrote {self.output}")
        return 0
