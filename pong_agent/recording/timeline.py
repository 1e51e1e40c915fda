"""Videos of how an agent learned: captioned pieces of games from along its training."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import numpy.typing as npt

from pong_agent.agent import PongAgent
from pong_agent.bounds import Bounds, Count, check_fields
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import ConfigError
from pong_agent.evaluation.stage import Stage
from pong_agent.learning.trajectory import Trajectory
from pong_agent.recording.captions import Caption, end_of_game, training_so_far
from pong_agent.recording.capture import EMULATOR_FPS
from pong_agent.recording.encoder import VideoError, VideoInfo, read_video_info
from pong_agent.recording.montage import Piece, write_montage
from pong_agent.recording.record import VideoOptions, record_episodes
from pong_agent.whole_file import absolute_path

_LOWEST_SCORE = -21.0


@dataclass(frozen=True, kw_only=True)
class TimelineOptions:
    """Content and layout of a timeline.

    Raises:
        ConfigError: a number is out of range.
    """

    seconds: Annotated[float, Bounds(0.1, 600)] = 6.0
    """Length of each piece; shorter if its game is."""

    side_by_side: bool = False
    """Show the first and the last stage side by side instead of all stages in succession."""

    scale: Count = 2
    """Each pixel becomes a block of `scale` x `scale` pixels."""

    max_pieces: Annotated[int, Bounds(2)] = 8
    """Most stages to show; `choose_stages` chooses them."""

    def __post_init__(self) -> None:
        check_fields(self)


def write_timeline(
    stages: Sequence[Stage],
    path: str | os.PathLike[str],
    options: TimelineOptions = TimelineOptions(),
    *,
    env_id: str | EnvSpec | None = None,
    seed: int = 0,
    on_piece: Callable[[Stage, Trajectory], None] | None = None,
) -> VideoInfo:
    """Record how an agent learned, at 60 frames per second, with captions above the games.

    Each stage plays one whole greedy game, all with the same seed, and its caption says how that
    game ends. The piece shown ends a second after the winner's first point, but does not begin
    before the first serve. Side by side, both games are shown at the seconds of the last stage's
    piece.

    The stages are in the order of the training, as `training.milestones.read_stages` returns them.
    By default the agents' own environment is played. `on_piece` is called after each game.

    Raises:
        ConfigError: the video's name is not one, or there are too few stages.
        CheckpointError: weights cannot be read.
        NotPongError: the environment is not Pong.
        VideoError: the video cannot be written; an older one stays.

    Example:
        >>> from pathlib import Path
        >>> with TemporaryDirectory() as folder:
        ...     weights = Path(folder, "w.npz")
        ...     PongAgent("reinforce").save(weights)
        ...     untrained = Stage(weights, agent_steps=0, seconds=0.0, score=None)
        ...     options = TimelineOptions(seconds=0.5, scale=2)
        ...     video = write_timeline([untrained], Path(folder, "a.mp4"), options)
        >>> video.frames, video.width, video.height
        (30, 320, 480)
    """
    video = absolute_path(path)
    if video.suffix != ".mp4":
        raise ConfigError(f"expected a video name that ends in .mp4, found {video.name!r}")
    if video.is_dir():
        raise VideoError(f"{video}: expected a file, found a folder")
    least = 2 if options.side_by_side else 1
    if len(stages) < least:
        expected = f"expected {least} or more points of the training"
        raise ConfigError(f"stages: {expected}, found {len(stages)}")
    # The montage enlarges the rest. Not from 1: yuv420p has a colour per 2 x 2 pixels.
    small = 2 if options.scale % 2 == 0 else options.scale
    pieces: list[Piece] = []
    try:
        video.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{video.stem}-", dir=video.parent) as folder:
            for stage in choose_stages(stages, 2 if options.side_by_side else options.max_pieces):
                look = VideoOptions(
                    name_prefix=f"{len(pieces)}", scale=small, end_card=False, overlay=False
                )
                agent, games = PongAgent.load(stage.weights).averaged(), list[Trajectory]()
                _, [game_video] = record_episodes(
                    agent, folder, env_id, [seed], options=look, on_episode=games.append
                )
                [game], frames = games, read_video_info(game_video).frames
                end = end_of_game(int((game.rewards > 0).sum()), int((game.rewards < 0).sum()))
                done = stage.agent_steps / max(1, stages[-1].agent_steps)
                caption = Caption(training_so_far(stage), end, done)
                point = telling_point(game.rewards, frames)
                pieces.append(Piece(game_video, frames, point, caption))
                if on_piece is not None:
                    on_piece(stage, game)
            scenes = [pieces] if options.side_by_side else [[piece] for piece in pieces]
            write_montage(scenes, video, round(options.seconds * EMULATOR_FPS), options.scale)
        return read_video_info(video)
    except (ImportError, OSError, VideoError) as error:
        reason = str(error).strip().rpartition("\n")[2]  # ffmpeg's last line gives the reason
        message = f"{video}: cannot be written: {reason or type(error).__name__}"
        raise VideoError(message) from error


def choose_stages(stages: Sequence[Stage], n: int) -> list[Stage]:
    """Return at most `n` stages, in order: the first, the last, and those with progress between.

    While there are too many, the one whose score differs least from the score before is dropped.

    Example:
        >>> from pathlib import Path
        >>> scores = [None, -20.6, -20.4, -12.0, 3.0, 3.1, 8.0]
        >>> stages = [Stage(Path("w.npz"), i, 0.0, score) for i, score in enumerate(scores)]
        >>> [stage.score for stage in choose_stages(stages, 4)]
        [None, -12.0, 3.0, 8.0]
    """
    chosen = list(stages)
    while len(chosen) > n:
        scores = [_LOWEST_SCORE if stage.score is None else stage.score for stage in chosen]
        news = np.abs(np.diff(scores[:-1]))  # of all but the first and the last
        del chosen[1 + int(np.argmin(news))]
    return chosen


def telling_point(rewards: npt.NDArray[np.float32], n_frames: int) -> int:
    """Return the frame of the first point of the player who wins or leads, 0 without points.

    `rewards` is [T], one per agent step. The result is exact if each step takes equally many of
    the game's `n_frames` frames, as with `ALE/Pong-v5`.

    Example:
        >>> telling_point(np.array([0, -1, 0, 1, 0, 1], np.float32), n_frames=25)
        16
    """
    points = np.flatnonzero(rewards * (1 if rewards.sum() > 0 else -1) > 0)
    return round((points[0] + 1) / len(rewards) * (n_frames - 1)) if points.size else 0
