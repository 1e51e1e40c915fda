"""`pong-agent evaluate`."""

from dataclasses import dataclass
from typing import Annotated

from pong_agent.bounds import Bounds
from pong_agent.cli.arguments import Output
from pong_agent.cli.episodes import Episodes, episodes_table
from pong_agent.cli.output import progress_bar, write_json
from pong_agent.evaluation.evaluate import evaluate_policy


@dataclass(frozen=True, kw_only=True)
class Evaluate(Episodes):
    """Play whole episodes with an agent and report their returns."""

    workers: Annotated[int, Bounds(-1, 256)] = 1
    """Processes that play in parallel; -1 uses all usable CPUs."""

    json: Output | None = None
    """Also write the results to this file."""

    def run(self) -> int:
        """Play, print the table, and return the exit code."""
        agent, weights = self.load()
        with progress_bar(self.episodes, "episodes") as advance:
            result = evaluate_policy(
                agent,
                self.environment(agent),
                self.episodes,
                deterministic=not self.sampled,
                seed=self.seed,
                n_workers=self.workers,
                on_episode=advance,
            )
        print(episodes_table(result))
        if self.json is not None:
            write_json(self.json, {"weights": str(weights), **result.to_dict()})
        return 0
