"""`pong-agent export`."""

from dataclasses import dataclass
from pathlib import Path

from pong_agent.agent import PongAgent
from pong_agent.cli.arguments import Number, Output, Processes, Seed
from pong_agent.cli.episodes import summary
from pong_agent.cli.output import sentence
from pong_agent.evaluation.scores import score
from pong_agent.training.run_folder import RunFolder


@dataclass(frozen=True)
class Export:
    """Write a run's averaged weights to a small file for acting, with its scores.

    The scores are those of the exported file, whose weights have half precision.
    """

    run_folder: Path
    """Run folder."""

    output: Output
    """Weights file to write."""

    best: bool = False
    """Export the checkpoint of the run's best evaluation instead of its newest one."""

    episodes: Number = 100
    """Episodes per score."""

    seed: Seed = 1000
    """Seed of each score's first episode; episode I has SEED + I."""

    workers: Processes = 2
    """Processes that play in parallel."""

    def run(self) -> int:
        """Score, write, print the scores, and return the exit code."""
        folder = RunFolder.open(self.run_folder)
        agent = folder.load_best() if self.best else folder.load_latest()
        origin = folder.origin(agent.progress.updates)
        self.output.parent.mkdir(parents=True, exist_ok=True)
        agent.export(self.output, origin)
        scores = score(
            PongAgent.load(self.output),
            self.episodes,
            self.seed,
            n_workers=self.workers,
            on_result=lambda setting, result: print(
                sentence(f"{setting}: {summary(result)}"), flush=True
            ),
        )
        agent.export(self.output, {**origin, "scores": scores})
        print(f"wrote {self.output}")
        return 0
