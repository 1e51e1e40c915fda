"""Timelines of real games, compared frame by frame with videos of the same games."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from video_frames import decode, names

from pong_agent import CheckpointError, ConfigError, PongAgent
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation.stage import Stage
from pong_agent.recording import encoder
from pong_agent.recording.captions import (
    BAR_HEIGHT,
    Caption,
    draw_captions,
    end_of_game,
    training_so_far,
)
from pong_agent.recording.encoder import VideoError, VideoWriter, read_video_info
from pong_agent.recording.montage import Piece, span
from pong_agent.recording.palette import AGENT
from pong_agent.recording.record import VideoOptions, record_episodes
from pong_agent.recording.timeline import (
    TimelineOptions,
    choose_stages,
    telling_point,
    write_timeline,
)

# 4.7 s, within which untrained agents lose a point.
SHORT = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=280)
SCALE = 2
BRIEF = TimelineOptions(seconds=0.2, scale=SCALE)
BAR = BAR_HEIGHT * SCALE


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """The same network three times: as it starts, another one, and the trained agent."""
    folder = tmp_path_factory.mktemp("weights")
    for seed in (0, 1):
        PongAgent("reinforce", seed=seed).export(folder / f"{seed}.npz", {})
    PongAgent.pretrained().export(folder / "2.npz", {})
    return [
        Stage(folder / "0.npz", 0, seconds=0.0, score=None),
        Stage(folder / "1.npz", 25_000, seconds=4.0, score=-20.4),
        Stage(folder / "2.npz", 100_000, seconds=65.0, score=3.5),
    ]


@pytest.fixture(scope="module")
def games(stages, tmp_path_factory):
    """For each stage its game and all frames of it, [N, 420, 320, 3]."""
    folder = tmp_path_factory.mktemp("videos")
    played = []
    for stage in stages:
        agent, trajectories = PongAgent.load(stage.weights), []
        _, [video] = record_episodes(
            agent,
            folder / str(len(played)),
            SHORT,
            [3],
            options=VideoOptions(scale=SCALE, end_card=False, overlay=False),
            on_episode=trajectories.append,
        )
        played.append((trajectories[0], decode(video)))
    return played


def shown(game, frames, length):
    """The frames of a game that a piece of it is to show."""
    rewards = game.rewards.tolist()
    point = 4 * (rewards.index(-1.0) + 1) if -1.0 in rewards else 0  # nobody wins one so early
    first = min(max(54, point + 60 - length), len(frames) - 2 - length)
    return frames[first : first + length]


def assert_same_frames(found, expected):
    """Each frame is that of the other video, and not one of its neighbours."""
    assert np.abs(found.astype(np.int16) - expected).mean(axis=(1, 2, 3)).max() < 2
    ball = (expected[:, 68:388] > 220).all(axis=-1)  # walls lie outside of these rows
    assert (found[:, 68:388][ball] > 180).all()


def assert_same_caption(found, expected):
    """What is drawn above the game is there in every frame."""
    assert np.abs(found[:, :BAR].astype(np.int16) - expected[:BAR]).mean() < 3


def test_pieces_follow_each_other_with_their_captions(stages, games, tmp_path):
    """Each stage's game is shown around its first point, below a caption that says what it is."""
    assert [game.episode_return for game, _ in games] == [-1, -1, 0]
    seen = []
    info = write_timeline(
        stages,
        tmp_path / "new" / "a.mp4",
        TimelineOptions(seconds=0.7, scale=SCALE),
        env_id=SHORT,
        seed=3,
        on_piece=lambda stage, game: seen.append((stage, game.episode_return)),
    )
    assert (info.frames, info.width, info.height) == (3 * 42, 320, 420 + BAR)
    assert (info.fps, info.codec, info.pixel_format) == (60, "h264", "yuv420p")
    assert names(tmp_path / "new") == ["a.mp4"]
    assert seen == [
        (stage, game.episode_return) for stage, (game, _) in zip(stages, games, strict=True)
    ]
    captions = [
        Caption(training_so_far(stage), end_of_game(0, round(-game.episode_return)), done)
        for stage, (game, _), done in zip(stages, games, (0.0, 0.25, 1.0), strict=True)
    ]
    shots = decode(tmp_path / "new" / "a.mp4")
    for number, (caption, game) in enumerate(zip(captions, games, strict=True)):
        piece = shots[42 * number : 42 * (number + 1)]
        assert_same_frames(piece[:, BAR:], shown(*game, 42))
        assert_same_caption(piece, draw_captions([caption], captions, SCALE))


def test_before_and_after_are_shown_at_the_same_time(stages, games, tmp_path):
    """The first stage is left and the last one right, frame by frame at the same moment."""
    video = tmp_path / "a.mp4"
    options = TimelineOptions(seconds=0.5, side_by_side=True, scale=SCALE)
    info = write_timeline(stages, video, options, env_id=SHORT, seed=3)
    assert (info.frames, info.width, info.height) == (30, 648, 420 + BAR)
    shots = decode(video)
    for left, (_, frames) in ((0, games[0]), (328, games[-1])):
        panel = shots[:, BAR:, left : left + 320]
        assert_same_frames(panel, frames[54:84])  # the last stage's game has no point
    gap = shots[:, :, 322:326]
    assert gap.max() < 60


def test_a_piece_is_no_longer_than_its_game(stages, games, tmp_path):
    """Where a game ends early its piece does too, and begins before the first serve if need be."""
    video, shorter = tmp_path / "a.mp4", replace(SHORT, max_num_frames_per_episode=100)
    info = write_timeline(
        stages[:1], video, TimelineOptions(seconds=9, scale=SCALE), env_id=shorter, seed=3
    )
    frames = games[0][1]
    assert 96 <= info.frames < 101
    assert_same_frames(decode(video)[:, BAR:], frames[: info.frames])


def test_the_telling_point_is_the_winners_first():
    """For steps of four frames it is found exactly; without points there is none."""
    rewards = np.zeros(50, np.float32)
    assert telling_point(rewards, 201) == 0
    rewards[[9, 30]] = -1
    assert telling_point(rewards, 201) == 40
    rewards[[19, 20, 40]] = 1
    assert telling_point(rewards, 201) == 80


@pytest.mark.parametrize(
    ("points", "frames", "expected"),
    [
        ([0], [1000], (54, 360)),  # the first serve
        ([300], [1000], (54, 360)),
        ([500], [1000], (200, 360)),  # ends a second after the point
        ([990], [1000], (638, 360)),  # or with the game
        ([0], [400], (38, 360)),
        ([0], [100], (0, 98)),
        ([100, 900], [1000, 3000], (600, 360)),  # side by side the last one's point counts
        ([100, 2900], [1000, 3000], (638, 360)),  # while both games are played
    ],
)
def test_what_is_shown_of_a_game(points, frames, expected):
    """The first frame and the number of frames, of 360 that are asked for."""
    caption = Caption("", "", 0.0)
    scene = [
        Piece(Path("a.mp4"), n, point, caption) for n, point in zip(frames, points, strict=True)
    ]
    assert span(scene, 360) == expected


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_scale_is_an_even_size_with_a_caption_that_fits(scale):
    """Captions are light on dark and keep a margin at both sides; nothing is drawn on the game."""
    texts = ("4,206,672 steps · 12 h 29 min · score +17.9", end_of_game(21, 19))
    caption = Caption(*texts, done=0.5)
    canvas = draw_captions([caption], [caption], scale)
    assert canvas.shape == (240 * scale, 160 * scale, 3)
    text = (canvas[: 24 * scale] > 100).any(axis=-1)
    assert text.mean() > 0.02
    margin = 4 * scale
    assert not text[:, :margin].any()
    assert not text[:, -margin:].any()
    bar = canvas[26 * scale]
    assert (bar == AGENT).all(axis=-1).sum() == 75 * scale
    assert len(np.unique(canvas[BAR_HEIGHT * scale :].reshape(-1, 3), axis=0)) == 1


def test_letters_have_one_size_in_all_captions():
    """A short caption is written as small as the longest of the video has to be."""
    short, long = (Caption("0 steps" * n, "so", done=0.0) for n in (1, 9))
    alone, beside = (draw_captions([short], every, 4)[:48] for every in ([short], [short, long]))
    assert (beside > 100).sum() < (alone > 100).sum() / 2


def test_too_many_stages_are_thinned(stages):
    """The first and the last stay; few enough stages all stay."""
    scored = [Stage(stages[0].weights, i, 0.0, s) for i, s in enumerate((None, -21, -20, 0, 9, 9))]
    assert [stage.agent_steps for stage in choose_stages(scored, 4)] == [0, 3, 4, 5]
    assert [stage.agent_steps for stage in choose_stages(scored, 2)] == [0, 5]
    assert choose_stages(scored, 9) == scored


def write_older(folder):
    """A video that a failed timeline must leave alone."""
    with VideoWriter(folder / "a.mp4", scale=2) as video:
        video.write(np.zeros((8, 8, 3), np.uint8))
    return video.path.read_bytes()


def test_weights_that_cannot_be_read_leave_nothing(stages, tmp_path):
    """The error names them, and the pieces that were ready are gone."""
    older = write_older(tmp_path)
    missing = Stage(tmp_path / "w.npz", 1, 0.0, None)
    with pytest.raises(CheckpointError, match=r"w\.npz: no such file"):
        write_timeline([stages[0], missing], tmp_path / "a.mp4", BRIEF, env_id=SHORT)
    assert names(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == older


def test_an_interrupt_leaves_nothing(stages, tmp_path):
    """Ctrl-C passes through, without a file left."""

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_timeline(stages, tmp_path / "a.mp4", BRIEF, env_id=SHORT, on_piece=interrupt)
    assert names(tmp_path) == []


def test_an_ffmpeg_that_fails_while_cutting_is_one_line(stages, tmp_path, monkeypatch):
    """What moviepy says in many lines is VideoError with one, and the older video stays."""
    from moviepy.video.io import ffmpeg_reader

    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(ffmpeg_reader, "FFMPEG_BINARY", str(broken))
    older = write_older(tmp_path)
    with pytest.raises(VideoError, match=r"^[^\n]*a\.mp4: cannot be written: [^\n]+$"):
        write_timeline(stages[:1], tmp_path / "a.mp4", BRIEF, env_id=SHORT)
    assert names(tmp_path) == ["a.mp4", "ffmpeg"]
    assert (tmp_path / "a.mp4").read_bytes() == older


def test_a_video_that_is_not_what_was_asked_for_is_refused(stages, tmp_path, monkeypatch):
    """Frames that were lost on the way are noticed."""

    def short_of_one(path, *descriptors):
        info = read_video_info(path, *descriptors)
        return replace(info, frames=info.frames - (info.frames == 12))

    monkeypatch.setattr(encoder, "read_video_info", short_of_one)
    with pytest.raises(VideoError, match=r"VideoInfo\(frames=12, .*found VideoInfo\(frames=11, "):
        write_timeline(stages[:1], tmp_path / "a.mp4", BRIEF, env_id=SHORT)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_is_one_error(stages, tmp_path):
    """A video below a file is refused by name, before a game is played."""
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match=r"file/a\.mp4: cannot be written: "):
        write_timeline(stages, tmp_path / "file" / "a.mp4")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"path": "a.avi"}, r"video name that ends in \.mp4, found 'a\.avi'"),
        ({"seconds": 0}, r"seconds: expected a number from 0\.1 to 600, found 0"),
        ({"seconds": float("nan")}, "found nan"),
        ({"scale": 0}, "scale: expected an int of 1 or more, found 0"),
        ({"max_pieces": 1}, "max_pieces: expected an int of 2 or more, found 1"),
        ({"seed": -1}, r"seeds: expected an int from 0 .* found -1"),
        ({"stages": []}, "stages: expected 1 or more points of the training, found 0"),
    ],
)
def test_wrong_arguments(stages, tmp_path, wrong, message):
    """Each number out of range is named, with what was expected."""
    path, stages = tmp_path / wrong.pop("path", "a.mp4"), wrong.pop("stages", stages)
    seed = wrong.pop("seed", 0)
    with pytest.raises(ConfigError, match=message):
        write_timeline(stages, path, TimelineOptions(**wrong), seed=seed)
    assert names(tmp_path) == []


def test_a_folder_in_the_place_of_the_video_is_told_before_a_game(stages, tmp_path):
    """Nothing is played or written."""
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(VideoError, match=r"a\.mp4: expected a file, found a folder"):
        write_timeline(stages, tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_before_and_after_need_two_stages(stages, tmp_path):
    """One stage cannot be compared with itself."""
    with pytest.raises(ConfigError, match="expected 2 or more points of the training, found 1"):
        write_timeline(stages[:1], tmp_path / "a.mp4", TimelineOptions(side_by_side=True))
