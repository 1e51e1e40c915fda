"""`pong-agent report`."""

import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import tyro

from pong_agent.cli.arguments import Number, Output, Processes, Seed
from pong_agent.cli.output import progress_bar
from pong_agent.report.page import n_episodes, write_report
from pong_agent.report.played_games import ReportOptions
from pong_agent.report.provenance import Subject


@dataclass(frozen=True)
class Report:
    """Write an offline HTML page about an agent: scores, a video, and where it looks.

    The agent plays greedily against the built-in opponent at each difficulty, with and without
    sticky actions, and once with sampled actions, always in the environment it was trained in.
    """

    weights: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[WEIGHTS]")] = None
    """Weights file, or run folder for its newest checkpoint; if omitted, the pretrained agent."""

    output: Annotated[Output, tyro.conf.arg(aliases=["-o"])] = Path("report.html")
    """HTML file to write. An existing file is replaced."""

    episodes: Number = 10
    """Games per score."""

    seed: Seed = 1000
    """Seed of each score's first game; game I has SEED + I."""

    workers: Processes = 2
    """Processes that play in parallel."""

    def run(self) -> int:
        """Play, write, print the page's path, and return the exit code."""
        subject = Subject.load(self.weights)
        options = ReportOptions(
            self.episodes,
            self.seed,
            self.workers,
            command=shlex.join(["pong-agent", *sys.argv[1:]]),
            date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        )
        with progress_bar(n_episodes(self.episodes), "games") as advance:
            write_report(subject, self.output, options, on_episode=advance)
        print(f"wrote {self.output}")
        return 0
