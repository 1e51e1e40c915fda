"""`pong-agent train`."""

import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from pong_agent.commands.lines import batch_line, step_line
from pong_agent.presets import ConfigError, ReinforceConfig
from pong_agent.training.config import TrainConfig
from pong_agent.training.trainer import Trainer, resume_run, start_run

RUNS = Path("runs")


@dataclass(frozen=True)
class Train:
    """Train an agent, in a run folder that keeps configuration, metrics and checkpoints.

    Ctrl-C stops in good order; --resume goes on as if the run had never stopped.
    """

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)

    run_folder: Path | None = None
    """Folder of the new run; by default runs/PRESET-seedN-DATE-TIME."""

    resume: Path | None = None
    """Folder of a run to go on with; its options are then the defaults of the others here."""

    def run(self) -> int:
        """Train, showing how it goes, and return the exit code."""
        with self._open() as trainer:
            config, folder = trainer.config, trainer.run_folder
            for reason in trainer.skipped:
                print(f"skipped a checkpoint: {reason}", file=sys.stderr)
            print(f"{config.preset} in {trainer.agent.config.env_id}, run {folder.path}")
            with _TrainingBar(trainer) as show:
                stopped_by = trainer.train(show)
        print(f"saved {folder.checkpoints()[-1]}")
        if stopped_by is None:
            return 0
        print(f"stopped by {stopped_by.name}; go on with --resume {folder.path}", file=sys.stderr)
        return 128 + stopped_by

    def _open(self) -> Trainer:
        if self.resume is not None:
            if self.run_folder is not None:
                raise ConfigError(
                    f"run_folder: expected none with --resume, found {self.run_folder}"
                )
            return resume_run(self.resume, self.config, shlex.join(sys.argv))
        name = f"{self.config.preset}-seed{self.config.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
        command = shlex.join(sys.argv)
        return start_run(self.config, self.run_folder or RUNS / name, command)


class _TrainingBar:
    """Shows training: a bar of the limit that is nearest, and a line now and then.

    Preset `reinforce` has a line for every batch, as the notebook; `ppo`, whose updates take a
    fraction of a second, one every few seconds.
    """

    seconds_between_lines = 5.0

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._bar = tqdm(
            total=1.0,
            initial=trainer.fraction_done(),
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}",
            disable=None,
            leave=False,
        )
        self._last_line = float("-inf")

    def __enter__(self) -> Callable[[Mapping[str, float]], None]:
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def _show(self, metrics: Mapping[str, float]) -> None:
        done = self._trainer.fraction_done()
        self._bar.update(done - self._bar.n)
        config = self._trainer.agent.config
        seconds = metrics["time/time_elapsed"]
        due = seconds - self._last_line >= self.seconds_between_lines
        if isinstance(config, ReinforceConfig):
            line = batch_line(metrics, config)
        elif due or done >= 1 or "eval/mean_reward" in metrics:
            line = step_line(metrics)
        else:
            return
        self._last_line = seconds
        self._bar.write(line)
        sys.stdout.flush()  # so that a log file can be followed
