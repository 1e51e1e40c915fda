"""The training loop: collect -> learn -> log -> checkpoint -> evaluate."""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.evaluation.evaluate import episode_seeds
from pong_agent.training.batches import GameBatches
from pong_agent.training.collector import Collector, RolloutWorker, SerialCollector
from pong_agent.training.config import TrainConfig
from pong_agent.training.games import GameSnapshot, save_snapshots
from pong_agent.training.metrics import update_row
from pong_agent.training.milestones import Milestones
from pong_agent.training.ray_collector import RayCollector
from pong_agent.training.run_folder import RunFolder
from pong_agent.training.signals import StopRequested, StopSignals, uninterrupted
from pong_agent.training.tensorboard import TensorBoard
from pong_agent.weights_file.metadata import config_to_dict

_HYPERPARAMETERS_CHANGED = (
    "# The hyperparameters changed when the run was resumed; see the history in config.json."
)


@dataclass(frozen=True)
class Run:
    """A training run after one of its updates."""

    folder: RunFolder
    config: TrainConfig
    agent: PongAgent
    games: list[GameSnapshot] | None = None  # to continue; None before the first update
    metrics: tuple[dict[str, str], ...] = ()  # rows of `metrics.csv` so far, values as text
    skipped: tuple[str, ...] = ()  # why newer checkpoints were not used


class Trainer:
    """Trains an agent and keeps the run in its folder; made by `start_run` and `resume_run`.

    The seed of each game comes from the root seed, the update and the game's index in the batch,
    and batches keep that order. So the same seed gives the same weights, bit for bit, on any
    number of workers, and whether or not the run was stopped and resumed.

    Args:
        run: the run to continue.
        worker_class: plays; a measurement or a test may pass a subclass.

    Attributes:
        agent: the agent that learns.
        config: options of the run.
        run_folder: files of the run.
        skipped: why newer checkpoints were not used.

    Raises:
        NotPongError: the environment is not Pong.
        CollectorError: Ray cannot be started or reached.
        RunError: the event files cannot be written.
    """

    def __init__(self, run: Run, *, worker_class: type[RolloutWorker] = RolloutWorker) -> None:
        self.agent = agent = run.agent
        self.config = run.config
        self.run_folder = folder = run.folder
        self.skipped = run.skipped
        self._signals = StopSignals()
        rows = run.metrics
        self._seconds = float(rows[-1]["time/time_elapsed"]) if rows else 0.0
        evaluations = [float(row["eval/mean_reward"]) for row in rows if row["eval/mean_reward"]]
        self._best = max(evaluations, default=float("-inf"))
        self._tensorboard: TensorBoard | None = None
        if run.config.tensorboard or folder.tensorboard.is_dir():
            self._tensorboard = TensorBoard(folder.tensorboard, rows, config_to_dict(agent.config))
        self._collector = self._make_collector(worker_class)
        self._batches = GameBatches(self._collector, agent.config, run.games)
        self._milestones = Milestones(folder.snapshots, agent.progress.agent_steps)

    def _make_collector(self, worker_class: type[RolloutWorker]) -> Collector:
        config = self.config
        if config.workers == 0:
            return SerialCollector(self.agent.config, worker_class)
        return RayCollector(
            self.agent.config,
            config.workers,
            config.address,
            worker_class=worker_class,
            work_timeout=config.work_timeout,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers, and Ray if this trainer started it; close files, free the folder."""
        with uninterrupted():
            try:
                self._collector.close()
                if self._tensorboard is not None:
                    self._tensorboard.close()
                    self._tensorboard = None
            finally:
                self.run_folder.release()

    def train(
        self, on_update: Callable[[Mapping[str, float]], None] | None = None
    ) -> signal.Signals | None:
        """Make updates until a limit of the configuration, or until SIGINT or SIGTERM.

        An update that a signal interrupts is dropped; a resumed run repeats it identically.
        However training ends, the last update is saved.

        Args:
            on_update: called after each update with its row of `metrics.csv`.

        Returns:
            The signal that ended training, None at a limit.

        Raises:
            CollectorError: games could not be played.
            CheckpointError: a checkpoint or snapshot could not be written.
            RunError: metrics could not be written.
        """
        with self._signals.handled():
            try:
                self._milestones.take(self.agent)
                while self._signals.received is None and self.nearest_limit()[0] < 1:
                    metrics = self._update()
                    if on_update is not None:
                        on_update(metrics)
                    started = time.perf_counter()
                    self._milestones.take(self.agent)
                    if self.agent.progress.updates % self.config.checkpoint_every == 0:
                        self._save()
                    self._seconds += time.perf_counter() - started  # counted in the next row
            except StopRequested:
                pass
            finally:
                self._save()
                self._write_options()
        return self._signals.received

    def _write_options(self) -> None:
        """Write the options that reproduce this run, with its number of updates."""
        updates = self.agent.progress.updates
        toml = self.config.exactly(updates).to_toml() if updates else self.config.to_toml()
        if any("hyperparams" in entry for entry in self.run_folder.config().get("history", [])):
            toml = f"{_HYPERPARAMETERS_CHANGED}\n{toml}"
        self.run_folder.write_options(toml)

    def nearest_limit(self) -> tuple[float, str]:
        """Return the fraction done of the limit closest to being reached, and its name."""
        return self.config.nearest_limit(self.agent.progress, self._seconds, self._best)

    def _save(self) -> None:
        """Write a checkpoint; the games first, because a checkpoint without them is useless."""
        if self._batches.games is not None:
            path = self.run_folder.games_path(self.agent.progress.updates)
            save_snapshots(path, self._batches.games)
        self.run_folder.save_checkpoint(self.agent)
        if self._tensorboard is not None:
            self._tensorboard.flush()

    def _update(self) -> dict[str, float]:
        """Collect a batch, learn from it, evaluate if that is due, and log the metrics."""
        started = time.perf_counter()
        with self._signals.droppable():
            batch = self._batches.collect(self.agent, self.agent.seed)
        learned = self.agent.learn_from_batch(batch)
        self._batches.advance()  # not before: agent and games must stop at the same update
        seconds = time.perf_counter() - started
        self._seconds += seconds
        metrics = update_row(
            self.agent.progress,
            learned,
            n_steps=batch.n_steps,
            seconds=seconds,
            elapsed=self._seconds,
        )
        if self._evaluation_is_due(batch.n_steps):
            metrics |= self._evaluate()
        self.run_folder.append_metrics(metrics)
        if self._tensorboard is not None:
            self._tensorboard.write(metrics)
        return metrics

    def _evaluation_is_due(self, new_steps: int) -> bool:
        """Return whether the last update passed a multiple of `eval_every` agent steps."""
        every, least, progress = self.config.eval_every, self.config.eval_from, self.agent.progress
        if not every or (least is not None and not progress.mean_return >= least):
            return False
        return progress.agent_steps // every > (progress.agent_steps - new_steps) // every

    def _evaluate(self) -> dict[str, float]:
        """Play greedy episodes with the averaged weights and fixed seeds; save the best agent."""
        seeds = episode_seeds(self.config.eval_episodes, seed=0)
        try:
            with self._signals.droppable():
                parameters = self.agent.averaged().parameters
                trajectories = self._collector.evaluate(parameters, seeds)
        except StopRequested:
            return {}  # the update itself is kept
        mean = float(np.mean([trajectory.episode_return for trajectory in trajectories]))
        if mean > self._best:
            self._best = mean
            self.run_folder.save_best(self.agent)
        return {
            "eval/mean_reward": mean,
            "eval/mean_ep_length": float(np.mean([len(t) for t in trajectories])),
        }
