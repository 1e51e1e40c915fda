"""What a training run is asked to do, frozen."""

import math
from dataclasses import asdict, dataclass, replace

import tomli_w

from pong_agent.config import resolve_preset
from pong_agent.errors import ConfigError
from pong_agent.hyperparams import with_hyperparams
from pong_agent.learning.progress import RECENT, Progress


@dataclass(frozen=True)
class TrainConfig:
    """What a run is asked to do; the agent's hyperparameters are its preset's."""

    preset: str = "ppo"
    """Name of the preset: ppo, or reinforce as in the notebook."""

    hyperparams: tuple[str, ...] = ()
    """Values of the preset to replace, as NAME:VALUE, e.g. epochs:3 anneal_steps:1000000."""

    env_id: str | None = None
    """Environment to learn in; by default the preset's."""

    seed: int = 0
    """Seed of the weights and of every episode, 0 or more."""

    minutes: float = 10.0
    """Minutes of training at the most, evaluation not counted, from the run's beginning."""

    updates: int | None = None
    """Updates at the most, from the run's beginning [iterations in the notebook]."""

    steps: int | None = None
    """Agent steps at the most, from the run's beginning."""

    stop_at_return: float | None = None
    """Mean return of the last 30 training episodes that ends the run."""

    workers: int = 2
    """Ray workers that play at the same time; 0 plays in this process, -1 on all CPUs there are."""

    work_timeout: float = 300.0
    """Seconds after which a worker that has not finished is started anew, its work done again."""

    address: str | None = None
    """Address of a Ray cluster to join; by default Ray is started on this machine."""

    checkpoint_every: int = 50
    """Updates between two checkpoints; one more is always written at the end."""

    stop_at_eval: float | None = None
    """Mean return of a greedy evaluation that ends the run."""

    eval_every: int = 0
    """Agent steps between two greedy evaluations; 0 for none."""

    eval_from: float | None = None
    """Mean return of the last 30 training episodes below which no evaluation is worth its time."""

    eval_episodes: int = 10
    """Episodes of each evaluation."""

    tensorboard: bool = False
    """Write the metrics for TensorBoard too, into RUN/tensorboard; a resumed run does as before."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            ConfigError: there is no preset of that name, or a number is out of range.
        """
        with_hyperparams(resolve_preset(self.preset), self.hyperparams)
        if not self.minutes >= 0:  # also for NaN
            raise ConfigError(f"minutes: expected 0 or more, found {self.minutes!r}")
        if not self.work_timeout > 0:
            raise ConfigError(
                f"work_timeout: expected more than 0 seconds, found {self.work_timeout!r}"
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name in ("updates", "steps"):
                continue
            if type(value) is not int or value < least:
                raise ConfigError(f"{name}: expected an int of {least} or more, found {value!r}")

    def exactly(self, updates: int) -> "TrainConfig":
        """Return what gives the same run again: its number of updates as the only limit."""
        return replace(
            self,
            updates=updates,
            minutes=math.inf,
            steps=None,
            stop_at_return=None,
            stop_at_eval=None,
        )

    def to_toml(self) -> str:
        """Return the options as the table that `pong-agent train --config` reads.

        Example:
            >>> print(TrainConfig(seed=3).to_toml().splitlines()[:4])
            ['[train]', 'preset = "ppo"', 'hyperparams = []', 'seed = 3']
        """
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return tomli_w.dumps({"train": given})

    def nearest_limit(
        self, progress: Progress, seconds: float, best_evaluation: float
    ) -> tuple[float, str]:
        """Return how near the nearest limit is, 0 to 1, and its name.

        A limit on the return counts as reached or not reached.

        Args:
            progress: the agent's counters.
            seconds: of training so far.
            best_evaluation: highest mean return of an evaluation, -inf before the first.

        Example:
            >>> TrainConfig(minutes=10, updates=4).nearest_limit(Progress(updates=3), 60.0, 0.0)
            (0.75, 'updates')
        """
        fractions = {"minutes": seconds / (60 * self.minutes) if self.minutes else 1.0}
        if self.updates is not None:
            fractions["updates"] = progress.updates / self.updates
        if self.steps is not None:
            fractions["steps"] = progress.agent_steps / self.steps
        if self.stop_at_return is not None and len(progress.recent_returns) == RECENT:
            fractions["stop_at_return"] = float(progress.mean_return >= self.stop_at_return)
        if self.stop_at_eval is not None:
            fractions["stop_at_eval"] = float(best_evaluation >= self.stop_at_eval)
        nearest = max(fractions, key=lambda name: fractions[name])
        return min(fractions[nearest], 1.0), nearest


_LEAST = {
    "seed": 0,
    "updates": 1,
    "steps": 1,
    "workers": -1,
    "checkpoint_every": 1,
    "eval_every": 0,
    "eval_episodes": 1,
}
