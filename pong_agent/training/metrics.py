"""Per-update metrics under Stable-Baselines3's names, as rows of a CSV file."""

import csv
import errno
import io
import os
from collections.abc import Iterable, Mapping
from math import nan
from pathlib import Path

from pong_agent.learning.progress import Progress
from pong_agent.whole_file import read_text, replacing

# Names and meanings are Stable-Baselines3's, except where a comment says otherwise.
METRICS = (
    "time/iterations",  # updates
    "time/total_timesteps",  # agent steps
    "time/time_elapsed",  # seconds of training without evaluation
    "time/update_seconds",  # of this update (not in Stable-Baselines3)
    "time/fps",  # agent steps per second of this update; there since the start
    "rollout/episodes",  # so far (not in Stable-Baselines3)
    "rollout/ep_rew_mean",  # last 30 episodes; there 100
    "rollout/ep_len_mean",  # agent steps, last 30 episodes; there 100
    "rollout/running_return",  # the notebook's running mean (not in Stable-Baselines3)
    "train/entropy_loss",  # minus the mean entropy of the policy, nats
    "train/grad_norm",  # before clipping (not in Stable-Baselines3)
    "train/learning_rate",
    "train/approx_kl",  # KL(old || new), nats; over all actions, there over those taken
    "train/clip_fraction",
    "train/clip_range",
    "train/loss",  # this and the two below: mean over the last epoch
    "train/policy_gradient_loss",
    "train/value_loss",  # half of the mean squared error; there the whole
    "train/explained_variance",  # of the returns, by the values of the averaged critic
    "eval/mean_reward",
    "eval/mean_ep_length",
)
# The x-axes of TensorBoard, which are no scalars there.
AXES = ("time/iterations", "time/total_timesteps", "time/time_elapsed")


def update_row(
    progress: Progress,
    learned: Mapping[str, float],
    *,
    n_steps: int,
    seconds: float,
    elapsed: float,
) -> dict[str, float]:
    """Return the metrics of one update of `n_steps` agent steps.

    Args:
        progress: the agent's counters after it.
        learned: metrics from `PongAgent.learn_from_batch`.
        n_steps: agent steps of its batch.
        seconds: seconds that it took, including the rollouts.
        elapsed: seconds of training so far.
    """
    running = progress.running_return
    recent = ("ep_rew_mean", "ep_len_mean")
    return {
        "time/iterations": progress.updates,
        "time/total_timesteps": progress.agent_steps,
        "time/time_elapsed": elapsed,
        "time/update_seconds": seconds,
        "time/fps": n_steps / seconds,
        "rollout/episodes": progress.episodes,
        **{f"rollout/{name}": learned[name] for name in recent},
        "rollout/running_return": nan if running is None else running,
        **{f"train/{name}": value for name, value in learned.items() if name not in recent},
    }


def write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write a table, whole or not at all; may raise OSError."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, METRICS)
        writer.writeheader()
        writer.writerows(rows)


def append_row(path: Path, metrics: Mapping[str, float]) -> None:
    """Add one row, whole or not at all; missing metrics stay empty. May raise OSError."""
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
    """Return the whole rows, values as text; a column that the file does not have is empty.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not a table of metrics.
    """
    text = read_text(path)
    whole = text[: text.rfind("\n") + 1]  # a killed process may leave a part of a row
    rows = []
    try:
        for row in csv.DictReader(io.StringIO(whole)):
            for value in row.values():
                float(value.strip() or "nan")
            rows.append({name: row.get(name, "") for name in METRICS} | {n: row[n] for n in AXES})
    except (AttributeError, KeyError, ValueError) as error:
        raise ValueError(f"expected the numbers of a run: {error}") from error
    return rows
