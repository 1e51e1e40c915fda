"""Statistics of the returns of whole episodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_CONFIDENCE = 0.95
_RESAMPLES = 10_000  # of the bootstrap; the interval's ends then vary by about 1 % of its width


class Outcome(NamedTuple):
    """An episode without its trajectory, which may take more than 100 MB."""

    seed: int
    episode_return: float  # undiscounted sum of the rewards
    length: int  # agent steps


@dataclass(frozen=True)
class EvaluationResult:
    """Returns, lengths and seeds of the episodes of an evaluation."""

    env_id: str
    deterministic: bool  # whether actions were greedy, or sampled
    returns: tuple[float, ...]  # [n] undiscounted sum of each episode's rewards; -21 to 21 in Pong
    lengths: tuple[int, ...]  # [n] agent steps of each episode
    seeds: tuple[int, ...]  # [n]

    @classmethod
    def from_outcomes(cls, env_id: str, deterministic: bool, outcomes: Iterable[Outcome]) -> Self:
        """Collect the outcomes of one episode or more."""
        seeds, returns, lengths = zip(*outcomes, strict=True)
        return cls(env_id, deterministic, returns, lengths, seeds)

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        """Standard deviation of the returns (population, as Stable-Baselines3 reports it)."""
        return float(np.std(self.returns))

    @property
    def confidence_interval(self) -> tuple[float, float] | None:
        """95 % percentile bootstrap interval of the mean return, None for a single episode."""
        return bootstrap_interval(self.returns)

    @property
    def best_seed(self) -> int:
        """Seed of the first episode with the largest return."""
        return self.seeds[int(np.argmax(self.returns))]

    @property
    def worst_seed(self) -> int:
        """Seed of the first episode with the smallest return."""
        return self.seeds[int(np.argmin(self.returns))]

    def to_dict(self) -> dict[str, Any]:
        """Return statistics and episodes as JSON types."""
        return {
            "env_id": self.env_id,
            "deterministic": self.deterministic,
            "n_eval_episodes": len(self.returns),
            "mean_reward": self.mean,
            "std_reward": self.std,
            "confidence_interval_95": self.confidence_interval,
            "episodes": [
                dict(zip(("seed", "return", "length"), outcome, strict=True))
                for outcome in zip(self.seeds, self.returns, self.lengths, strict=True)
            ],
        }


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % percentile bootstrap interval of a mean, None for a single value.

    B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.

    Example:
        >>> bootstrap_interval([1.0, 2.0, 3.0, 4.0])
        (1.5, 3.5)
    """
    if len(values) < 2:
        return None
    low, high = bootstrap_band(np.array(values, float))
    return float(low), float(high)


def bootstrap_band(
    values: NDArray[np.float64], n_resamples: int = _RESAMPLES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lower and upper ends of such intervals, one for each mean over the first axis."""
    from scipy.stats import bootstrap  # takes 0.5 s to import

    interval = bootstrap(
        (values,),
        np.mean,
        confidence_level=_CONFIDENCE,
        n_resamples=n_resamples,
        method="percentile",
        rng=np.random.default_rng(0),  # the same values give the same interval
    ).confidence_interval
    return interval.low, interval.high
