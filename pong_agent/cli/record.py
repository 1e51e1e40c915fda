"""`pong-agent record`."""

import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.cli.arguments import Number, Scale, Seed, check_output
from pong_agent.cli.episodes import Episodes, episodes_table
from pong_agent.cli.output import progress_bar
from pong_agent.errors import ConfigError
from pong_agent.evaluation.evaluate import episode_seeds, evaluate_policy, first_win
from pong_agent.evaluation.stage import Stage
from pong_agent.recording.gif import write_gif
from pong_agent.recording.record import VideoOptions, record_episodes
from pong_agent.recording.replay import replay
from pong_agent.recording.sidecar import Sidecar
from pong_agent.recording.timeline import TimelineOptions, telling_point, write_timeline
from pong_agent.training.milestones import read_stages
from pong_agent.whole_file import absolute_path

_POINTS = 21  # of the winner
_AFTER_POINT = 1.0  # seconds that a GIF shows of it
_MOST_TRIES = 100  # episodes of --until-win


@dataclass(frozen=True, kw_only=True)
class Record(Episodes):
    """Play whole episodes with an agent and record videos of them at 60 frames per second.

    Each video shows beside the game the score, action probabilities, value, network input and
    hidden units. Its sidecar NAME.json holds what replaying the episode takes.
    """

    episodes: Number = 1
    """Number of episodes, each in its own video."""

    numbers: tuple[Seed, ...] = ()
    """Record these episodes instead, by number from 0; episode I has the seed SEED + I."""

    best_of: Number | None = None
    """Play this many episodes and record only the best one."""

    worst_of: Number | None = None
    """Play this many episodes and record only the worst one."""

    until_win: bool = False
    """Play until the agent wins, at most 100 episodes, and record only that one."""

    video_folder: Path = Path("videos")
    """Folder for the videos, which are named PREFIX-episode-I.mp4 with the next free numbers I."""

    overwrite: bool = False
    """Replace older videos, numbering from 0 again."""

    name_prefix: str = "pong"
    """Beginning of the videos' names."""

    scale: Scale = 2
    """Size of a game pixel in the video, in pixels; the game has 160 x 210."""

    no_overlay: bool = False
    """Record the game alone, without the panel."""

    gif: bool = False
    """Also write a six-second GIF of the first video's winner scoring a point."""

    timeline: Path | None = None
    """Record games from along the training of this run folder, in VIDEO_FOLDER/timeline.mp4."""

    side_by_side: bool = False
    """With --timeline, show the run's first and last agent side by side, in before-after.mp4."""

    replay: Path | None = None
    """Replay a recorded episode from its NAME.json and check that every frame is identical."""

    def run(self) -> int:
        """Play and record, print returns and paths, and return the exit code."""
        if self.replay is not None:
            return _replay(self.replay)
        self._check()
        if self.timeline is not None:
            return self._record_timeline(read_stages(self.timeline))
        options = VideoOptions(
            name_prefix=self.name_prefix,
            scale=self.scale,
            overlay=not self.no_overlay,
            overwrite=self.overwrite,
        )
        agent, _ = self.load()
        seeds = self._seeds(agent)
        with progress_bar(_POINTS * len(seeds), "points of the winners") as advance:
            points = _Points(advance)
            result, paths = record_episodes(
                agent,
                self.video_folder,
                self.environment(agent),
                seeds,
                deterministic=not self.sampled,
                options=options,
                on_episode=points.end,
                on_point=points.count,
            )
        folder = absolute_path(self.video_folder)
        # Print the folder as it was given.
        paths = [self.video_folder / os.path.relpath(path, folder) for path in paths]
        print(episodes_table(result, paths))
        if self.gif:
            gif = paths[0].with_suffix(".gif")
            write_gif(paths[0], gif, width=320 if self.no_overlay else 640, end=_point(paths[0]))
            print(f"wrote {gif}")
        return 0

    def _record_timeline(self, stages: list[Stage]) -> int:
        """Record games from along a run's training, and return the exit code."""
        name, seconds = ("before-after", 12.0) if self.side_by_side else ("timeline", 6.0)
        path = self.video_folder / f"{name}.mp4"
        if not self.overwrite:
            path = _free(path)
        options = TimelineOptions(seconds=seconds, side_by_side=self.side_by_side, scale=self.scale)
        n_games = 2 if self.side_by_side else min(options.max_pieces, len(stages))
        environment = self.environment(PongAgent.load(stages[-1].weights)) if stages else None
        with progress_bar(n_games, "games") as advance:
            video = write_timeline(
                stages, path, options, env_id=environment, seed=self.seed, on_piece=advance
            )
        print(f"wrote {path}, {n_games} games, {video.duration:.0f} s")
        return 0

    def _check(self) -> None:
        """Raise ConfigError if options contradict each other or no video can be written."""
        check_output(self.video_folder / "video.mp4", "video_folder")
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
                "--timeline plays the run's own agents greedily: expected neither --sampled "
                "nor --weights"
            )

    def _seeds(self, agent: PongAgent) -> Sequence[int]:
        """Return the seeds of the episodes to record, playing others first to choose them."""
        if self.numbers:
            return [self.seed + number for number in self.numbers]
        n_played = self.worst_of if self.best_of is None else self.best_of
        if self.until_win:
            n_played = _MOST_TRIES
        if n_played is None:
            return episode_seeds(self.episodes, self.seed)
        played = (agent, self.environment(agent), n_played, not self.sampled, self.seed)
        with progress_bar(n_played, "episodes") as advance:
            if self.until_win:
                return [first_win(*played, on_episode=advance)]
            result = evaluate_policy(*played, on_episode=advance)
        return [result.worst_seed if self.best_of is None else result.best_seed]


class _Points:
    """Advances a progress bar with the points of the players who lead."""

    def __init__(self, advance: Callable[..., None]) -> None:
        self._advance, self._most = advance, 0

    def count(self, *score: int) -> None:
        """Take the score after a point."""
        for _ in range(max(score) - self._most):
            self._advance()
        self._most = max(score)

    def end(self, _episode: object) -> None:
        """Take the end of a game, which may come before 21 points."""
        self.count(_POINTS)
        self._most = 0


def _point(video: Path) -> float:
    """Return the second of a video just after the first point of the player who wins or leads."""
    sidecar = Sidecar.read(video.with_suffix(".json"))
    rewards = np.array([reward or 0.0 for reward in sidecar.rewards], np.float32)
    return telling_point(rewards, sidecar.frames) / sidecar.fps + _AFTER_POINT


def _free(path: Path) -> Path:
    """Return the first free name of `NAME.mp4`, `NAME-2.mp4`, ...

    Example:
        >>> _free(Path(__file__)).name
        'record-2.py'
    """
    others = (path.with_stem(f"{path.stem}-{n}") for n in itertools.count(2))
    return next(one for one in itertools.chain([path], others) if not os.path.lexists(one))


def _replay(path: Path) -> int:
    """Replay a recorded episode, print the result, and return 1 if it differs."""
    result = replay(path)
    if result.identical:
        alone = "" if result.video_found else "; the video itself is not there"
        counts = f"{result.frames:,} frames and {result.steps:,} agent steps"
        print(f"{path}: {counts}, all identical{alone}")
        return 0
    print(f"{path}: not identical: {result.difference}")
    return 1
