"""Small weights files along a run, for a film of how it learned.

RUN/snapshots/steps-000000000.npz    averaged weights at half precision, before the first update
RUN/snapshots/steps-000026624.npz    those after the first update that reached 25,000 agent steps
RUN/snapshots/steps-000051200.npz    and so on: 50,000, 100,000, 200,000 ...

An agent learns most at the beginning, and nobody knows beforehand how long a run will be: so each
mark is twice the one before.
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from pong_agent.agent import PongAgent
from pong_agent.checkpoint import CheckpointError
from pong_agent.recording.captions import Stage
from pong_agent.training.run_folder import RunError, RunFolder

FIRST_MARK = 25_000  # agent steps, some four seconds of training
MARKS = 15  # the last one is 409,600,000 agent steps, some 20 hours: never more than 16 files
_NAME = re.compile(r"steps-(\d+)\.npz")


def marks_passed(agent_steps: int) -> int:
    """Return how many of the marks 25,000, 50,000, 100,000 ... have been reached.

    Args:
        agent_steps: agent steps learned from, 0 or more.

    Returns:
        0 to `MARKS`.

    Example:
        >>> [marks_passed(steps) for steps in (0, 24_999, 25_000, 99_999, 100_000, 10**12)]
        [0, 0, 1, 2, 3, 15]
    """
    return min((agent_steps // FIRST_MARK).bit_length(), MARKS)


class Snapshots:
    """Writes a snapshot of an agent whenever it has passed a mark since the last one.

    Whether one is due depends on the agent steps and the files alone, so a run that was stopped
    and resumed, even from an older checkpoint, has the files of one that was not, byte for byte.
    The agent is not changed.

    Args:
        folder: where they go, made when needed; snapshots after `agent_steps` are removed from it,
            because the run will come by there again, perhaps with other hyperparameters.
        agent_steps: what the run goes on from.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     snapshots = Snapshots(Path(folder), agent_steps=0)
        ...     for _ in range(2):
        ...         snapshots.take(PongAgent("reinforce"))
        ...     [path.name for path in Path(folder).iterdir()]
        ['steps-000000000.npz']
    """

    def __init__(self, folder: Path, agent_steps: int) -> None:
        self._folder = folder
        self._passed = -1  # marks at the newest snapshot
        for steps, path in sorted(_files(folder).items()):
            if steps > agent_steps:
                path.unlink(missing_ok=True)
            else:
                self._passed = marks_passed(steps)

    def take(self, agent: PongAgent) -> None:
        """Write a snapshot if one is due, complete or not at all.

        Weights that are too large for half precision are left out: the run may go on with them.

        Raises:
            CheckpointError: the file cannot be written.
        """
        progress = agent.progress
        passed = marks_passed(progress.agent_steps)
        if passed <= self._passed:
            return
        path = self._folder / f"steps-{progress.agent_steps:09d}.npz"
        card = {"updates": progress.updates, "agent_steps": progress.agent_steps}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            agent.export(path, card)
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be written: {error}") from error
        except CheckpointError as error:
            if isinstance(error.__cause__, OSError):
                raise
        self._passed = passed


def read_stages(run_folder: str | Path) -> list[Stage]:
    """Find what a film of a run's learning is made from: its snapshots and newest checkpoint.

    Args:
        run_folder: folder of the run, which may still be training.

    Returns:
        Stages by increasing agent steps, one or more, with the seconds of training and the mean
        training return that `metrics.csv` has for them.

    Raises:
        RunError: the folder holds no run, or neither snapshot nor checkpoint, or `metrics.csv`
            cannot be read.
    """
    folder = RunFolder.open(run_folder)
    rows = folder.read_metrics()
    weights = _files(snapshots_folder(folder))
    checkpoints = folder.checkpoints()
    if checkpoints:
        steps = _steps_after(int(checkpoints[-1].stem.rpartition("-")[2]), rows)
        weights.setdefault(steps, checkpoints[-1])
    if not weights:
        raise RunError(f"{folder.path}: holds neither snapshots nor a checkpoint")
    return [_stage(steps, path, rows) for steps, path in sorted(weights.items())]


def snapshots_folder(run_folder: RunFolder) -> Path:
    """Return where a run's snapshots go."""
    return run_folder.path / "snapshots"


def _files(folder: Path) -> dict[int, Path]:
    """Return the snapshots in a folder, which may be missing, by their agent steps."""
    return {
        int(match[1]): path
        for path in folder.glob("*.npz")
        if (match := _NAME.fullmatch(path.name))
    }


def _steps_after(updates: int, rows: Sequence[Mapping[str, str]]) -> int:
    """Return the agent steps after an update, 0 before the first."""
    steps = [
        int(row["time/total_timesteps"]) for row in rows if int(row["time/iterations"]) <= updates
    ]
    return steps[-1] if steps else 0


def _stage(steps: int, path: Path, rows: Sequence[Mapping[str, str]]) -> Stage:
    """Return weights with what the last row of `metrics.csv` up to them tells."""
    until = [row for row in rows if int(row["time/total_timesteps"]) <= steps]
    if not until:
        return Stage(path, steps, seconds=0.0, score=None)
    score = float(until[-1]["rollout/ep_rew_mean"] or "nan")
    seconds = float(until[-1]["time/time_elapsed"])
    return Stage(path, steps, seconds, score if isfinite(score) else None)
