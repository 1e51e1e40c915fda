"""Contents of the page's sections: numbers, and images as data URIs."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.actions import NAMES
from pong_agent.agent import PongAgent
from pong_agent.envs.make import make_env
from pong_agent.evaluation.evaluate import play_episodes
from pong_agent.evaluation.scores import NOOP_MAX, STICKY
from pong_agent.learning.trajectory import Trajectory
from pong_agent.recording import EpisodeRecorder
from pong_agent.recording.encoder import read_video_info
from pong_agent.recording.palette import DOWN, NEGATIVE, POSITIVE, UP
from pong_agent.report.hidden_units import important_units
from pong_agent.report.inline_images import Colours, data_uri, outlines, signed_png
from pong_agent.report.moments import choose_moments, fields_at
from pong_agent.report.played_games import PlayedGames, rally_lengths
from pong_agent.report.provenance import Subject
from pong_agent.report.saliency import margin_gradient
from pong_agent.report.svg import rallies_plot
from pong_agent.report.words import DIFFICULTIES, frame_skip, trained_on, verdict
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import draw_field

_N_MOMENTS, _N_UNITS, _N_UNITS_OPEN = 4, 12, 4
_VIDEO_FRAMES = 300 * 60  # five minutes, longer than most games; about 1.1 MB at scale 2
_VIDEO_SCALE = 2
_POSTER_SECOND = 3.0  # a game begins without a ball and without the left paddle
_OPAQUE_PERCENTILE = 99.5  # of absolute values, so that single large weights do not pale the others


def scores(subject: Subject, games: PlayedGames) -> dict[str, Any]:
    """Return the agent's description and scores, with the settings they were made in."""
    seeds = games.usual.result.seeds
    return {
        "title": subject.title,
        "verdict": verdict(games.usual.result.returns),
        "closest": min(games.usual.result.returns),
        "best": max(games.usual.result.returns),
        "trained_on": trained_on(subject.agent),
        "difficulties": DIFFICULTIES,
        "agent": subject.agent,
        "frame_skip": frame_skip(subject.agent.config.env_id),
        "noop_max": NOOP_MAX,
        "sticky": STICKY,
        "games": games,
        "n": len(seeds),
        "seeds": f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}",
    }


def video(agent: PongAgent, games: PlayedGames) -> dict[str, Any]:
    """Record the beginning of the first game of the usual setting."""
    result, spec = games.usual.result, games.usual.setting.env
    rewards = games.trajectories[0].rewards
    frames = min(_VIDEO_FRAMES, spec.max_num_frames_per_episode or _VIDEO_FRAMES)
    env = make_env(spec, render_mode="rgb_array", max_num_frames_per_episode=frames)
    with tempfile.TemporaryDirectory() as folder:
        with EpisodeRecorder(env, folder, scale=_VIDEO_SCALE) as recorder:
            [game] = play_episodes(agent, recorder, result.seeds[:1], True)
        [path] = recorder.paths
        info = read_video_info(path)
        uri = data_uri(path.read_bytes(), "video/mp4")
        poster = data_uri(_still(path, min(_POSTER_SECOND, info.duration / 2)), "image/png")
    return {
        "uri": uri,
        "poster": poster,
        "info": info,
        "seed": result.seeds[0],
        "whole": game.length == result.lengths[0],
        "score": f"{(rewards < 0).sum()} : {(rewards > 0).sum()}",  # left : right
    }


def _still(path: Path, second: float) -> bytes:
    """Return a frame of a video as PNG, since a browser may show none before it plays."""
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-nostdin", "-v", "error", "-ss", f"{second:.2f}", "-i", str(path)]
    command += ["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
    ran = subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # no shell
    return ran.stdout


def rallies(games: PlayedGames) -> dict[str, Any]:
    """Return the plot and the summary of the greedy games' rally lengths."""
    won, lost = rally_lengths(games.trajectories)
    lengths = won + lost
    return {
        "plot": rallies_plot(won, lost),
        "won": len(won),
        "lost": len(lost),
        "median": float(np.median(lengths)) if lengths else 0.0,
        "longest": max(lengths, default=0),
    }


def saliency(agent: PongAgent, trajectory: Trajectory) -> dict[str, Any]:
    """Return gradient images of some moments of a game, all on one scale."""
    steps = choose_moments(trajectory, _N_MOMENTS)
    pairs = [fields_at(trajectory, step) for step in steps]
    gradients, margins = zip(*(margin_gradient(agent, *pair) for pair in pairs), strict=True)
    scale = _scale(np.stack(gradients))
    moments = []
    for step, pair, gradient, margin in zip(steps, pairs, gradients, margins, strict=True):
        [probabilities] = agent.examine(FieldHistory(*([one] for one in pair))).probabilities
        named = zip(("current", "previous"), gradient, pair, strict=True)
        moments.append(
            {
                "step": step,
                "margin": margin,
                "probabilities": list(zip(NAMES, probabilities.tolist(), strict=False)),
                "fields": [
                    (name, _image_uri(image, scale, (UP, DOWN)), outlines(draw_field(pixels)))
                    for name, image, pixels in named
                ],
            }
        )
    return {"moments": moments, "scale": scale, "seed": trajectory.seed}


def hidden_units(agent: PongAgent, games: PlayedGames) -> dict[str, Any]:
    """Return the weights of the most important hidden units, each on its own scale."""
    units, steps = important_units(agent, games.trajectories, _N_UNITS)
    two_frames = agent.config.observation == "two_frames"
    return {
        "units": [
            {"unit": unit, "uris": [_image_uri(one, _scale(unit.weights)) for one in unit.weights]}
            for unit in units
        ],
        "n_open": _N_UNITS_OPEN,
        "steps": steps,
        "rows": len(agent.parameters["W1"]),
        "names": ("current", "previous") if two_frames else ("difference",),
    }


def _image_uri(
    values: NDArray[np.floating], scale: float, colours: Colours = (POSITIVE, NEGATIVE)
) -> str:
    return data_uri(signed_png(values, scale, colours), "image/png")


def _scale(values: NDArray[np.floating]) -> float:
    """Return the absolute value to draw opaque."""
    return float(np.percentile(np.abs(values), _OPAQUE_PERCENTILE)) or 1.0
