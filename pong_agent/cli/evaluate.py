"""`pong-agent evaluate`: whole episodes, counted."""

from dataclasses import dataclass
from pathlib import Path

from pong_agent.cli.episodes import Episodes
from pong_agent.cli.files import write_json
from pong_agent.cli.lines import table
from pong_agent.evaluation.evaluate import evaluate_policy


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
            write_json(self.json, {"weights": str(weights), **result.to_dict()})
            print(f"wrote {self.json}")
        return 0
