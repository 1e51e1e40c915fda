"""A film of how an agent learned: pieces of games from along its training, each with a caption."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from pong_agent.agent import PongAgent
from pong_agent.errors import ConfigError
from pong_agent.evaluation.stage import Stage
from pong_agent.learning.batch import Trajectory
from pong_agent.recording.captions import Caption, end_of_game, training_so_far
from pong_agent.recording.capture import EMULATOR_FPS
from pong_agent.recording.encoder import VideoError, VideoInfo, read_video_info
from pong_agent.recording.montage import Piece, write_montage
from pong_agent.recording.record import record_episodes

_LOWEST_SCORE = -21.0


def write_timeline(
    stages: Sequence[Stage],
    path: str | os.PathLike[str],
    *,
    seconds: float = 6.0,
    seed: int = 0,
    side_by_side: bool = False,
    scale: int = 4,
    max_pieces: int = 8,
    env_id: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    on_piece: Callable[[Stage, Trajectory], None] | None = None,
) -> VideoInfo:
    """Film how an agent learned, at the true 60 frames per second, with captions above the picture.

    Each stage plays one whole greedy game, all with the same seed, and its caption says how that
    ends. Of each game a piece is shown that tells how: whoever wins it makes the first point there.
    It ends a second after that point, or begins with the first serve if that is later. Side by
    side both games are shown at the same seconds, those of the last stage's piece.

    Args:
        stages: points of the training, in order; `training.milestones.read_stages` finds a run's.
        path: the film, ending in `.mp4`; missing folders are made, an older film is replaced when
            the new one is whole.
        seconds: length of each piece, 0.1 to 600; shorter where a game is.
        seed: seed of the games, 0 or more.
        side_by_side: show the first and the last stage next to each other at the same time, by
            default all are shown one after the other.
        scale: each pixel becomes a block of `scale` x `scale` pixels.
        max_pieces: most stages to show, 2 or more; see `choose_stages`.
        env_id: a Pong environment; by default the one that the agent learned in.
        env_kwargs: arguments of the environment, as for `evaluate_policy`.
        on_piece: called with each stage and the whole game that it played.

    Returns:
        What the film holds, read back from it.

    Raises:
        ConfigError: a number or the film's name is out of range, or there are too few stages.
        CheckpointError: weights cannot be read.
        NotPongError: the environment is not Pong.
        VideoError: the film cannot be written; an older one stays.

    Example:
        >>> with TemporaryDirectory() as folder:
        ...     weights = Path(folder, "w.npz")
        ...     PongAgent("reinforce").save(weights)
        ...     untrained = Stage(weights, agent_steps=0, seconds=0.0, score=None)
        ...     film = write_timeline([untrained], Path(folder, "a.mp4"), seconds=0.5, scale=2)
        >>> film.frames, film.width, film.height
        (30, 320, 480)
    """
    film = Path(path).absolute()
    _check_numbers(film, seconds, scale, max_pieces)
    least = 2 if side_by_side else 1
    if len(stages) < least:
        raise ConfigError(
            f"stages: expected {least} or more points of the training, found {len(stages)}"
        )
    shown = choose_stages(stages, 2 if side_by_side else max_pieces)
    options = {
        "env_id": env_id,
        "env_kwargs": None if env_kwargs is None else dict(env_kwargs),
        "seed": seed,
        "overlay": False,
        # The cut enlarges the rest. Not from 1: yuv420p has one colour for each 2 x 2 pixels.
        "scale": 2 if scale % 2 == 0 else scale,
    }
    pieces: list[Piece] = []
    try:
        film.parent.mkdir(parents=True, exist_ok=True)
        # Beside the film, so that the last step is a rename on one disk.
        with TemporaryDirectory(prefix=f".{film.stem}-", dir=film.parent) as folder:
            for number, stage in enumerate(shown):
                game, game_film = _play(stage, folder, {**options, "name_prefix": f"{number}"})
                frames = read_video_info(game_film).frames
                done = stage.agent_steps / max(1, stages[-1].agent_steps)
                pieces.append(
                    Piece(
                        game_film,
                        frames,
                        telling_point(game.rewards, frames),
                        Caption(training_so_far(stage), _end(game), done),
                    )
                )
                if on_piece is not None:
                    on_piece(stage, game)
            scenes = [pieces] if side_by_side else [[piece] for piece in pieces]
            part = Path(folder, "whole.mp4")
            info = write_montage(scenes, part, round(seconds * EMULATOR_FPS), scale)
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(film)
    except (VideoError, OSError) as error:
        raise VideoError(f"{film}: expected to put a film there: {_last_line(error)}") from error
    return info


def choose_stages(stages: Sequence[Stage], n: int) -> list[Stage]:
    """Return `n` stages at most, in order: the first, the last, and between them those with news.

    While there are too many, the one whose score differs least from the score before is left out.

    Args:
        stages: points of the training, in order.
        n: how many to keep, 2 or more.

    Example:
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
    """Find the first point in a game of the player who wins it, or leads at its end.

    Args:
        rewards: [T] float32, of each agent step: 1 for the agent's points, -1 for the opponent's.
        n_frames: frames of the whole game. Where each step takes equally many of them, as with
            `ALE/Pong-v5`, the result is exact.

    Returns:
        The frame with the point, 0 where there was none.

    Example:
        >>> telling_point(np.array([0, -1, 0, 1, 0, 1], np.float32), n_frames=25)
        16
    """
    points = np.flatnonzero(rewards * (1 if rewards.sum() > 0 else -1) > 0)
    return round((points[0] + 1) / len(rewards) * (n_frames - 1)) if points.size else 0


def _end(game: Trajectory) -> str:
    return end_of_game(int((game.rewards > 0).sum()), int((game.rewards < 0).sum()))


def _check_numbers(film: Path, seconds: float, scale: int, max_pieces: int) -> None:
    """Raise ConfigError where something is out of range."""
    if film.suffix != ".mp4":
        raise ConfigError(f"expected a film name that ends in .mp4, found {film.name!r}")
    if not 0.1 <= seconds <= 600:  # also for NaN
        raise ConfigError(f"seconds: expected 0.1 to 600, found {seconds}")
    if scale < 1:
        raise ConfigError(f"scale: expected 1 or more, found {scale}")
    if max_pieces < 2:
        raise ConfigError(f"max_pieces: expected 2 or more, found {max_pieces}")


def _play(stage: Stage, folder: str, options: Mapping[str, Any]) -> tuple[Trajectory, Path]:
    """Film one whole greedy game of a stage."""
    agent = PongAgent.load(stage.weights).averaged()
    games: list[Trajectory] = []
    _, [film] = record_episodes(agent, folder, on_episode=games.append, **options)
    return games[0], film


def _last_line(error: Exception) -> str:
    """Return the last line of an error's text, where ffmpeg says what was wrong."""
    return str(error).strip().rpartition("\n")[2] or type(error).__name__
