"""The settings in which agents are scored: for model cards, exported weights and the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation.evaluate import evaluate_policy
from pong_agent.evaluation.result import EvaluationResult

STICKY = (0.0, 0.25)  # probabilities that the emulator repeats the last action
DIFFICULTIES = (0, 1, 2, 3)  # of the built-in opponent
NOOP_MAX = 30  # no-op frames where nothing is sticky: otherwise all greedy games would be the same


@dataclass(frozen=True)
class Setting:
    """An environment to score in, and how actions are chosen."""

    env: EnvSpec
    deterministic: bool = True  # greedy, or sampled

    @property
    def env_kwargs(self) -> dict[str, Any]:
        """Arguments of the environment that are set, as JSON types."""
        return {name: value for name, value in self.env.to_dict().items() if name != "env_id"}

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value}" for name, value in self.env_kwargs.items())
        return f"{self.env.env_id}{f' ({options})' if options else ''}"


_PONG = EnvSpec("ALE/Pong-v5")  # sticky actions with probability 0.25, difficulty 0

SETTINGS = (
    Setting(_PONG),
    Setting(_PONG, deterministic=False),
    Setting(replace(_PONG, repeat_action_probability=0.0, noop_max=NOOP_MAX)),
    Setting(EnvSpec("Pong-v0")),
    Setting(EnvSpec("Pong-v4")),
    Setting(EnvSpec("PongNoFrameskip-v4", frameskip=4)),
    *(Setting(replace(_PONG, difficulty=level)) for level in DIFFICULTIES[1:]),
)


def difficulty_grid(env: EnvSpec) -> tuple[tuple[Setting, ...], ...]:
    """Return greedy settings of an environment: for each of DIFFICULTIES one for each of STICKY.

    Example:
        >>> [str(setting) for setting in difficulty_grid(EnvSpec("ALE/Pong-v5"))[3]][1]
        'ALE/Pong-v5 (repeat_action_probability 0.25, difficulty 3)'
    """
    columns = [
        replace(
            env, repeat_action_probability=sticky, noop_max=env.noop_max if sticky else NOOP_MAX
        )
        for sticky in STICKY
    ]
    return tuple(
        tuple(Setting(replace(column, difficulty=level)) for column in columns)
        for level in DIFFICULTIES
    )


def score(
    agent: PongAgent,
    n_episodes: int,
    seed: int,
    *,
    settings: Sequence[Setting] = SETTINGS,
    n_workers: int = 1,
    on_result: Callable[[Setting, EvaluationResult], None] | None = None,
) -> list[dict[str, Any]]:
    """Evaluate an agent in several settings, and return the statistics of each as JSON types."""
    scores = []
    for setting in settings:
        result = evaluate_policy(
            agent, setting.env, n_episodes, setting.deterministic, seed, n_workers=n_workers
        )
        scores.append(
            {
                "env_id": setting.env.env_id,
                "env_kwargs": setting.env_kwargs,
                "deterministic": setting.deterministic,
                "episodes": n_episodes,
                "first_seed": seed,
                "mean_reward": result.mean,
                "confidence_interval_95": result.confidence_interval,
                "mean_ep_length": sum(result.lengths) / n_episodes,
            }
        )
        if on_result is not None:
            on_result(setting, result)
    return scores
