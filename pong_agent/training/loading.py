"""A run as it is read back from its folder."""

from dataclasses import dataclass, replace
from pathlib import Path

from pong_agent.agent import PongAgent
from pong_agent.errors import ConfigError
from pong_agent.learning.algorithm import algorithm_of
from pong_agent.training.config import TrainConfig
from pong_agent.training.games import GameSnapshot, load_snapshots
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.weights_file.archive import CheckpointError


@dataclass(frozen=True)
class Run:
    """A training run after one of its updates.

    Attributes:
        folder: its files.
        config: its options.
        agent: the agent that learns.
        games: the games that the next update continues; None before the first update.
        metrics: rows of `metrics.csv` up to this update, values as text.
        skipped: why newer checkpoints were not used.
    """

    folder: RunFolder
    config: TrainConfig
    agent: PongAgent
    games: list[GameSnapshot] | None = None
    metrics: tuple[dict[str, str], ...] = ()
    skipped: tuple[str, ...] = ()


def load_run(path: str | Path) -> Run:
    """Read a run at its newest checkpoint whose weights and games can both be read.

    Raises:
        RunError: the folder holds no run or no checkpoint, or its files cannot be read.
        CheckpointError: no checkpoint can be read; with the reason of each.
    """
    config = read_train_config(path)
    folder = RunFolder.open(path)
    skipped: list[str] = []
    for checkpoint in reversed(folder.checkpoints()):
        try:
            agent = PongAgent.load(checkpoint)
            updates, games = agent.progress.updates, None
            if updates:
                games = load_snapshots(
                    folder.games_path(updates), algorithm_of(agent.config).n_games
                )
        except CheckpointError as error:
            skipped.append(str(error))
            continue
        rows = folder.read_metrics()
        until = tuple(row for row in rows if int(row["time/iterations"]) <= updates)
        return Run(folder, config, agent, games, until, tuple(skipped))
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
