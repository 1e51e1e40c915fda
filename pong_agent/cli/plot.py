"""`pong-agent plot`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pong_agent.cli.arguments import Output
from pong_agent.plots.curves import draw_runs
from pong_agent.plots.figure import check_suffix, save_figure
from pong_agent.plots.runs import Axis


@dataclass(frozen=True)
class Plot:
    """Draw the learning curves of one or more runs.

    Runs that differ only in their seeds become one curve: their mean and, as a band, their range
    or, from five runs on, the 95 % bootstrap interval of the mean. Each run is drawn faintly,
    smoothed over 2 % of its updates; greedy evaluations are dots. Paths that hold no run are left
    out.
    """

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Run folders."""

    output: Annotated[Output, tyro.conf.arg(aliases=["-o"])] = Path("curves.png")
    """Image to write: .png, .svg or .pdf. An existing file is replaced."""

    metric: str = "rollout/ep_rew_mean"
    """Column of metrics.csv."""

    x: Axis = "steps"
    """Horizontal axis: agent steps or minutes of training."""

    labels: tuple[str, ...] = ()
    """Names of the curves, in the order of the runs; if omitted, what distinguishes them."""

    def run(self) -> int:
        """Draw, print the image's path, and return the exit code."""
        check_suffix(self.output)
        figure, left_out = draw_runs(self.runs, metric=self.metric, axis=self.x, labels=self.labels)
        for reason in left_out:
            print(f"left out {reason}", file=sys.stderr)
        save_figure(figure, self.output)
        print(f"wrote {self.output}")
        return 0
