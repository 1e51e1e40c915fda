"""A run on the disk: configuration, metrics and checkpoints in one folder.

RUN/config.json                      what was asked for, and with which versions
RUN/config.toml                      options that give the same run again: train --config
RUN/metrics.csv                      a row per update
RUN/checkpoints/update-000010.npz    the newest three
RUN/checkpoints/best.npz             the best evaluation so far
RUN/snapshots/steps-000026624.npz    small ones to film the learning from, see `snapshots`
RUN/tensorboard/                     event files, where they were asked for
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.checkpoint import CheckpointError
from pong_agent.errors import PongError
from pong_agent.training.metrics import (
    TensorBoard,
    append_row,
    drop_rows_after,
    read_rows,
    write_header,
)
from pong_agent.whole_file import replacing

_KEPT_CHECKPOINTS = 3
_CHECKPOINT_NAME = re.compile(r"update-(\d+)\.npz")


class RunError(PongError, RuntimeError):
    """A run folder cannot be made or used; the message names it and says why."""


class RunFolder:
    """The files of one training run.

    Args:
        path: the folder; see `create` and `open` for one that is surely fit for use.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._metrics = self.path / "metrics.csv"
        self._checkpoints = self.path / "checkpoints"
        self._tensorboard: TensorBoard | None = None

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any]) -> "RunFolder":
        """Make a new run folder.

        Raises:
            RunError: there is a run already, or the folder cannot be written.
        """
        folder = cls(path)
        if (folder.path / "config.json").exists():
            raise RunError(f"{path}: holds a run already; resume it, or choose another folder")
        try:
            folder._checkpoints.mkdir(parents=True, exist_ok=True)
            write_header(folder._metrics)
            folder._write_config(config)
        except OSError as error:
            raise RunError(f"{path}: a run folder cannot be written there: {error}") from error
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
        """Return what `create` was given.

        Raises:
            RunError: the file is damaged.
        """
        try:
            config = json.loads((self.path / "config.json").read_text())
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path}: its config.json cannot be read: {error}") from error
        if not isinstance(config, dict):
            raise RunError(f"{self.path}: its config.json is not an object")
        return config

    def _write_config(self, config: Mapping[str, Any]) -> None:
        with replacing(self.path / "config.json") as temporary:
            temporary.write_text(json.dumps(config, indent=2) + "\n")

    def set_hyperparams(self, given: Sequence[str], values: Mapping[str, Any]) -> None:
        """Replace the hyperparameters in the configuration: those given, and all values.

        Raises:
            RunError: the configuration cannot be read or written.
        """
        config = self.config()
        self._rewrite_config(
            {
                **config,
                "train": {**config["train"], "hyperparams": list(given)},
                "hyperparameters": dict(values),
            }
        )

    def add_history(self, entry: Mapping[str, Any]) -> None:
        """Add to the configuration how the run was gone on with.

        Raises:
            RunError: the configuration cannot be read or written.
        """
        config = self.config()
        self._rewrite_config({**config, "history": [*config.get("history", []), dict(entry)]})

    def _rewrite_config(self, config: Mapping[str, Any]) -> None:
        try:
            self._write_config(config)
        except OSError as error:
            raise RunError(f"{self.path}: its config.json cannot be written: {error}") from error

    def write_options(self, toml: str) -> None:
        """Write `config.toml`.

        Raises:
            RunError: it cannot be written.
        """
        path = self.path / "config.toml"
        try:
            with replacing(path) as temporary:
                temporary.write_text(toml)
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error}") from error

    def games_path(self, updates: int) -> Path:
        """Return where the games after an update are kept, see `batches.GameBatches.save`."""
        return self._checkpoints / f"update-{updates:06d}-games.npz"

    def append_metrics(self, metrics: Mapping[str, float]) -> None:
        """Add one row to `metrics.csv`, whole or not at all; names that are missing stay empty.

        It goes to TensorBoard too, where `open_tensorboard` was called.

        Raises:
            RunError: the row cannot be written.
        """
        try:
            append_row(self._metrics, metrics)
        except OSError as error:
            raise RunError(f"{self._metrics}: cannot be written: {error}") from error
        if self._tensorboard is not None:
            with self._events():
                self._tensorboard.write(metrics)

    def read_metrics(self) -> list[dict[str, str]]:
        """Return the rows of `metrics.csv`, values as text, but for one that was cut off.

        Raises:
            RunError: the file cannot be read.
        """
        try:
            return read_rows(self._metrics)
        except (OSError, ValueError) as error:
            raise RunError(f"{self._metrics}: cannot be read: {error}") from error

    def drop_metrics_after(self, update: int) -> None:
        """Remove the rows of updates that came after `update`.

        Raises:
            RunError: the file cannot be read or written.
        """
        try:
            drop_rows_after(self._metrics, update)
        except (OSError, ValueError) as error:
            raise RunError(f"{self._metrics}: cannot be rewritten: {error}") from error

    def has_tensorboard(self) -> bool:
        """Return whether metrics were told to TensorBoard before."""
        return (self.path / "tensorboard").is_dir()

    def open_tensorboard(self, hyperparameters: Mapping[str, Any]) -> None:
        """Begin an event file in the folder `tensorboard`, see `metrics.TensorBoard`.

        Raises:
            ConfigError: tensorboardX is not installed.
            RunError: it cannot be written, or `metrics.csv` cannot be read.
        """
        rows = self.read_metrics()
        with self._events():
            self._tensorboard = TensorBoard(self.path / "tensorboard", rows, hyperparameters)

    def flush_tensorboard(self) -> None:
        """Have the events so far on the disk; without TensorBoard do nothing.

        Raises:
            RunError: they cannot be written.
        """
        if self._tensorboard is not None:
            with self._events():
                self._tensorboard.flush()

    def close(self) -> None:
        """End the event file, if there is one.

        Raises:
            RunError: it cannot be written.
        """
        tensorboard, self._tensorboard = self._tensorboard, None
        if tensorboard is not None:
            with self._events():
                tensorboard.close()

    @contextmanager
    def _events(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(f"{self.path / 'tensorboard'}: cannot be written: {error}") from error

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
        """Return the checkpoints by increasing update; `best.npz` is not among them."""
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

    def load_newest_whole(
        self, check: Callable[[PongAgent, Path], None]
    ) -> tuple[PongAgent, list[str]]:
        """Load the newest checkpoint that can be gone on from.

        Args:
            check: raises CheckpointError where an agent's games, in the file given, cannot be
                played on.

        Returns:
            The agent, and for each newer checkpoint why it was skipped.

        Raises:
            RunError: there is no checkpoint.
            CheckpointError: none of them is whole; with the reason of each.
        """
        skipped: list[str] = []
        for path in reversed(self.checkpoints()):
            try:
                agent = PongAgent.load(path)
                check(agent, self.games_path(agent.progress.updates))
            except CheckpointError as error:
                skipped.append(str(error))
            else:
                return agent, skipped
        if not skipped:
            raise RunError(f"{self.path}: holds no checkpoint")
        raise CheckpointError(f"{self.path}: no checkpoint is whole: {'; '.join(skipped)}")

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
        """Return what the run's weights after so many updates come from, as a model card tells it.

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
    """Load an agent to play with, from a weights file or a run folder's newest checkpoint.

    It acts with the averaged weights.

    Raises:
        RunError: the folder holds no run or no checkpoint.
        CheckpointError: the file is missing or cannot be read.
    """
    if Path(path).is_dir():
        return RunFolder.open(path).load_latest().averaged()
    return PongAgent.load(path).averaged()
