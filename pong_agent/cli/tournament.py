"""`pong-agent tournament`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pong_agent.agent import PongAgent
from pong_agent.bounds import Bounds, Share
from pong_agent.cli.arguments import EmulatorFrames, Number, Output, Seed
from pong_agent.cli.output import progress_bar, table, write_json
from pong_agent.cli.play import PRETRAINED_NAME, load_player
from pong_agent.errors import require
from pong_agent.evaluation.stage import Stage
from pong_agent.matches.match import MatchRules
from pong_agent.matches.standings import draw_tournament
from pong_agent.matches.tournament import TOURNAMENT_RULES, Entrant, Standings, play_tournament
from pong_agent.plots.figure import check_suffix
from pong_agent.training.milestones import read_stages


@dataclass(frozen=True)
class Tournament:
    """Rate the agents along a run by a round-robin tournament on both sides.

    Prints Elo ratings with 95 % intervals and draws them. Every point counts as a game, so that
    few games suffice; the mean rating is 0.
    """

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Run folder, whose snapshots and newest checkpoint take part."""

    entrants: Annotated[int, Bounds(2, 100)] = 8
    """Most agents to take from the run, evenly spaced from its first to its last."""

    with_pretrained: bool = False
    """Add the pretrained agent."""

    games: Number = 2
    """Games per pair, on alternating sides."""

    seed: Seed = 0
    """Seed of the first two games of each pair."""

    sticky: Share = 0.25
    """Probability that the emulator repeats the last action."""

    max_frames: EmulatorFrames = TOURNAMENT_RULES.max_frames
    """Most emulator frames per game, 60 per second; the points made until then count."""

    output: Output = Path("tournament.png")
    """Image to write: .png, .svg or .pdf."""

    json: Output | None = None
    """Also write the ratings and games to this file."""

    def run(self) -> int:
        """Play, print the ratings, and return the exit code."""
        check_suffix(self.output)
        require("matplotlib.figure", "plot")  # before minutes of games
        rules = MatchRules(self.seed, sticky=self.sticky, max_frames=self.max_frames)
        entrants = self._entrants()
        n_pairs = len(entrants) * (len(entrants) - 1) // 2
        with progress_bar(n_pairs * self.games, "games") as advance:
            standings = play_tournament(entrants, self.games, rules, on_game=advance)
        print(_ratings_table(standings))
        if self.json is not None:
            write_json(self.json, standings.to_dict())
        draw_tournament(standings, self.output)
        print(f"wrote {self.output}")
        return 0

    def _entrants(self) -> list[Entrant]:
        entrants = [
            Entrant(
                f"{stage.agent_steps / 1000:,.0f} k steps",
                PongAgent.load(stage.weights).averaged(),
                stage.agent_steps,
            )
            for stage in spread(read_stages(self.run_folder), self.entrants)
        ]
        if self.with_pretrained:
            entrants.append(Entrant(PRETRAINED_NAME, load_player(PRETRAINED_NAME)))
        return entrants


def spread(stages: list[Stage], n: int) -> list[Stage]:
    """Return at most `n` of a run's stages, evenly spaced, with the first and the last.

    Example:
        >>> stages = [Stage(Path(f"{i}.npz"), i, 0.0, None) for i in range(10)]
        >>> [stage.agent_steps for stage in spread(stages, 4)]
        [0, 3, 6, 9]
    """
    if len(stages) <= n:
        return stages
    return [stages[round(i * (len(stages) - 1) / (n - 1))] for i in range(n)]


def _ratings_table(standings: Standings) -> str:
    """Return a row for each entrant, the strongest first."""
    rows = [
        (
            one.name,
            f"{one.elo:+.0f}",
            f"{one.low:+.0f} to {one.high:+.0f}",
            f"{one.points_for} : {one.points_against}",
        )
        for one in sorted(standings.ratings, key=lambda one: -one.elo)
    ]
    return table(("agent", "Elo", "95 % interval", "points"), rows)
