"""`pong-agent export`: weights for others, with their model card."""

from dataclasses import dataclass
from pathlib import Path

from pong_agent.agent import PongAgent
from pong_agent.cli.lines import summary
from pong_agent.evaluation.model_card import score
from pong_agent.training.run_folder import RunFolder


@dataclass(frozen=True)
class Export:
    """Write a run's weights for others to act with, and into the file how they score.

    The scores are those of the file itself, at half precision.
    """

    run_folder: Path
    """Folder of the run."""

    output: Path
    """Weights file to write."""

    best: bool = False
    """Take the checkpoint of the run's best evaluation; by default its newest one."""

    episodes: int = 100
    """Episodes of each score."""

    seed: int = 1000
    """Episode i of each score has the seed SEED + i."""

    workers: int = 2
    """Processes that play at the same time."""

    def run(self) -> int:
        """Score, write, print the model card's table, and return the exit code."""
        folder = RunFolder.open(self.run_folder)
        agent = folder.load_best() if self.best else folder.load_latest()
        origin = folder.origin(agent.progress.updates)
        agent.export(self.output, origin)
        scores = score(
            PongAgent.load(self.output),
            self.episodes,
            self.seed,
            n_workers=self.workers,
            on_result=lambda setting, result: print(f"{setting}: {summary(result)}", flush=True),
        )
        agent.export(self.output, {**origin, "scores": scores})
        print(f"wrote {self.output}")
        return 0
