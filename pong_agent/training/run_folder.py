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
    """Turn an error of the system or of a file's contents into a RunError.

    Raises:
        RunError: with the failure and the error.
    """
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
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.snapshots = self.path / "snapshots"
        self.tensorboard = self.path / "tensorboard"
        self._metrics = self.path / "metrics.csv"
        self._checkpoints = self.path / "checkpoints"

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any]) -> "RunFolder":
        """Make a new run folder.

        Raises:
            RunError: the folder holds a run already or cannot be written.
        """
        folder = cls(path)
        if (folder.path / "config.json").exists():
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
        if not (folder.path / "config.json").is_file():
            raise RunError(f"{path}: expected the folder of a run, found no config.json there")
        return folder

    def config(self) -> dict[str, Any]:
        """Return the configuration that `create` was given, with all changes since.

        Raises:
            RunError: the file is damaged.
        """
        with reported(f"{self.path}: its config.json cannot be read"):
            config = json.loads((self.path / "config.json").read_text())
        if not isinstance(config, dict):
            raise RunError(f"{self.path}: its config.json is not an object")
        return config

    def _write_config(self, config: Mapping[str, Any]) -> None:
        with replacing(self.path / "config.json") as temporary:
            temporary.write_text(json.dumps(config, indent=2) + "\n")

    def update_config(self, **changes: Any) -> None:
        """Replace entries of the configuration.

        Raises:
            RunError: the configuration cannot be read or written.
        """
        config = self.config() | changes
        with reported(f"{self.path}: its config.json cannot be written"):
            self._write_config(config)

    def write_options(self, toml: str) -> None:
        """Write `config.toml`.

        Raises:
            RunError: it cannot be written.
        """
        path = self.path / "config.toml"
        with reported(f"{path}: cannot be written"), replacing(path) as temporary:
            temporary.write_text(toml)

    def append_metrics(self, metrics: Mapping[str, float]) -> None:
        """Add one row to `metrics.csv`, whole or not at all; missing metrics stay empty.

        Raises:
            RunError: the row cannot be written.
        """
        with reported(f"{self._metrics}: cannot be written"):
            append_row(self._metrics, metrics)

    def read_metrics(self) -> list[dict[str, str]]:
        """Return the whole rows of `metrics.csv`, values as text.

        Raises:
            RunError: the file cannot be read.
        """
        with reported(f"{self._metrics}: cannot be read"):
            return read_rows(self._metrics)

    def drop_metrics_after(self, update: int) -> None:
        """Remove the rows of later updates.

        Raises:
            RunError: the file cannot be read or written.
        """
        rows = [row for row in self.read_metrics() if int(row["time/iterations"]) <= update]
        with reported(f"{self._metrics}: cannot be written"):
            write_rows(self._metrics, rows)

    def games_path(self, updates: int) -> Path:
        """Return the file of the emulator snapshots after an update."""
        return self._checkpoints / f"update-{updates:06d}-games.npz"

    def save_checkpoint(self, agent: PongAgent) -> Path:
        """Write the agent as this update's checkpoint, and remove all but the newest three."""
        path = self._checkpoints / f"update-{agent.progress.updates:06d}.npz"
        agent.save(path)
        for old in self.checkpoints()[:-_KEPT_CHECKPOINTS]:
            old.with_name(f"{old.stem}-games.npz").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
        return path

    def save_best(self, agent: PongAgent) -> Path:
        """Write the agent as the best one so far."""
        path = self._checkpoints / "best.npz"
        agent.save(path)
        return path

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints by increasing update, without `best.npz`."""
        numbered = {
            int(match[1]): path
            for path in self._checkpoints.glob("*.npz")
            if (match := _CHECKPOINT_NAME.fullmatch(path.name))
        }
        return [numbered[update] for update in sorted(numbered)]

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
        path = self._checkpoints / "best.npz"
        if not path.is_file():
            raise RunError(f"{self.path}: holds no best checkpoint; train with --eval-every")
        return PongAgent.load(path)

    def origin(self, updates: int) -> dict[str, Any]:
        """Return the part of a model card that says where the weights after an update come from.

        Raises:
            RunError: the run's configuration cannot be read.
        """
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


def load_agent(path: str | Path) -> PongAgent:
    """Load an agent with averaged weights, from a weights file or a run's newest checkpoint.

    Raises:
        RunError: the folder holds no run or no checkpoint.
        CheckpointError: the file is missing or cannot be read.
    """
    if Path(path).is_dir():
        return RunFolder.open(path).load_latest().averaged()
    return PongAgent.load(path).averaged()
