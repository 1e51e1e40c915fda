"""A run on the disk: configuration, metrics and checkpoints in one folder.

RUN/config.json                      options, hyperparameters, versions and history
RUN/config.toml                      options that reproduce the run: train --config
RUN/metrics.csv                      a row per update
RUN/checkpoints/update-000010.npz    the newest three
RUN/checkpoints/best.npz             the agent of the best evaluation
RUN/snapshots/steps-000026624.npz    small weights files along the run, see `milestones`
RUN/tensorboard/                     event files, with --tensorboard
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.errors import PongError
from pong_agent.training.metrics import append_row, read_rows, write_rows
from pong_agent.whole_file import replacing

_KEPT_CHECKPOINTS = 3
_CHECKPOINT_NAME = re.compile(r"update-(\d+)\.npz")


class RunError(PongError, RuntimeError):
    """A run folder cannot be made or used; the message names it and the reason."""


@contextmanager
def reported(failure: str) -> Iterator[None]:
    """Turn an error of the system or of a file's contents into a RunError about this failure."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise RunError(f"{failure}: {error}") from error


class RunFolder:
    """The files of one training run.

    Args:
        path: the folder; `create` and `open` also check it.

    Attributes:
        path: the folder.
        snapshots: folder of the small weights files along the run.
        tensorboard: folder of the event files; missing unless the run has them.

    Raises:
        RunError: in every method, if a file other than a checkpoint cannot be read or written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.snapshots = self.path / "snapshots"
        self.tensorboard = self.path / "tensorboard"
        self._config = self.path / "config.json"
        self._metrics = self.path / "metrics.csv"
        self._checkpoints = self.path / "checkpoints"
        self._best = self._checkpoints / "best.npz"

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any]) -> "RunFolder":
        """Make a new run folder.

        Raises:
            RunError: the folder holds a run already or cannot be written.
        """
        folder = cls(path)
        if folder._config.exists():
            raise RunError(f"{path}: holds a run already; resume it, or choose another folder")
        with reported(f"{path}: a run folder cannot be written there"):
            folder._checkpoints.mkdir(parents=True, exist_ok=True)
            write_rows(folder._metrics, [])
            folder._write_config(config)
        return folder

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Open an existing run folder.

        Raises:
            RunError: the folder holds no run.
        """
        folder = cls(path)
        if not folder._config.is_file():
            raise RunError(f"{path}: expected the folder of a run, found no config.json there")
        return folder

    def config(self) -> dict[str, Any]:
        """Return the configuration that `create` was given, with all changes since."""
        with reported(f"{self.path}: its config.json cannot be read"):
            config = json.loads(self._config.read_text())
        if not isinstance(config, dict):
            raise RunError(f"{self.path}: its config.json is not an object")
        return config

    def _write_config(self, config: Mapping[str, Any]) -> None:
        with replacing(self._config) as temporary:
            temporary.write_text(json.dumps(config, indent=2) + "\n")

    def update_config(self, **changes: Any) -> None:
        """Replace entries of the configuration."""
        config = self.config() | changes
        with reported(f"{self.path}: its config.json cannot be written"):
            self._write_config(config)

    def write_options(self, toml: str) -> None:
        """Write `config.toml`."""
        path = self.path / "config.toml"
        with reported(f"{path}: cannot be written"), replacing(path) as temporary:
            temporary.write_text(toml)

    def append_metrics(self, metrics: Mapping[str, float]) -> None:
        """Add one row to `metrics.csv`, whole or not at all; missing metrics stay empty."""
        with reported(f"{self._metrics}: cannot be written"):
            append_row(self._metrics, metrics)

    def read_metrics(self, until: float = inf) -> list[dict[str, str]]:
        """Return the whole rows of `metrics.csv` up to an update, values as text."""
        with reported(f"{self._metrics}: cannot be read"):
            rows = read_rows(self._metrics)
            return [row for row in rows if int(row["time/iterations"]) <= until]

    def drop_metrics_after(self, update: int) -> None:
        """Remove the rows of later updates."""
        rows = self.read_metrics(until=update)
        with reported(f"{self._metrics}: cannot be written"):
            write_rows(self._metrics, rows)

    def games_path(self, updates: int) -> Path:
        """Return the file of the emulator snapshots after an update."""
        return self._checkpoints / f"update-{updates:06d}-games.npz"

    def save_checkpoint(self, agent: PongAgent) -> None:
        """Write the agent as this update's checkpoint, and remove all but the newest three."""
        agent.save(self._checkpoints / f"update-{agent.progress.updates:06d}.npz")
        for old in self.checkpoints()[:-_KEPT_CHECKPOINTS]:
            old.with_name(f"{old.stem}-games.npz").unlink(missing_ok=True)
            old.unlink(missing_ok=True)

    def save_best(self, agent: PongAgent) -> None:
        """Write the agent as the best one so far."""
        agent.save(self._best)

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints by increasing update, without `best.npz`."""
        paths = numbered_files(self._checkpoints, _CHECKPOINT_NAME)
        return [paths[update] for update in sorted(paths)]

    def load_latest(self) -> PongAgent:
        """Load the newest checkpoint.

        Raises:
            RunError: there is no checkpoint.
            CheckpointError: the newest one cannot be read.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            raise RunError(f"{self.path}: holds no checkpoint")
        return PongAgent.load(checkpoints[-1])

    def load_best(self) -> PongAgent:
        """Load the agent of the best evaluation.

        Raises:
            RunError: there was no evaluation.
            CheckpointError: the file cannot be read.
        """
        if not self._best.is_file():
            raise RunError(f"{self.path}: holds no best checkpoint; train with --eval-every")
        return PongAgent.load(self._best)

    def origin(self, updates: int) -> dict[str, Any]:
        """Return the part of a model card that says where the weights after an update come from."""
        config = self.config()
        rows = [row for row in self.read_metrics() if int(row["time/iterations"]) == updates]
        return {
            "history": [one for one in config.get("history", []) if one["updates"] < updates],
            "versions": config.get("versions"),
            "updates": updates,
            "agent_steps": int(rows[-1]["time/total_timesteps"]) if rows else 0,
            "episodes": int(rows[-1]["rollout/episodes"]) if rows else 0,
            "seconds": float(rows[-1]["time/time_elapsed"]) if rows else 0.0,
        }


def numbered_files(folder: Path, name: re.Pattern[str]) -> dict[int, Path]:
    """Return the files in a folder, which may be missing, by the number in their name."""
    matches = {path: name.fullmatch(path.name) for path in folder.glob("*.npz")}
    return {int(match[1]): path for path, match in matches.items() if match}


def load_agent(path: str | Path) -> PongAgent:
    """Load an agent with averaged weights, from a weights file or a run's newest checkpoint.

    Raises:
        RunError: the folder holds no run or no checkpoint.
        CheckpointError: the file is missing or cannot be read.
    """
    if Path(path).is_dir():
        return RunFolder.open(path).load_latest().averaged()
    return PongAgent.load(path).averaged()
