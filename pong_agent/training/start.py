"""Start a run in a new folder, or resume one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.config import resolve_preset, with_hyperparams
from pong_agent.envs.make import make_env
from pong_agent.envs.spec import training_spec, without_import
from pong_agent.errors import ConfigError, require
from pong_agent.evaluation.model_card import current_commit, package_versions
from pong_agent.learning.algorithm import algorithm_of
from pong_agent.seeding import as_seed
from pong_agent.training.collector import RolloutWorker
from pong_agent.training.config import TrainConfig
from pong_agent.training.games import load_snapshots
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.training.signals import uninterrupted
from pong_agent.training.trainer import Run, Trainer
from pong_agent.weights_file.archive import CheckpointError
from pong_agent.weights_file.metadata import config_to_dict
from pong_agent.whole_file import absolute_path

_VERSIONED = ("pong-agent", "gymnasium", "ale-py", "numpy", "scipy", "ray")


def start_run(
    config: TrainConfig,
    run_folder: str | Path | None = None,
    command: str | None = None,
    *,
    worker_class: type[RolloutWorker] = RolloutWorker,
) -> Trainer:
    """Start a run in a new folder.

    Args:
        config: options of the run.
        run_folder: the folder, without files of a run; None for runs/PRESET-seedN-DATE-TIME here.
        command: the command line, kept in the run's history.
        worker_class: plays; a measurement or a test may pass a subclass.

    Raises:
        NotPongError: the environment is not Pong.
        MissingPackageError: an optional package is not installed.
        RunError: the folder holds files of a run, another process trains there, or it cannot be
            written.
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
    hyperparameters = with_hyperparams(resolve_preset(config.preset), config.hyperparams)
    if config.env_id is not None:
        hyperparameters = replace(hyperparameters, env_id=config.env_id)
    # An environment that is not Pong fails here, before anything is written.
    make_env(training_spec(hyperparameters)).close()
    if config.tensorboard:
        require("tensorboardX", "tensorboard")
    agent = PongAgent(hyperparameters, as_seed(config.seed))
    folder = RunFolder.create(
        new_folder(config) if run_folder is None else run_folder,
        {
            "train": asdict(config),
            "hyperparameters": config_to_dict(hyperparameters),
            "versions": package_versions(_VERSIONED),
            "history": [_history_entry(0, command)],
        },
    )
    with _released_on_failure(folder, discard=True):
        folder.write_options(config.to_toml())
        folder.save_checkpoint(agent)  # so that the run can be resumed before its first update
        return Trainer(Run(folder, config, agent), worker_class=worker_class)


def new_folder(config: TrainConfig) -> Path:
    """Make a folder that no other run has, even of those that start at the same moment."""
    while True:
        time = f"{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3]  # the user's own clock
        path = absolute_path(Path("runs", f"{config.preset}-seed{config.seed}-{time}"))
        try:
            path.mkdir(parents=True)
            return path
        except OSError as error:
            if not path.is_dir():  # another run's
                raise RunError(f"{path}: a run folder cannot be written there: {error}") from error


@contextmanager
def _released_on_failure(folder: RunFolder, *, discard: bool = False) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with uninterrupted():
            if discard:  # a second attempt may have the same name
                folder.discard()
            folder.release()
        raise


def _history_entry(updates: int, command: str | None) -> dict[str, Any]:
    return {"updates": updates, "command": command, "commit": current_commit()}


def resume_run(
    run_folder: str | Path, config: TrainConfig | None = None, command: str | None = None
) -> Trainer:
    """Continue a run from its newest readable checkpoint, as if it had never stopped.

    Args:
        run_folder: the folder of the run.
        config: options from now on, by default those of the run; preset, environment and seed
            must be the run's. Hyperparameters that are named here replace the agent's.
        command: the command line, kept in the run's history.

    Raises:
        RunError: the folder holds no run, its configuration cannot be read, another process
            trains there, or it holds weights of another run.
        ConfigError: preset, environment, seed, network or number of games differ from the run's.
        MissingPackageError: an optional package is not installed.
        CheckpointError: no checkpoint can be read.
        CollectorError: Ray cannot be started or reached.
    """
    folder = RunFolder.open(run_folder)
    folder.lock()
    with _released_on_failure(folder):
        run = load_run(folder)
        folder.check_own()
        return _resumed(run, config, command)


def _resumed(run: Run, config: TrainConfig | None, command: str | None) -> Trainer:
    saved, agent, folder = run.config, run.agent, run.folder
    without_import(agent.config.env_id)
    config = config or saved
    for name in ("preset", "env_id", "seed"):
        expected, found = getattr(saved, name), getattr(config, name)
        if found != expected:
            raise ConfigError(f"{name}: expected {expected!r} as in the run, found {found!r}")
    if config.tensorboard or folder.tensorboard.is_dir():
        require("tensorboardX", "tensorboard")
    kept, entry = folder.config(), _history_entry(agent.progress.updates, command)
    changes: dict[str, Any] = {"history": [*kept.get("history", []), entry]}
    if config.hyperparams != saved.hyperparams:
        entry["hyperparams"] = list(config.hyperparams)
        agent.reconfigure(with_hyperparams(agent.config, config.hyperparams))
        expected, found = len(run.games or ()), algorithm_of(agent.config).n_games
        if run.games is not None and found != expected:
            raise ConfigError(f"expected {expected} games as in the run, found {found}")
        train = {**kept["train"], "hyperparams": list(config.hyperparams)}
        changes |= {"train": train, "hyperparameters": config_to_dict(agent.config)}
    folder.drop_metrics_after(agent.progress.updates)
    folder.update_config(**changes)
    return Trainer(replace(run, config=config))


def load_run(path: str | Path | RunFolder) -> Run:
    """Read a run at its newest checkpoint whose weights and games can both be read.

    Raises:
        RunError: the folder holds no run or no checkpoint, or its files cannot be read.
        CheckpointError: no checkpoint can be read; with the reason of each.
    """
    folder = path if isinstance(path, RunFolder) else RunFolder.open(path)
    path = folder.path
    config = read_train_config(path)
    skipped: list[str] = []
    for checkpoint in reversed(folder.checkpoints()):
        try:
            agent = PongAgent.load(checkpoint)
            updates, games = agent.progress.updates, None
            if updates:
                n_games = algorithm_of(agent.config).n_games
                games = load_snapshots(folder.games_path(updates), n_games)
        except CheckpointError as error:
            skipped.append(str(error))
            continue
        metrics = tuple(folder.read_metrics(until=updates))
        return Run(folder, config, agent, games, metrics, tuple(skipped))
    if not skipped:
        raise RunError(f"{path}: holds no checkpoint")
    raise CheckpointError(f"{path}: no checkpoint is whole: {'; '.join(skipped)}")


def read_train_config(path: str | Path) -> TrainConfig:
    """Read the options of the run in a folder.

    A run is resumed with TensorBoard if it has that folder, so `tensorboard` is always False.

    Raises:
        RunError: the folder holds no run, or its configuration cannot be read.
    """
    try:
        values = RunFolder.open(path).config()["train"]
        saved = TrainConfig.from_dict(values, f"{path}: its config.json")
    except (AttributeError, KeyError, TypeError, ConfigError) as error:
        raise RunError(f"{path}: its config.json is not a run's: {error}") from error
    return replace(saved, tensorboard=False)
