"""Options of a training run, frozen."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any

import tomli_w

from pong_agent.bounds import Bounds, Count, CountOrZero, Return, check_fields
from pong_agent.config import resolve_preset, with_hyperparams
from pong_agent.envs.spec import check_ids
from pong_agent.errors import ConfigError
from pong_agent.learning.progress import RECENT, Progress
from pong_agent.seeding import as_seed
from pong_agent.weights_file.metadata import UnknownFieldsWarning

RENAMED = {"unit_timeout": "work_timeout"}  # names of options in older runs


@dataclass(frozen=True)
class TrainConfig:
    """Options of a run: preset, limits, workers, evaluation."""

    preset: str = "ppo"
    """Preset of the agent: ppo, or reinforce as in the notebook."""

    hyperparams: tuple[str, ...] = ()
    """Hyperparameters that differ from the preset, as NAME:VALUE, e.g. epochs:3 n_envs:32."""

    env_id: str | None = None
    """Environment to learn in; by default the preset's."""

    seed: CountOrZero | None = 0
    """Seed of the weights and of all episodes, 0 or more; in Python, None draws one."""

    minutes: Annotated[float, Bounds(0)] = 10.0
    """Maximum minutes of training since the start of the run, without evaluation."""

    updates: Count | None = None
    """Maximum updates since the start of the run [iterations in the notebook]."""

    steps: Count | None = None
    """Maximum agent steps since the start of the run."""

    stop_at_return: Return | None = None
    """Mean return of the last 30 training episodes at which the run ends."""

    workers: Annotated[int, Bounds(-1, 10_000)] = 2
    """Ray workers that play in parallel; 0 plays in this process, -1 uses all usable CPUs."""

    work_timeout: Annotated[float, Bounds(0)] = 300.0
    """Seconds after which an unfinished worker is restarted and its work is repeated."""

    address: str | None = None
    """Address of a Ray cluster to join; by default Ray starts on this machine."""

    checkpoint_every: Count = 50
    """Updates between two checkpoints; the last update is always saved."""

    stop_at_eval: Return | None = None
    """Mean return of a greedy evaluation at which the run ends."""

    eval_every: CountOrZero = 0
    """Agent steps between two greedy evaluations; 0 for none."""

    eval_from: Return | None = None
    """No evaluation while the mean return of the last 30 training episodes is below this."""

    eval_episodes: Count = 10
    """Episodes per evaluation."""

    tensorboard: bool = False
    """Also write the metrics to RUN/tensorboard; a resumed run continues as before."""

    def __post_init__(self) -> None:
        """Raise ConfigError for an unknown preset or hyperparameter, or a number out of range."""
        object.__setattr__(self, "seed", as_seed(self.seed))
        if not isinstance(self.hyperparams, (list, tuple)):
            raise ConfigError(
                f"hyperparams: expected a tuple of texts NAME:VALUE, found {self.hyperparams!r:.60}"
            )
        object.__setattr__(self, "hyperparams", tuple(map(str, self.hyperparams)))
        check_fields(self)
        with_hyperparams(resolve_preset(self.preset), self.hyperparams)
        if self.work_timeout == 0:
            raise ConfigError("work_timeout: expected more than 0 seconds, found 0")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "options") -> "TrainConfig":
        """Read the options of a run that any version began.

        Missing options get their defaults, as does the address of a Ray cluster; unknown options
        and hyperparameters are named in one `UnknownFieldsWarning`.

        Args:
            values: `dataclasses.asdict`, also after JSON made lists of tuples.
            source: where they come from, for the warning.

        Raises:
            TypeError: a value has the wrong type.
            ConfigError: a value is out of range.

        Example:
            >>> TrainConfig.from_dict({"unit_timeout": 60.0}) == TrainConfig(work_timeout=60.0)
            True
        """
        given = {RENAMED.get(name, name): value for name, value in values.items()}
        unknown = set(given) - {field.name for field in fields(cls)}
        known = {name: value for name, value in given.items() if name not in unknown}
        preset = resolve_preset(known.get("preset", cls.preset))
        names = {field.name for field in fields(preset)}
        hyperparams = tuple(known.get("hyperparams", ()))
        kept = tuple(item for item in hyperparams if item.partition(":")[0] in names)
        check_ids(known)
        if address := known.pop("address", None):  # whoever it names runs code here
            warnings.warn(
                f"{source}: left out the Ray cluster {address!r:.100}; give --address to join it",
                stacklevel=2,
            )
        unknown |= set(hyperparams) - set(kept)
        if unknown:
            message = f"{source}: ignored unknown fields: {', '.join(sorted(unknown))}"
            warnings.warn(message, UnknownFieldsWarning, stacklevel=2)
        return cls(**{**known, "hyperparams": kept})

    def exactly(self, updates: int) -> "TrainConfig":
        """Return the options that reproduce the run: the number of updates is the only limit."""
        return replace(
            self,
            updates=updates,
            minutes=math.inf,
            steps=None,
            stop_at_return=None,
            stop_at_eval=None,
        )

    def to_toml(self) -> str:
        """Return the options as TOML for `pong-agent train --config`, without the address.

        Example:
            >>> print(TrainConfig(seed=3).to_toml().splitlines()[:4])
            ['[train]', 'preset = "ppo"', 'hyperparams = []', 'seed = 3']
        """
        given = {name: value for name, value in asdict(self).items() if value is not None}
        given.pop("address", None)  # a file may not choose it
        return tomli_w.dumps({"train": given})

    def nearest_limit(
        self, progress: Progress, seconds: float, best_evaluation: float
    ) -> tuple[float, str]:
        """Return the fraction done of the limit closest to being reached, and its name.

        A limit on a return counts as 0 or 1.

        Args:
            progress: the agent's counters.
            seconds: seconds of training so far.
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
