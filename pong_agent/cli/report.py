"""`pong-agent report`: a page about an agent."""

import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from pong_agent.report.page import n_episodes, write_report
from pong_agent.report.provenance import Subject


@dataclass(frozen=True)
class Report:
    """Write one offline HTML page about an agent: scores, a film, what it looks at and learned.

    It plays in the environment that the agent learned in: greedily with and without sticky actions
    at each difficulty of the built-in player, and in the usual setting with sampled actions too.
    """

    weights: tyro.conf.Positional[Path | None] = None
    """Weights file, or run folder for its newest checkpoint; by default the package's weights."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("report.html")
    """HTML file to write; one of that name is replaced."""

    episodes: int = 10
    """Games of each figure."""

    seed: int = 1000
    """Game i of each figure has the seed SEED + i."""

    workers: int = 2
    """Processes that play at the same time."""

    def run(self) -> int:
        """Play, write, print the page's path, and return the exit code."""
        subject = Subject.load(self.weights)
        total = n_episodes(self.episodes)
        with tqdm(total=total, unit="game", disable=None, leave=False) as bar:
            path = write_report(
                subject,
                self.output,
                episodes=self.episodes,
                seed=self.seed,
                n_workers=self.workers,
                command=shlex.join(["pong-agent", *sys.argv[1:]]),
                date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
                on_episode=lambda: bar.update(),
            )
        print(f"wrote {path}")
        return 0
