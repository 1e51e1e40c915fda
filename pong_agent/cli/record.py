"""`pong-agent record`: whole episodes, filmed, and films played again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pong_agent.agent import PongAgent
from pong_agent.cli.episodes import Episodes
from pong_agent.cli.lines import table
from pong_agent.errors import ConfigError
from pong_agent.evaluation.choose import extreme_seed, first_win
from pong_agent.recording.captions import Stage
from pong_agent.recording.encoder import write_gif
from pong_agent.recording.record import record_episodes
from pong_agent.recording.replay import replay
from pong_agent.recording.timeline import write_timeline
from pong_agent.training.snapshots import read_stages

_MOST_PIECES = 8  # of a timeline


@dataclass(frozen=True, kw_only=True)
class Record(Episodes):
    """Play whole episodes with an agent and film them, every emulator frame at 60 per second.

    Beside the game each film shows score, probabilities, action, value, input and hidden units.
    NAME.json next to it holds what it takes to play the episode again.
    """

    episodes: int = 1
    """Number of episodes, each a film of its own."""

    numbers: tuple[int, ...] = ()
    """Film these episodes alone, by their number from 0; their seed is SEED plus the number."""

    best_of: int | None = None
    """Play so many episodes and film the best one alone."""

    worst_of: int | None = None
    """Play so many episodes and film the worst one alone."""

    until_win: bool = False
    """Play until the agent wins, at most 100 episodes, and film that one alone."""

    video_folder: Path = Path("videos")
    """Folder of the films, named PREFIX-episode-I.mp4."""

    name_prefix: str = "pong"
    """Beginning of the films' names."""

    scale: int = 4
    """Size of a Pong pixel in the film, in pixels; the game is 160 x 210 times as large."""

    no_overlay: bool = False
    """Film the game alone, without what the agent sees and decides beside it."""

    gif: bool = False
    """Also cut a GIF of six seconds from the first film."""

    timeline: Path | None = None
    """Film how the agent of this run folder learned, in VIDEO_FOLDER/timeline.mp4."""

    side_by_side: bool = False
    """With --timeline, show its beginning and its end beside each other, in before-after.mp4."""

    replay: Path | None = None
    """Play a filmed episode again, from its NAME.json, and tell whether all frames are the same."""

    def run(self) -> int:
        """Play and film, print returns and paths, and return the exit code."""
        if self.replay is not None:
            return _replay(self.replay)
        self._check()
        if self.timeline is not None:
            return self._film_timeline(read_stages(self.timeline))
        agent, _ = self.load()
        seeds = self._seeds(agent)
        with self.bar(len(seeds)) as bar:
            result, paths = record_episodes(
                agent,
                self.video_folder,
                self.env_id,
                deterministic=not self.sampled,
                seeds=seeds,
                env_kwargs=self.env_kwargs(),
                name_prefix=self.name_prefix,
                scale=self.scale,
                overlay=not self.no_overlay,
                on_episode=lambda _: bar.update(),
            )
        print(table(result, paths))
        if self.gif:
            gif = paths[0].with_suffix(".gif")
            write_gif(paths[0], gif, width=320 if self.no_overlay else 640)
            print(f"wrote {gif}")
        return 0

    def _film_timeline(self, stages: list[Stage]) -> int:
        """Film games from along a run's training, and return the exit code."""
        path = self.video_folder / f"{'before-after' if self.side_by_side else 'timeline'}.mp4"
        n_games = 2 if self.side_by_side else min(_MOST_PIECES, len(stages))
        with self.bar(n_games) as bar:
            film = write_timeline(
                stages,
                path,
                seconds=12.0 if self.side_by_side else 6.0,
                seed=self.seed,
                side_by_side=self.side_by_side,
                scale=self.scale,
                max_pieces=_MOST_PIECES,
                env_id=self.env_id,
                env_kwargs=self.env_kwargs(),
                on_piece=lambda *_: bar.update(),
            )
        print(f"wrote {path}, {n_games} games, {film.duration:.0f} s")
        return 0

    def _check(self) -> None:
        """Refuse ways to choose episodes that contradict each other.

        Raises:
            ConfigError: with those that were given.
        """
        asked = {
            "--numbers": bool(self.numbers),
            "--best-of": self.best_of is not None,
            "--worst-of": self.worst_of is not None,
            "--until-win": self.until_win,
            "--timeline": self.timeline is not None,
        }
        given = [name for name, one in asked.items() if one]
        if len(given) > 1:
            raise ConfigError(f"expected one of {', '.join(asked)}, found {' and '.join(given)}")
        if self.side_by_side and self.timeline is None:
            raise ConfigError("--side-by-side: expected --timeline RUN with it, found none")
        if self.timeline is not None and (self.sampled or self.weights is not None):
            raise ConfigError(
                "--timeline plays greedily what is in the run folder: it takes "
                "neither --sampled nor --weights"
            )
        if any(number < 0 for number in self.numbers):
            raise ConfigError(f"--numbers: expected 0 or more, found {self.numbers}")

    def _seeds(self, agent: PongAgent) -> list[int]:
        """Return the seeds of the episodes to film, for which others may have to be played."""
        if self.numbers:
            return [self.seed + number for number in self.numbers]
        if self.until_win:
            return [self._chosen(agent, 100, first_win)]
        for n_episodes, sign in ((self.best_of, 1), (self.worst_of, -1)):
            if n_episodes is not None:
                return [self._chosen(agent, n_episodes, extreme_seed, sign=sign)]
        if self.episodes < 1:
            raise ConfigError(f"episodes: expected 1 or more, found {self.episodes}")
        return [self.seed + number for number in range(self.episodes)]

    def _chosen(
        self, agent: PongAgent, n_episodes: int, choose: Callable[..., int], **options: Any
    ) -> int:
        with self.bar(n_episodes) as bar:
            return choose(
                agent,
                self.env_id,
                n_episodes,
                deterministic=not self.sampled,
                seed=self.seed,
                env_kwargs=self.env_kwargs(),
                on_episode=lambda _: bar.update(),
                **options,
            )


def _replay(path: Path) -> int:
    """Play a film again and print what came of it; the exit code is 1 where it differs."""
    result = replay(path)
    if result.identical:
        print(f"{path}: {result.frames:,} frames and {result.steps:,} agent steps, all identical")
        return 0
    print(f"{path}: not the same: {result.difference}")
    return 1
