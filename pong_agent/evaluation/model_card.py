"""What a weights file says about itself: where it comes from, and how it scores."""

import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.evaluation.evaluate import EvaluationResult, evaluate_policy


@dataclass(frozen=True)
class Setting:
    """An environment to score in, and how actions are chosen.

    Attributes:
        env_id: the environment.
        env_kwargs: its arguments.
        deterministic: greedy, or sampled.
    """

    env_id: str
    env_kwargs: Mapping[str, Any]
    deterministic: bool = True

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value}" for name, value in self.env_kwargs.items())
        return f"{self.env_id}{f' ({options})' if options else ''}"


SETTINGS = (
    Setting("ALE/Pong-v5", {}),
    Setting("ALE/Pong-v5", {}, deterministic=False),
    Setting("ALE/Pong-v5", {"repeat_action_probability": 0.0, "noop_max": 30}),
    Setting("Pong-v0", {}),
    Setting("Pong-v4", {}),
    Setting("PongNoFrameskip-v4", {"frameskip": 4}),
    Setting("ALE/Pong-v5", {"difficulty": 1}),
    Setting("ALE/Pong-v5", {"difficulty": 2}),
    Setting("ALE/Pong-v5", {"difficulty": 3}),
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
    """Evaluate an agent in several settings.

    Args:
        agent: who plays.
        n_episodes: whole episodes for each setting.
        seed: episode i of each setting has the seed `seed + i`.
        settings: where and how to play.
        n_workers: processes that play at the same time.
        on_result: called after each setting.

    Returns:
        For each setting what JSON can hold: the setting, the number of episodes, their first seed,
        the mean return, its 95 % interval and the mean length in agent steps.
    """
    scores = []
    for setting in settings:
        result = evaluate_policy(
            agent,
            setting.env_id,
            n_episodes,
            setting.deterministic,
            seed,
            env_kwargs=dict(setting.env_kwargs),
            n_workers=n_workers,
        )
        scores.append(
            {
                "env_id": setting.env_id,
                "env_kwargs": dict(setting.env_kwargs),
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


def current_commit() -> str | None:
    """Return the commit of the checkout that this package lies in, None where there is none.

    "-dirty" is added where files differ from it.
    """
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        ran = subprocess.run(  # noqa: S603  # a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return ran.stdout.strip()


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages, "not installed" for one that is used from its source alone.

    So it is with this package on the nodes of a cluster, which are sent its files.

    Example:
        >>> package_versions(["no-such-package"])
        {'no-such-package': 'not installed'}
    """
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
