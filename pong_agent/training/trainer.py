"""The training loop: collect -> learn -> log -> checkpoint -> evaluate."""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.config import AgentConfig, environment_kwargs, resolve_preset
from pong_agent.envs.make import make_env
from pong_agent.errors import ConfigError
from pong_agent.evaluation.evaluate import episode_seeds
from pong_agent.evaluation.model_card import current_commit, package_versions
from pong_agent.hyperparams import config_to_dict, with_hyperparams
from pong_agent.training.batches import GameBatches, load_games
from pong_agent.training.collector import Collector, RolloutWorker, SerialCollector
from pong_agent.training.config import TrainConfig
from pong_agent.training.metrics import check_tensorboard, update_row
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.signals import StopRequested, StopSignals
from pong_agent.training.snapshots import Snapshots, snapshots_folder

_NOT_WHOLE = (
    "# The run was gone on with other hyperparameters; what it began with, and when they changed, "
    "stands in config.json."
)
_RENAMED = {"unit_timeout": "work_timeout"}  # fields of older runs
_VERSIONED = ("pong-agent", "gymnasium", "ale-py", "numpy", "scipy", "ray")


class Trainer:
    """Trains an agent and keeps the run in a folder.

    Each seed comes from (root seed, number of the update, index in the batch), and the batch is
    learned from in that order: the same seed gives the same weights, bit for bit,
    whatever the number of workers, and whether or not the run was stopped and resumed.

    Args:
        agent: who learns.
        config: what the run is asked to do.
        run_folder: where it is kept.
        worker_class: plays; a measurement or a test may pass a subclass.

    Attributes:
        agent: who learns.
        config: what the run is asked to do.
        run_folder: where it is kept.
        skipped: why newer checkpoints than the one that the run goes on from were not taken.

    Raises:
        NotPongError: the environment is not Pong.
        CollectorError: Ray cannot be started or reached.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     config = TrainConfig("reinforce", updates=1, workers=0)
        ...     with start_run(config, Path(folder, "run")) as trainer:
        ...         _ = trainer.train()
        ...     trainer.agent.progress.episodes
        4
    """

    def __init__(
        self,
        agent: PongAgent,
        config: TrainConfig,
        run_folder: RunFolder,
        *,
        worker_class: type[RolloutWorker] = RolloutWorker,
    ) -> None:
        self.agent = agent
        self.config = config
        self.run_folder = run_folder
        self.skipped: list[str] = []
        self._signals = StopSignals()
        rows = run_folder.read_metrics()
        self._seconds = float(rows[-1]["time/time_elapsed"]) if rows else 0.0
        evaluations = [float(row["eval/mean_reward"]) for row in rows if row["eval/mean_reward"]]
        self._best = max(evaluations, default=float("-inf"))
        if config.tensorboard or run_folder.has_tensorboard():
            run_folder.open_tensorboard(config_to_dict(agent.config))
        self._collector = _make_collector(agent, config, worker_class)
        self._source = GameBatches(self._collector, agent.config)
        self._snapshots = Snapshots(snapshots_folder(run_folder), agent.progress.agent_steps)
        if rows:
            self._source.load(run_folder.games_path(agent.progress.updates))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers, and Ray where this trainer started it; end the files of the run."""
        self._collector.close()
        self.run_folder.close()

    def train(
        self, on_update: Callable[[Mapping[str, float]], None] | None = None
    ) -> signal.Signals | None:
        """Make updates until a limit of the configuration, or until SIGINT or SIGTERM.

        An update that a signal interrupts is dropped; its episodes are played again, identically,
        when the run is resumed. However training ends, the last update is saved.

        Args:
            on_update: called after each update with its row of `metrics.csv`.

        Returns:
            The signal that ended the run early, None where it reached its end.

        Raises:
            CollectorError: episodes could not be collected.
            CheckpointError: a checkpoint or snapshot could not be written.
            RunError: metrics could not be written.
        """
        with self._signals.handled():
            try:
                self._snapshots.take(self.agent)
                while self._signals.received is None and self.fraction_done() < 1:
                    metrics = self._update()
                    if on_update is not None:
                        on_update(metrics)
                    started = time.perf_counter()
                    self._snapshots.take(self.agent)
                    if self.agent.progress.updates % self.config.checkpoint_every == 0:
                        self._save()
                    self._seconds += time.perf_counter() - started  # the next row tells
            except StopRequested:
                pass
            finally:
                self._save()
                self._write_options()
        return self._signals.received

    def _write_options(self) -> None:
        """Leave the options that give this run again, with the updates that it came to."""
        updates = self.agent.progress.updates
        toml = self.config.exactly(updates).to_toml() if updates else self.config.to_toml()
        if any("hyperparams" in entry for entry in self.run_folder.config().get("history", [])):
            toml = f"{_NOT_WHOLE}\n{toml}"
        self.run_folder.write_options(toml)

    def fraction_done(self) -> float:
        """Return how near the nearest limit of the configuration is, 0 to 1."""
        return self.nearest_limit()[0]

    def nearest_limit(self) -> tuple[float, str]:
        """Return how near the nearest limit is, and its name; see `TrainConfig.nearest_limit`."""
        return self.config.nearest_limit(self.agent.progress, self._seconds, self._best)

    def _save(self) -> None:
        """Write a checkpoint, and before it what the next batch depends on."""
        self._source.save(self.run_folder.games_path(self.agent.progress.updates))
        self.run_folder.save_checkpoint(self.agent)
        self.run_folder.flush_tensorboard()

    def _update(self) -> dict[str, float]:
        """Collect a batch, learn from it, and log what came of it."""
        started = time.perf_counter()
        with self._signals.droppable():
            batch = self._source.collect(self.agent, self.config.seed)
        learned = self.agent.learn_from_batch(batch)
        self._source.advance()  # not before: agent and games must stop at the same update
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
        return metrics

    def _evaluation_is_due(self, new_steps: int) -> bool:
        """Return whether the last update passed a multiple of `eval_every` agent steps."""
        every, least, progress = self.config.eval_every, self.config.eval_from, self.agent.progress
        if not every or (least is not None and not progress.mean_return >= least):
            return False
        return progress.agent_steps // every > (progress.agent_steps - new_steps) // every

    def _evaluate(self) -> dict[str, float]:
        """Play greedy episodes with the averaged weights, always the same seeds; keep the best."""
        seeds = episode_seeds(self.config.eval_episodes, seed=0)
        try:
            with self._signals.droppable():
                trajectories = self._collector.evaluate(self.agent.averaged().parameters, seeds)
        except StopRequested:
            return {}  # the update itself stands
        mean = float(np.mean([trajectory.episode_return for trajectory in trajectories]))
        if mean > self._best:
            self._best = mean
            self.run_folder.save_best(self.agent)
        return {
            "eval/mean_reward": mean,
            "eval/mean_ep_length": float(np.mean([len(t) for t in trajectories])),
        }


def start_run(
    config: TrainConfig,
    run_folder: str | Path,
    command: str | None = None,
    *,
    worker_class: type[RolloutWorker] = RolloutWorker,
) -> Trainer:
    """Begin a run in a new folder.

    Args:
        config: what to do.
        run_folder: the folder, which must not hold a run.
        command: the command line that asked for it, to be kept with the run.
        worker_class: plays; a measurement or a test may pass a subclass.

    Raises:
        NotPongError: the environment is not Pong.
        ConfigError: a library that the options need is not installed.
        RunError: the folder holds a run or cannot be written.
        CollectorError: Ray cannot be started or reached.
    """
    hyperparameters = with_hyperparams(resolve_preset(config.preset), config.hyperparams)
    if config.env_id is not None:
        hyperparameters = replace(hyperparameters, env_id=config.env_id)
    _try_environment(hyperparameters)
    if config.tensorboard:
        check_tensorboard()
    agent = PongAgent(hyperparameters, config.seed)
    folder = RunFolder.create(
        run_folder,
        {
            "train": asdict(config),
            "hyperparameters": config_to_dict(hyperparameters),
            "versions": package_versions(_VERSIONED),
            "history": [_entry(0, command)],
        },
    )
    folder.write_options(config.to_toml())
    folder.save_checkpoint(agent)  # the run can be resumed from its very beginning
    return Trainer(agent, config, folder, worker_class=worker_class)


def _try_environment(config: AgentConfig) -> None:
    """Let an environment that cannot be trained in fail here, in one clear error."""
    make_env(config.env_id, **environment_kwargs(config)).close()


def read_train_config(run_folder: str | Path) -> TrainConfig:
    """Return what the run in a folder was asked to do.

    Raises:
        RunError: the folder holds no run, or its configuration cannot be read.
    """
    try:
        values = RunFolder.open(run_folder).config()["train"]
        saved = TrainConfig(**{_RENAMED.get(name, name): value for name, value in values.items()})
        # JSON knows lists only; a run goes on with TensorBoard because it has the folder.
        return replace(saved, hyperparams=tuple(saved.hyperparams), tensorboard=False)
    except (KeyError, TypeError, ConfigError) as error:
        raise RunError(f"{run_folder}: its config.json is not a run's: {error}") from error


def _entry(updates: int, command: str | None) -> dict[str, Any]:
    """Return what a run's history keeps of how it was begun or gone on with."""
    return {"updates": updates, "command": command, "commit": current_commit()}


def resume_run(
    run_folder: str | Path, config: TrainConfig | None = None, command: str | None = None
) -> Trainer:
    """Go on with a run from its newest checkpoint that is whole, as if it had never stopped.

    Args:
        run_folder: the folder of the run.
        config: what to do from now on, by default what the run was asked to do; preset,
            environment and seed must be the run's. Hyperparameters that are not the run's replace
            its agent's, by name, from now on.
        command: the command line that asked for it, to be kept with the run.

    Raises:
        RunError: the folder holds no run, or its configuration cannot be read.
        ConfigError: preset, environment or seed differ from the run's, the agent cannot go on
            with the hyperparameters, or a library that the options need is not installed.
        CheckpointError: no checkpoint can be read.
        CollectorError: Ray cannot be started or reached.
    """
    saved = read_train_config(run_folder)
    config = config or saved
    for name in ("preset", "env_id", "seed"):
        expected, found = getattr(saved, name), getattr(config, name)
        if found != expected:
            raise ConfigError(f"{name}: expected {expected!r} as in the run, found {found!r}")
    folder = RunFolder.open(run_folder)
    if config.tensorboard or folder.has_tensorboard():
        check_tensorboard()
    agent, skipped = folder.load_newest_whole(_check_games)
    entry = _entry(agent.progress.updates, command)
    if config.hyperparams != saved.hyperparams:
        entry["hyperparams"] = list(config.hyperparams)
        agent.reconfigure(with_hyperparams(agent.config, config.hyperparams))
        folder.set_hyperparams(config.hyperparams, config_to_dict(agent.config))
    folder.drop_metrics_after(agent.progress.updates)
    folder.add_history(entry)
    trainer = Trainer(agent, config, folder)
    trainer.skipped = skipped
    return trainer


def _check_games(agent: PongAgent, path: Path) -> None:
    """Refuse a checkpoint whose games cannot be played on; before the first update it has none."""
    if agent.progress.updates:
        load_games(path, agent.config)


def _make_collector(
    agent: PongAgent, config: TrainConfig, worker_class: type[RolloutWorker]
) -> Collector:
    if config.workers == 0:
        return SerialCollector(agent.config, worker_class)
    from pong_agent.training.ray_collector import RayCollector

    return RayCollector(
        agent.config,
        config.workers,
        config.address,
        worker_class=worker_class,
        work_timeout=config.work_timeout,
    )
