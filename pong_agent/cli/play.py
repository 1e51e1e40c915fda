"""`pong-agent play`."""

from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Literal

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.bounds import Share
from pong_agent.cli.arguments import EmulatorFrames, Number, Output, Scale, Seed, expanded
from pong_agent.cli.output import progress_bar, sentence, table, with_interval, write_json
from pong_agent.errors import ConfigError
from pong_agent.matches.match import MOST_FRAMES, MatchResult, MatchRules, play_match
from pong_agent.matches.match_video import record_match
from pong_agent.play.duel import Duel, Side
from pong_agent.play.window import import_pygame, run_window
from pong_agent.training.run_folder import load_agent

PRETRAINED_NAME = "pretrained"


@dataclass(frozen=True, kw_only=True)
class Play:
    """Play Pong against an agent in a window, or let two agents play each other.

    Both paddles move in the original game and obey the same rules. The window shows the keys.
    """

    against: str = PRETRAINED_NAME
    """Your opponent: a weights file, a run folder, or `pretrained`."""

    level: Literal["easy", "normal", "hard"] = "normal"
    """Share of its decisions the agent skips: two in five (easy), one in five (normal), none."""

    side: Side = "left"
    """Your side."""

    agent_vs_agent: tuple[str, str] | None = None
    """Two weights files, run folders or `pretrained`; they change sides after each game."""

    games: Number = 10
    """Number of games of --agent-vs-agent."""

    sampled: bool = False
    """Sample actions by their probabilities instead of taking the most probable one (greedy)."""

    sticky: Share = 0.25
    """Probability that the emulator repeats the last action."""

    seed: Seed = 0
    """Seed of the first game; the next game has SEED + 1, with --agent-vs-agent the next pair."""

    max_frames: EmulatorFrames = MOST_FRAMES
    """Most emulator frames per game, 60 per second."""

    video: Output | None = None
    """Record the first game in a new file, e.g. match.mp4."""

    scale: Scale = 4
    """Size of a game pixel in the video, in pixels."""

    json: Output | None = None
    """Also write the results to this file."""

    def run(self) -> int:
        """Play, print the points, and return the exit code."""
        if self.agent_vs_agent is None:
            return self._play_window()
        return self._play_match(*self.agent_vs_agent)

    def _play_window(self) -> int:
        import_pygame()  # its errors come before the emulators load
        duel = Duel(load_player(self.against), person=self.side, seed=self.seed)
        with closing(duel):
            you, agent = run_window(duel, self.level).games
        if you or agent:
            print(f"games won: you {you}, the agent {agent}")
        return 0

    def _play_match(self, first: str, second: str) -> int:
        path = self.video
        if path is not None and path.exists():
            raise ConfigError(f"video: expected a new file, found {path}")
        agents = load_player(first), load_player(second)
        video = record_match(path, second, first, self.scale) if path else nullcontext()
        with video as write, progress_bar(self.games, "games") as advance:
            result = play_match(
                *agents,
                self.games,
                MatchRules(self.seed, not self.sampled, self.sticky, self.max_frames),
                on_game=advance,
                on_frame=write,
            )
        print(f"{first} (first) against {second} (second)")
        print(_match_table(result))
        if self.video is not None:
            print(f"wrote {self.video}")
        if self.json is not None:
            write_json(self.json, {"first": first, "second": second, **result.to_dict()})
        return 0


def load_player(name: str) -> PongAgent:
    """Load an agent from a weights file or a run folder, or the package's own for `pretrained`."""
    return load_agent(PRETRAINED if name == PRETRAINED_NAME else expanded(name, "agent"))


def _match_table(result: MatchResult) -> str:
    """Return a row for each game, and a summary from the first agent's point of view."""
    rows = [
        (
            str(game.seed),
            "right" if game.first_is_right else "left",
            f"{game.first_points} : {game.second_points}",
            f"{game.frames / 3600:.1f}",
            "" if game.whole else "not finished",
        )
        for game in result.games
    ]
    finished = result.won + result.lost
    summary = (
        f"first won {result.won} and lost {result.lost} of {finished} finished games; "
        f"points of first less second: mean {result.mean:+.2f}"
    )
    summary = sentence(with_interval(summary, result.confidence_interval))
    return f"{table(('seed', 'first', 'points', 'minutes', '<'), rows)}\n{summary}"
