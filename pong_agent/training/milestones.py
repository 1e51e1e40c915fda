"""Small weights files along a run, for a video of how the agent learned.

RUN/snapshots/steps-000000000.npz    averaged weights at half precision, before the first update
RUN/snapshots/steps-000026624.npz    the same after the first update that reached 25,000 agent steps
RUN/snapshots/steps-000051200.npz    and so on: 50,000, 100,000, 200,000 ...

Each milestone doubles the previous one, because agents learn most at the start and the length of
a run is not known in advance.
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from pong_agent.agent import PongAgent
from pong_agent.evaluation.stage import Stage
from pong_agent.training.run_folder import RunError, RunFolder, numbered_files
from pong_agent.weights_file.archive import CheckpointError

FIRST_MILESTONE = 25_000  # agent steps, about four seconds of training
N_MILESTONES = 15  # the last one, 409,600,000 agent steps, takes about 20 hours
_NAME = re.compile(r"steps-(\d+)\.npz")


def milestones_passed(agent_steps: int) -> int:
    """Return how many of the milestones 25,000, 50,000, 100,000 ... have been reached.

    Example:
        >>> [milestones_passed(steps) for steps in (0, 24_999, 25_000, 99_999, 100_000, 10**12)]
        [0, 0, 1, 2, 3, 15]
    """
    return min((agent_steps // FIRST_MILESTONE).bit_length(), N_MILESTONES)


class Milestones:
    """Saves an agent's weights whenever it has passed a milestone since the last file.

    Only the agent steps and the files decide whether a file is due. So a run that was stopped and
    resumed, even from an older checkpoint, has the same files as an undisturbed one, byte for
    byte. The agent does not change.

    Args:
        folder: the folder of the files, made when needed. Files after `agent_steps` are removed:
            the run passes these milestones again, perhaps with other hyperparameters.
        agent_steps: agent steps of the agent at the start or resume.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     milestones = Milestones(Path(folder), agent_steps=0)
        ...     for _ in range(2):
        ...         milestones.take(PongAgent("reinforce"))
        ...     [path.name for path in Path(folder).iterdir()]
        ['steps-000000000.npz']
    """

    def __init__(self, folder: Path, agent_steps: int) -> None:
        self._folder = folder
        self._passed = -1  # milestones at the newest file
        for steps, path in sorted(numbered_files(folder, _NAME).items()):
            if steps > agent_steps:
                path.unlink(missing_ok=True)
            else:
                self._passed = milestones_passed(steps)

    def take(self, agent: PongAgent) -> None:
        """Write a file if one is due, complete or not at all.

        Weights too large for half precision are skipped without an error.

        Raises:
            CheckpointError: the file cannot be written.
        """
        progress = agent.progress
        passed = milestones_passed(progress.agent_steps)
        if passed <= self._passed:
            return
        path = self._folder / f"steps-{progress.agent_steps:09d}.npz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            agent.export(path, {"updates": progress.updates, "agent_steps": progress.agent_steps})
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be written: {error}") from error
        except CheckpointError as error:
            if isinstance(error.__cause__, OSError):
                raise
        self._passed = passed


def read_stages(run_folder: str | Path) -> list[Stage]:
    """Return the milestones and the newest checkpoint of a run, which may still be training.

    There are one or more stages, by increasing agent steps, with the seconds of training and the
    mean training return from `metrics.csv`.

    Raises:
        RunError: the folder holds no run, or neither milestone nor checkpoint, or `metrics.csv`
            cannot be read.
    """
    folder = RunFolder.open(run_folder)
    rows = folder.read_metrics()
    weights = numbered_files(folder.snapshots, _NAME)
    for checkpoint in folder.checkpoints()[-1:]:
        updates = int(checkpoint.stem.rpartition("-")[2])
        until = [row for row in rows if int(row["time/iterations"]) <= updates]
        weights.setdefault(int(until[-1]["time/total_timesteps"]) if until else 0, checkpoint)
    if not weights:
        raise RunError(f"{folder.path}: holds neither snapshots nor a checkpoint")
    return [_stage(steps, path, rows) for steps, path in sorted(weights.items())]


def _stage(steps: int, path: Path, rows: Sequence[Mapping[str, str]]) -> Stage:
    """Return weights with seconds and score from the last row of `metrics.csv` up to them."""
    until = [row for row in rows if int(row["time/total_timesteps"]) <= steps]
    if not until:
        return Stage(path, steps, seconds=0.0, score=None)
    score = float(until[-1]["rollout/ep_rew_mean"] or "nan")
    seconds = float(until[-1]["time/time_elapsed"])
    return Stage(path, steps, seconds, score if isfinite(score) else None)
