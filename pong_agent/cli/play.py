"""`pong-agent play`: a person against an agent, or agent against agent."""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.cli.files import write_json
from pong_agent.errors import ConfigError
from pong_agent.matches.match import LONGEST, MatchResult, play_match
from pong_agent.matches.match_video import MatchVideo
from pong_agent.play.duel import Duel, Side
from pong_agent.play.window import run_window
from pong_agent.training.run_folder import load_agent

PRETRAINED_NAME = "pretrained"


@dataclass(frozen=True, kw_only=True)
class Play:
    """Play Pong against an agent in a window, or let two agents play against each other.

    Both paddles are on the stock emulator and obey the same rules. The window shows the keys.
    """

    against: str = PRETRAINED_NAME
    """Whom you play against: a weights file, a run folder, or `pretrained`."""

    level: Literal["easy", "normal", "hard"] = "normal"
    """Decisions that lapse: two of five (easy), one of five (normal), none (hard)."""

    side: Side = "left"
    """Your side."""

    agent_vs_agent: tuple[str, str] | None = None
    """Two weights files, run folders, or `pretrained`, which change sides after each game."""

    games: int = 10
    """Number of games of --agent-vs-agent."""

    sampled: bool = False
    """Sample actions; by default the most probable one is taken (greedy)."""

    sticky: float = 0.25
    """Probability that an action is sticky."""

    seed: int = 0
    """Games 2 i and 2 i + 1 have the seed SEED + i; in the window, game i."""

    max_frames: int = LONGEST
    """Emulated frames of a game at the most, 60 per second."""

    film: Path | None = None
    """Film the first game, e.g. match.mp4."""

    scale: int = 4
    """Size of an emulator's pixel in pixels of the film."""

    json: Path | None = None
    """File to write the results to."""

    def run(self) -> int:
        """Play, print the points, and return the exit code."""
        if self.agent_vs_agent is None:
            return self._play_window()
        return self._play_match(*self.agent_vs_agent)

    def _play_window(self) -> int:
        duel = Duel(load_player(self.against), person=self.side, seed=self.seed)
        with closing(duel):
            you, agent = run_window(duel, self.level).games
        if you or agent:
            print(f"games won: you {you}, the agent {agent}")
        return 0

    def _play_match(self, first: str, second: str) -> int:
        agents = load_player(first), load_player(second)
        with ExitStack() as stack:
            film = None
            if self.film is not None:
                film = stack.enter_context(_open_film(self.film, second, first, self.scale))
            bar = stack.enter_context(
                tqdm(total=self.games, unit="game", disable=None, leave=False)
            )
            result = play_match(
                *agents,
                self.games,
                seed=self.seed,
                deterministic=not self.sampled,
                sticky=self.sticky,
                max_frames=self.max_frames,
                on_game=lambda _: bar.update(),
                film=None if film is None else film.write,
            )
        print(match_table(result, first, second))
        if self.film is not None:
            print(f"wrote {self.film}")
        if self.json is not None:
            write_json(self.json, {"first": first, "second": second, **result.to_dict()})
            print(f"wrote {self.json}")
        return 0


def load_player(name: str) -> PongAgent:
    """Load an agent from a weights file or a run folder, or the package's own for `pretrained`."""
    return load_agent(PRETRAINED if name == PRETRAINED_NAME else name)


def match_table(result: MatchResult, first: str, second: str) -> str:
    """Return a row for each game, and the summary in the first agent's eyes."""
    rows = [f"{first} (first) against {second} (second)"]
    rows.append(f"{'seed':>10}  {'first':>6}  {'points':>7}  {'minutes':>7}")
    for game in result.games:
        side = "right" if game.first_is_right else "left"
        points = f"{game.first_points} : {game.second_points}"
        cut = "" if game.whole else "  not finished"
        rows.append(f"{game.seed:>10}  {side:>6}  {points:>7}  {game.frames / 3600:>7.1f}{cut}")
    summary = (
        f"first won {result.won} and lost {result.lost} of {len(result.games)}; "
        f"points of first less second: mean {result.mean:+.2f}"
    )
    if result.confidence_interval is not None:
        low, high = result.confidence_interval
        summary += f", 95 % interval {low:+.2f} to {high:+.2f}"
    return "\n".join([*rows, summary])


def _open_film(path: Path, left: str, right: str, scale: int) -> MatchVideo:
    if path.suffix != ".mp4" or scale < 1:
        raise ConfigError(
            f"film and scale: expected a name that ends in .mp4 and 1 or more, "
            f"found {str(path)!r} and {scale}"
        )
    return MatchVideo(path, left, right, scale=scale)
