"""What is told about each update, in Stable-Baselines3's names: rows of a CSV file, TensorBoard."""

import csv
import errno
import io
import os
import time
from collections.abc import Mapping, Sequence
from math import isfinite, nan
from pathlib import Path
from typing import Any

from pong_agent.errors import ConfigError
from pong_agent.learning.progress import Progress
from pong_agent.whole_file import replacing

# Where Stable-Baselines3 has the name, the meaning is its own but for what stands beside it here.
METRICS = (
    "time/iterations",  # updates
    "time/total_timesteps",  # agent steps
    "time/time_elapsed",  # seconds of training, evaluation left out
    "time/update_seconds",  # of this update (no name there)
    "time/fps",  # agent steps per second in this update; there since the beginning
    "rollout/episodes",  # so far (no name there)
    "rollout/ep_rew_mean",  # last 30 episodes; there 100
    "rollout/ep_len_mean",  # agent steps, last 30 episodes; there 100
    "rollout/running_return",  # the notebook's running mean (no name there)
    "train/entropy_loss",  # minus the mean entropy of the policy, nats
    "train/grad_norm",  # before clipping (no name there)
    "train/learning_rate",
    "train/approx_kl",  # KL(old || new), nats; computed from all actions, there from those taken
    "train/clip_fraction",
    "train/clip_range",
    "train/loss",  # this and the two below: mean over the last epoch
    "train/policy_gradient_loss",
    "train/value_loss",  # half of the mean squared error; there the whole
    "train/explained_variance",  # of the returns, by the values of the averaged critic
    "eval/mean_reward",
    "eval/mean_ep_length",
)
# What stays out of TensorBoard, as there: its own axes tell them.
_AXES = ("time/iterations", "time/total_timesteps", "time/time_elapsed")
_FORMER = {
    "time/updates": "time/iterations",
    "train/kl": "train/approx_kl",
    "train/policy_loss": "train/policy_gradient_loss",
}


def update_row(
    progress: Progress,
    learned: Mapping[str, float],
    *,
    n_steps: int,
    seconds: float,
    elapsed: float,
) -> dict[str, float]:
    """Return the metrics of one update.

    Args:
        progress: the agent's counters after it.
        learned: what `PongAgent.learn_from_batch` returned.
        n_steps: agent steps of its batch.
        seconds: that it took, with the collecting.
        elapsed: seconds of training so far.
    """
    running = progress.running_return
    rollout = {name: learned[name] for name in ("ep_rew_mean", "ep_len_mean")}
    train = {name: value for name, value in learned.items() if name not in rollout}
    return {
        "time/iterations": progress.updates,
        "time/total_timesteps": progress.agent_steps,
        "time/time_elapsed": elapsed,
        "time/update_seconds": seconds,
        "time/fps": n_steps / seconds,
        "rollout/episodes": progress.episodes,
        **{f"rollout/{name}": value for name, value in rollout.items()},
        "rollout/running_return": nan if running is None else running,
        **{f"train/{name}": value for name, value in train.items()},
    }


def write_header(path: Path) -> None:
    """Begin a file of metrics.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("w", newline="") as file:
        csv.writer(file).writerow(METRICS)


def append_row(path: Path, metrics: Mapping[str, float]) -> None:
    """Add one row, whole or not at all; names that are missing stay empty.

    Raises:
        OSError: it cannot be written.
    """
    row = io.StringIO(newline="")
    csv.DictWriter(row, METRICS).writerow(metrics)
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        try:
            written = file.write(row.getvalue().encode())
            if written < row.tell():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(end)
            raise


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows, values as text, but for one that was cut off.

    A file of an earlier version is read under today's names.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds something else.
    """
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]  # a killed process may leave a part of a row
    try:
        rows = [_renamed(row) for row in csv.DictReader(io.StringIO(whole))]
        for row in rows:
            for value in row.values():
                float(value.strip() or "nan")
    except (AttributeError, KeyError, ValueError) as error:
        raise ValueError(f"expected the numbers of a run: {error}") from error
    return rows


def _renamed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row under the names of `METRICS`; one that its file did not have yet is empty."""
    named = {_FORMER.get(name, name): value for name, value in row.items()}
    if "train/entropy" in named:
        entropy = named["train/entropy"]
        named["train/entropy_loss"] = str(-float(entropy)) if entropy.strip() else ""
    never_missing = {name: named[name] for name in _AXES}
    return {name: named.get(name, "") for name in METRICS} | never_missing


def drop_rows_after(path: Path, update: int) -> None:
    """Remove the rows of updates that came after `update`.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it holds something else.
    """
    rows = [row for row in read_rows(path) if int(row["time/iterations"]) <= update]
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, METRICS)
        writer.writeheader()
        writer.writerows(rows)


def check_tensorboard() -> None:
    """Import what writes for TensorBoard, before anything is begun.

    Raises:
        ConfigError: it is missing; with the command that installs it.
    """
    try:
        import tensorboardX  # noqa: F401  # brings neither TensorFlow nor PyTorch
    except ImportError as error:
        raise ConfigError(
            "tensorboard: expected the library tensorboardX, which comes with "
            f"pip install 'pong-agent[tensorboard]': {error}"
        ) from error


class TensorBoard:
    """A run's metrics as event files: a scalar for each name, the step is the agent step.

    A resumed run goes on in a new file, which takes back what the former one told of later steps.
    It is not tensorboardX's `SummaryWriter`, which writes from a thread: its `flush` does not wait
    for what is queued, and nobody hears of a full disk.

    Args:
        folder: where the files lie; made where it is missing.
        rows: what the run has told so far; written too where there are no files yet.
        hyperparameters: shown as a table.

    Raises:
        ConfigError: tensorboardX is not installed.
        OSError: nothing can be written there.
    """

    def __init__(
        self, folder: Path, rows: Sequence[Mapping[str, str]], hyperparameters: Mapping[str, Any]
    ) -> None:
        check_tensorboard()
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import text

        folder.mkdir(parents=True, exist_ok=True)
        n_files = len(list(folder.glob("*.tfevents.*")))
        self._event = Event
        self._writer = EventsWriter(str(folder / "events"), f".{n_files}")
        steps = int(rows[-1]["time/total_timesteps"]) if rows else 0
        if n_files:
            start = SessionLog(status=SessionLog.START)
            self._writer.write_event(Event(step=steps + 1, session_log=start))
        else:
            for row in rows:
                self.write({name: float(value.strip() or "nan") for name, value in row.items()})
        lines = [f"| {name} | {value} |" for name, value in hyperparameters.items()]
        table = "\n".join(["| name | value |", "|---|---|", *lines])
        self._writer.write_event(
            Event(step=steps, wall_time=time.time(), summary=text("hyperparameters", table))
        )
        self._writer.flush()

    def write(self, metrics: Mapping[str, float]) -> None:
        """Write the finite ones of an update's metrics.

        Raises:
            OSError: the disk is full.
        """
        event = self._event(step=int(metrics["time/total_timesteps"]), wall_time=time.time())
        for name, value in metrics.items():
            if name not in _AXES and isfinite(value):
                event.summary.value.add(tag=name, simple_value=value)
        self._writer.write_event(event)

    def flush(self) -> None:
        """Have all that was written on the disk.

        Raises:
            OSError: the disk is full.
        """
        self._writer.flush()

    def close(self) -> None:
        """Flush, and end the file.

        Raises:
            OSError: the disk is full.
        """
        self._writer.close()
