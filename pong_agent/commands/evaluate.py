"""`pong-agent evaluate`: whole episodes, counted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pong_agent.checkpoint import atomic_replace
from pong_agent.commands.episodes import Episodes
from pong_agent.commands.lines import table
from pong_agent.evaluation.evaluate import evaluate_policy
from pong_agent.training.run_folder import RunError


@dataclass(frozen=True, kw_only=True)
class Evaluate(Episodes):
    """Play whole episodes with an agent and report their returns."""

    json: Path | None = None
    """File to write the results to."""

    def run(self) -> int:
        """Play, print the table, and return the exit code."""
        agent, weights = self.load()
        with self.bar(self.episodes) as bar:
            result = evaluate_policy(
                agent,
                self.env_id,
                self.episodes,
                deterministic=not self.sampled,
                seed=self.seed,
                env_kwargs=self.env_kwargs(),
                on_episode=lambda _: bar.update(),
            )
        print(table(result))
        if self.json is not None:
            _write_json(self.json, {"weights": str(weights), **result.to_dict()})
            print(f"wrote {self.json}")
        return 0


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replace(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error}") from error
