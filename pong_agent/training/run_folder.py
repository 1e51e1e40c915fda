"""A run on the disk: configuration, metrics and checkpoints in one folder.

RUN/config.json                      options, hyperparameters, versions and history
RUN/config.toml                      options that reproduce the run: train --config
RUN/metrics.csv                      a row per update
RUN/checkpoints/update-000010.npz    the newest three
RUN/checkpoints/best.npz             the agent of the best evaluation
RUN/snapshots/steps-000026624.npz    small weights files along the run, see `milestones`
RUN/tensorboard/                     event files, with --tensorboard
RUN/lock                             locked while a process trains here, which it names
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.errors import PongError
from pong_agent.training.metrics import append_row, read_rows, write_rows
from pong_agent.training.run_lock import RunLock
from pong_agent.weights_file.archive import CheckpointError, load_metadata
from pong_agent.weights_file.metadata import migrated
from pong_agent.whole_file import absolute_path, read_text, write_text

_KEPT_CHECKPOINTS = 3
_FILES = ("config.json", "config.toml", "metrics.csv", "checkpoints", "snapshots", "tensorboard")
_CHECKPOINT_NAME = re.compile(r"update-(\d+)\.npz")


class RunError(PongError, RuntimeError):
    """A run folder cannot be made or used; the message names it and the reason."""


@contextmanager
def reported(failure: str) -> Iterator[None]:
    """Turn an error of the system or of a file's contents into a RunError about this failure."""
    try:
        yield
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{failure}: {error}") from error


class RunFolder:
    """The files of one training run.

    Args:
        path: the folder; `create` and `open` also check it.

    Attributes:
        path: the folder, absolute.
        snapshots: folder of the small weights files along the run.
        tensorboard: folder of the event files; missing unless the run has them.

    Raises:
        RunError: in every method, if a file other than a checkpoint cannot be read or written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = absolute_path(path, "run folder")
        self.snapshots = self.path / "snapshots"
        self.tensorboard = self.path / "tensorboard"
        self._config = self.path / "config.json"
        self._metrics = self.path / "metrics.csv"
        self._checkpoints = self.path / "checkpoints"
        self._best = self._checkpoints / "best.npz"
        self._lock: RunLock | None = None

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any]) -> "RunFolder":
        """Make a new run folder, and hold its lock.

        Raises:
            RunError: the folder holds a run, or files of one, or cannot be written; or another
                process starts a run there.
        """
        folder = cls(path)
        if folder.path.is_symlink() and not folder.path.exists():
            raise RunError(f"{path}: expected a folder, found a link to one that is missing")
        if folder.path.exists() and not folder.path.is_dir():
            raise RunError(f"{path}: expected a folder, found a file")
        with reported(f"{path}: a run folder cannot be written there"):
            folder.path.mkdir(parents=True, exist_ok=True)
            folder._check_new()
            folder.lock()
            try:
                folder._check_new()  # again: another process may have been faster
                folder._checkpoints.mkdir(exist_ok=True)
                write_rows(folder._metrics, [])
                folder._write_config(config)
            except RunError:
                folder.release()
                raise
            except BaseException:
                folder.discard()
                folder.release()
                raise
        return folder

    def _check_new(self) -> None:
        """Raise RunError if the folder holds a run, or what is left of one."""
        if self._config.exists():
            raise RunError(f"{self.path}: holds a run already; resume it, or choose another folder")
        if left := [name for name in _FILES if not self._is_blank(self.path / name)]:
            raise RunError(
                f"{self.path}: expected a folder without files of a run, found {', '.join(left)}; "
                "remove them, or choose another folder"
            )

    def _is_blank(self, path: Path) -> bool:
        """Return whether a path is missing, or as a start that was killed leaves it."""
        if path.is_dir():
            return not any(path.iterdir())
        return not os.path.lexists(path) or (path == self._metrics and not self.read_metrics())

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

    def lock(self) -> None:
        """Keep other processes from training in this folder until `release`.

        Raises:
            RunError: another one does, or the folder cannot be written.
        """
        with reported(f"{self.path}: cannot be written"):
            try:
                self._lock = RunLock(self.path)
            except BlockingIOError as error:
                raise RunError(
                    f"{self.path}: expected a folder that nobody trains in, found one {error}"
                ) from None

    def discard(self) -> None:
        """Remove the files of a run without an update, and its folder and runs/ if empty then."""
        for name in (*_FILES, "lock"):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()
            if self.path.parent.name == "runs":
                self.path.parent.rmdir()

    def release(self) -> None:
        """Let others train in this folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def config(self) -> dict[str, Any]:
        """Return the configuration that `create` was given, with all changes since."""
        with reported(f"{self.path}: its config.json cannot be read"):
            config = json.loads(read_text(self._config))
        if not isinstance(config, dict):
            raise RunError(f"{self.path}: its config.json is not an object")
        if not isinstance(config.get("history", []), list):
            raise RunError(f"{self.path}: the history in its config.json is no list")
        return config

    def _write_config(self, config: Mapping[str, Any]) -> None:
        write_text(self._config, json.dumps(config, indent=2) + "\n")

    def update_config(self, **changes: Any) -> None:
        """Replace entries of the configuration."""
        config = self.config() | changes
        with reported(f"{self.path}: its config.json cannot be written"):
            self._write_config(config)

    def write_options(self, toml: str) -> None:
        """Write `config.toml`."""
        path = self.path / "config.toml"
        with reported(f"{path}: cannot be written"):
            write_text(path, toml)

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
        """Return this run's checkpoints by increasing update, without `best.npz`."""
        paths = numbered_files(self._checkpoints, _CHECKPOINT_NAME)
        foreign = self._foreign(paths.values())
        return [paths[update] for update in sorted(paths) if paths[update] not in foreign]

    def check_own(self) -> None:
        """Raise RunError if a file here is another run's or a link: it could be overwritten."""
        files = [*self._checkpoints.glob("*.npz"), *self.snapshots.glob("*.npz")]
        written = [self._config, self._metrics, self.path / "config.toml", *files]
        if links := [path for path in written if path.is_symlink()]:
            raise RunError(f"{links[0]}: expected a file of the run, found a link to another one")
        if foreign := sorted(self._foreign(files)):
            names = ", ".join(str(path.relative_to(self.path)) for path in foreign)
            raise RunError(
                f"{self.path}: expected weights of this run only, found those of another: {names}; "
                "move them elsewhere"
            )

    def _foreign(self, weights: Iterable[Path]) -> set[Path]:
        """Return those files that have another seed, algorithm or network size than this run."""
        config = self.config()
        known: dict[str, Any] = {}
        for section in ("hyperparameters", "train"):
            values = config.get(section)
            known |= values if isinstance(values, dict) else {}
        own = {name: known.get(name) for name in ("seed", "algorithm", "hidden_units")}
        foreign = set()
        for path in weights:
            with suppress(CheckpointError, KeyError, TypeError):  # damaged ones are not
                values = migrated(load_metadata(path))
                found = {**values["training"], **values["policy"], "seed": values["seed"]}
                if any(one not in (None, found[name]) for name, one in own.items()):
                    foreign.add(path)
        return foreign

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
        if self._foreign([self._best]):
            raise RunError(f"{self._best}: is another run's")
        return PongAgent.load(self._best)

    def origin(self, updates: int) -> dict[str, Any]:
        """Return the part of a model card that says where the weights after an update come from."""
        config = self.config()
        rows = [row for row in self.read_metrics() if int(row["time/iterations"]) == updates]
        return {
            "history": [
                one
                for one in config.get("history", [])
                if isinstance(one, dict) and one.get("updates", 0) < updates
            ],
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
    path = absolute_path(path, "weights")
    if path.is_dir():
        return RunFolder.open(path).load_latest().averaged()
    return PongAgent.load(path).averaged()
