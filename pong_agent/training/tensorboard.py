"""A run's metrics as TensorBoard event files."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from math import isfinite
from pathlib import Path
from typing import Any

from pong_agent.errors import require
from pong_agent.training.metrics import AXES
from pong_agent.training.run_folder import reported


class TensorBoard:
    """Event files with a scalar for each metric; the step is the agent step.

    A resumed run continues in a new file, which overrides the later steps of the previous one.
    tensorboardX's `SummaryWriter` is not used: it writes from a thread, so that `flush` does not
    wait for the queue and errors such as a full disk are lost.

    Args:
        folder: the folder of the files, made if it is missing.
        rows: the run's metrics so far; written if there are no files yet.
        hyperparameters: shown as a table.

    Raises:
        MissingPackageError: tensorboardX is not installed.
        RunError: the files cannot be written.
    """

    def __init__(
        self, folder: Path, rows: Sequence[Mapping[str, str]], hyperparameters: Mapping[str, Any]
    ) -> None:
        # tensorboardX needs neither TensorFlow nor PyTorch.
        events: Any = require("tensorboardX.event_file_writer", "tensorboard")
        protocol: Any = require("tensorboardX.proto.event_pb2", "tensorboard")
        summary: Any = require("tensorboardX.summary", "tensorboard")
        self._folder = folder
        self._event = protocol.Event
        steps = int(rows[-1]["time/total_timesteps"]) if rows else 0
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            n_files = len(list(folder.glob("*.tfevents.*")))
            self._writer = events.EventsWriter(str(folder / "events"), f".{n_files}")
            if n_files:
                start = protocol.SessionLog(status=protocol.SessionLog.START)
                self._writer.write_event(self._event(step=steps + 1, session_log=start))
            else:
                for row in rows:
                    self.write({name: float(value.strip() or "nan") for name, value in row.items()})
            lines = [f"| {name} | {value} |" for name, value in hyperparameters.items()]
            lines = ["| name | value |", "|---|---|", *lines]
            text = summary.text("hyperparameters", "\n".join(lines))
            self._writer.write_event(self._event(step=steps, wall_time=time.time(), summary=text))
            self._writer.flush()

    def _writing(self) -> AbstractContextManager[None]:
        return reported(f"{self._folder}: cannot be written")

    def write(self, metrics: Mapping[str, float]) -> None:
        """Write the finite metrics of an update; may raise RunError."""
        event = self._event(step=int(metrics["time/total_timesteps"]), wall_time=time.time())
        for name, value in metrics.items():
            if name not in AXES and isfinite(value):
                event.summary.value.add(tag=name, simple_value=value)
        with self._writing():
            self._writer.write_event(event)

    def flush(self) -> None:
        """Write everything to the disk; may raise RunError."""
        with self._writing():
            self._writer.flush()

    def close(self) -> None:
        """Flush and close the file; may raise RunError."""
        with self._writing():
            self._writer.close()
