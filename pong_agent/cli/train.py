"""`pong-agent train`."""

import math
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from pong_agent.cli.live import LiveDisplay, limit_text
from pong_agent.cli.output import sentence
from pong_agent.errors import ConfigError
from pong_agent.learning.progress import RECENT
from pong_agent.training.config import TrainConfig
from pong_agent.training.signals import uninterrupted
from pong_agent.training.start import resume_run, start_run
from pong_agent.training.trainer import Trainer

_RETURN = f"return: points won less points lost, -21 to 21; mean of the last {RECENT} games"
_SECONDS_BETWEEN_LINES = 5.0  # of preset `ppo`, whose updates take a fraction of a second


@dataclass(frozen=True)
class Train:
    """Train an agent in a run folder that keeps its configuration, metrics and checkpoints.

    Ctrl-C stops and saves; --resume continues as if the run had never stopped.
    """

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)

    run_folder: Path | None = None
    """Folder of the new run; if omitted, runs/PRESET-seedN-DATE-TIME."""

    resume: Path | None = None
    """Folder of a run to continue. Its options become the defaults of the others here."""

    def run(self) -> int:
        """Train, show the progress, and return the exit code."""
        with self._open() as trainer:
            folder = trainer.run_folder
            for reason in trainer.skipped:
                print(f"skipped a checkpoint: {reason}", file=sys.stderr)
            print(f"{trainer.config.preset} in {trainer.agent.config.env_id}, run {folder.path}")
            done, limit = trainer.nearest_limit()
            try:
                if done < 1:
                    print(sentence(_RETURN))
                    stopped_by = _train(trainer)
                else:
                    print(_finished(trainer.config, limit))
                    stopped_by = trainer.train()
            finally:
                unused = self.resume is None and done < 1 and not trainer.agent.progress.updates
                if unused:
                    with uninterrupted():
                        folder.discard()
        if unused and stopped_by is not None:
            print(f"stopped by {stopped_by.name} before the first update", file=sys.stderr)
            return 128 + stopped_by
        print(f"saved {folder.checkpoints()[-1]}")
        if stopped_by is None:
            weights = shlex.quote(
                str(self.resume or self.run_folder or os.path.relpath(folder.path))
            )
            print(f"next: pong-agent evaluate --weights {weights}")
            print(f"      pong-agent record --weights {weights}")
            return 0
        print(
            f"stopped by {stopped_by.name}; continue with --resume {folder.path}", file=sys.stderr
        )
        return 128 + stopped_by

    def _open(self) -> Trainer:
        if self.resume is not None and self.run_folder is not None:
            raise ConfigError(f"run_folder: expected none with --resume, found {self.run_folder}")
        if self.resume is not None:
            return resume_run(self.resume, self.config, shlex.join(sys.argv))
        return start_run(self.config, self.run_folder, shlex.join(sys.argv))


def _finished(config: TrainConfig, limit: str) -> str:
    """Return why a run ends at once, and the option with which it continues."""
    option = f"--{limit.replace('_', '-')}"
    return (
        f"nothing to do: the run has reached {limit_text(config, limit)}; raise {option} to go on"
    )


def _train(trainer: Trainer) -> signal.Signals | None:
    """Train with a live display on a terminal, and with lines of progress elsewhere."""
    # Programs that drive a terminal may call it dumb: it cannot redraw in place.
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return trainer.train(_Lines(trainer).show)
    with LiveDisplay(trainer) as display:
        return trainer.train(display.show)


class _Lines:
    """Prints progress: preset `reinforce` every batch, `ppo` every few seconds."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._last = float("-inf")

    def show(self, metrics: Mapping[str, float]) -> None:
        algorithm = self._trainer.agent.algorithm
        seconds = metrics["time/time_elapsed"]
        due = seconds - self._last >= _SECONDS_BETWEEN_LINES
        if algorithm.name == "reinforce":
            line = batch_line(metrics, algorithm.n_games)
        elif due or self._trainer.nearest_limit()[0] >= 1 or "eval/mean_reward" in metrics:
            line = step_line(metrics)
        else:
            return
        self._last = seconds
        print(line, flush=True)  # so that a log file can be followed


def batch_line(metrics: Mapping[str, float], n_rollouts: int) -> str:
    """Return the line of an update as the notebook prints it."""
    return (
        f"batch {metrics['time/iterations']:.0f}: "
        f"{n_rollouts} rollouts in {metrics['time/update_seconds']:.1f} s, "
        f"running mean {metrics['rollout/running_return']:.3f}, "
        f"return {metrics['rollout/ep_rew_mean']:+.2f}, {metrics['time/fps']:,.0f} steps/s"
        f"{_evaluation(metrics)}"
    )


def step_line(metrics: Mapping[str, float]) -> str:
    """Return a line about an update that begins with its time and agent steps."""
    steps, seconds = metrics["time/total_timesteps"], metrics["time/time_elapsed"]
    mean = metrics["rollout/ep_rew_mean"]
    shown = f"{'-':>6}" if math.isnan(mean) else f"{mean:+6.2f}"  # no episode has ended yet
    return (
        f"{seconds:6.0f} s  {steps:>10,.0f} steps  return {shown}  "
        f"entropy {-metrics['train/entropy_loss']:.3f}  "
        f"step size {metrics['train/learning_rate']:.1e}  "
        f"{metrics['time/fps']:,.0f} steps/s{_evaluation(metrics)}"
    )


def _evaluation(metrics: Mapping[str, float]) -> str:
    return f", greedy {metrics['eval/mean_reward']:+.2f}" if "eval/mean_reward" in metrics else ""
