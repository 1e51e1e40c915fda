"""Videos read back frame by frame, and everything that may go wrong while one is written."""

import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_frames import decode, names

from pong_agent import ConfigError
from pong_agent.recording import encoder as encoder_module
from pong_agent.recording.encoder import VideoError, VideoWriter, read_video_info
from pong_agent.recording.gif import write_gif

BROWN, WHITE, GREEN = (144, 72, 17), (236, 236, 236), (92, 186, 92)  # Pong's colours


def pong_frame(i, height=42, width=32):
    """Pong in small: a white wall, a green paddle and a ball that moves with every frame."""
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = BROWN
    frame[:4] = WHITE
    frame[10:18, -4:-2] = GREEN
    frame[20:22, i % width] = WHITE
    return frame


def write_frames(video, n):
    for i in range(n):
        video.write(pong_frame(i))


def write_video(path, n, **options):
    with VideoWriter(path, **options) as video:
        write_frames(video, n)
    return path


@pytest.fixture
def processes(monkeypatch):
    """Every process started during the test, in order."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return started


@pytest.mark.parametrize(("n", "fps", "scale"), [(1, 60, 4), (75, 60, 2), (10, 29.97, 2)])
def test_video_is_what_was_asked_for(tmp_path, n, fps, scale):
    """A video has exactly the frames written, and the size, rate and format asked for."""
    info = read_video_info(write_video(tmp_path / "a.mp4", n, fps=fps, scale=scale))
    assert (info.frames, info.width, info.height) == (n, 32 * scale, 42 * scale)
    assert (info.fps, info.codec, info.pixel_format) == (fps, "h264", "yuv420p")
    assert info.duration == pytest.approx(n / fps)
    assert names(tmp_path) == ["a.mp4"]


def test_pixels_become_sharp_blocks_of_their_colour(tmp_path):
    """Every pixel of every frame comes back as a block of its colour."""
    shots = decode(write_video(tmp_path / "a.mp4", 40, scale=4)).astype(int)
    for i, shot in enumerate(shots):
        for corner in (1, 2):  # inside a block: at its rim the decoder blends the colour
            assert np.abs(shot[corner::4, corner::4] - pong_frame(i)).mean() < 2
            ball = shot[4 * 20 + corner, 4 * (i % 32) + corner]
            assert np.abs(ball - WHITE).max() < 25


def test_video_starts_to_play_before_it_is_loaded(tmp_path):
    """The table of contents comes before the frames."""
    data = write_video(tmp_path / "a.mp4", 10).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_missing_folders_are_made(tmp_path):
    """A video makes the folders that it is to lie in."""
    assert write_video(tmp_path / "new" / "folder" / "a.mp4", 2).is_file()


def test_reused_buffers_and_views_are_written_as_they_are(tmp_path):
    """A frame may be overwritten after `write`, and need not be contiguous."""
    buffer = np.zeros((42, 32, 3), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", scale=2) as video:
        for i in range(5):
            buffer[:] = pong_frame(i)[:, ::-1]
            video.write(buffer[:, ::-1])
    write_video(tmp_path / "b.mp4", 5, scale=2)
    np.testing.assert_array_equal(decode(tmp_path / "a.mp4"), decode(tmp_path / "b.mp4"))


def test_a_second_close_does_nothing(tmp_path):
    """`close` and `discard` leave a finished video as it is; `write` refuses."""
    video = VideoWriter(tmp_path / "a.mp4")
    video.write(pong_frame(0))
    video.close()
    video.close()
    video.discard()
    with pytest.raises(VideoError, match=r"a\.mp4: expected an open video, found a closed one"):
        video.write(pong_frame(1))
    assert read_video_info(video.path).frames == 1


def test_exception_in_the_block_leaves_the_older_video(tmp_path):
    """An exception passes through, the new video is gone and the older one is untouched."""
    older = write_video(tmp_path / "a.mp4", 3).read_bytes()

    def fail():
        with VideoWriter(tmp_path / "a.mp4") as video:
            write_frames(video, 30)
            raise KeyError("ball")

    with pytest.raises(KeyError, match="ball"):
        fail()
    assert names(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == older


@pytest.mark.parametrize("end", ["writing", "closing"])
def test_killed_ffmpeg_leaves_nothing(tmp_path, processes, end):
    """When ffmpeg is killed midway, VideoError is raised and no video appears."""
    video = VideoWriter(tmp_path / "a.mp4")
    write_frames(video, 30)
    processes[-1].kill()
    processes[-1].wait()
    if end == "writing":
        with pytest.raises(VideoError, match=r"a\.mp4: expected the ffmpeg .* to take frame \d+"):
            write_frames(video, 30)
    with pytest.raises(VideoError, match=r"a\.mp4: (expected|cannot be written: .* code -9)"):
        video.close()
    assert names(tmp_path) == []


def test_lost_frames_are_noticed(tmp_path):
    """A video that decodes to another number of frames than written is refused."""
    video = VideoWriter(tmp_path / "a.mp4")
    write_frames(video, 5)
    video.frames += 1
    with pytest.raises(VideoError, match=r"a\.mp4: expected VideoInfo\(frames=6, .*\(frames=5, "):
        video.close()
    assert names(tmp_path) == []


@pytest.mark.parametrize("field", ["width", "pixel_format", "codec", "fps"])
def test_other_differences_are_noticed(tmp_path, monkeypatch, field):
    """A video of another size, format, codec or rate than asked for is refused."""
    real = read_video_info

    def other(path, *descriptors):
        wrong = {"width": 30, "pixel_format": "yuv444p", "codec": "mpeg4", "fps": 30.0}[field]
        return encoder_module.replace(real(path, *descriptors), **{field: wrong})

    monkeypatch.setattr(encoder_module, "read_video_info", other)
    with pytest.raises(VideoError, match=rf"expected VideoInfo.*, found VideoInfo.*{field}="):
        write_video(tmp_path / "a.mp4", 2)
    assert names(tmp_path) == []


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_a_program_that_ends_leaves_nothing(tmp_path, end):
    """Within a video, normally or killed: no file, and a warning where Python can still give it."""
    script = f"""
import os, signal, sys, numpy as np
from pong_agent.recording.encoder import VideoWriter
video = VideoWriter(sys.argv[1])
for _ in range(20):
    video.write(np.zeros((210, 160, 3), np.uint8))
{end}
"""
    root = Path(encoder_module.__file__).parents[2]
    command = [sys.executable, "-c", script, str(tmp_path / "a.mp4")]
    run = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if end:
        assert (run.returncode, run.stderr) == (-signal.SIGTERM, b"")
    else:
        assert run.returncode == 0
        assert run.stderr.count(b"RecordingWarning: not kept: ") == 1
    assert names(tmp_path) == []


def test_a_forked_process_lets_go_of_the_video(tmp_path):
    """It neither adds to the video nor keeps ffmpeg waiting; the parent finishes it."""
    video = VideoWriter(tmp_path / "a.mp4")
    write_frames(video, 3)
    child = os.fork()
    if not child:
        video.discard()
        del video
        time.sleep(30)
        os._exit(0)
    try:
        write_frames(video, 2)
        began = time.monotonic()
        video.close()
        assert time.monotonic() - began < 15  # not until the child ends
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert read_video_info(video.path).frames == 5
    assert names(tmp_path) == ["a.mp4"]


def test_what_ffmpeg_says_is_in_the_error(tmp_path, capfd):
    """And nowhere else."""
    options = ("-no_such_option", "1")
    video = VideoWriter(tmp_path / "a.mp4", encoder=options)
    with pytest.raises(VideoError, match=r"no_such_option|Option not found"):
        write_frames(video, 600)  # more than the pipe holds
    with pytest.raises(VideoError):
        video.close()
    assert capfd.readouterr() == ("", "")
    assert names(tmp_path) == []


def test_free_names(tmp_path, monkeypatch):
    """Without leave to overwrite the first free name is taken, also where no hard links are."""
    (tmp_path / "a-2.json").write_text("{}")
    for _ in range(2):
        write_video(tmp_path / "a.mp4", 2, overwrite=False)
    monkeypatch.setattr(os, "link", lambda *_: os.open(tmp_path / "none" / "none", os.O_RDONLY))
    write_video(tmp_path / "a.mp4", 3, overwrite=False)
    assert names(tmp_path) == ["a-2.json", "a-3.mp4", "a-4.mp4", "a.mp4"]
    assert read_video_info(tmp_path / "a-4.mp4").frames == 3


def test_files_that_need_a_name(tmp_path, monkeypatch):
    """Where a file without one cannot be opened again, a hidden one is written and removed."""
    monkeypatch.setattr(sys, "platform", "other")
    video = VideoWriter(tmp_path / "a.mp4")
    write_frames(video, 3)
    assert re.fullmatch(r"\.a\.mp4\..*\.part", *names(tmp_path))
    video.close()
    assert names(tmp_path) == ["a.mp4"]
    assert read_video_info(video.path).frames == 3


def test_a_replaced_video_takes_its_sidecar_along(tmp_path):
    """It describes the older video; a JSON file of anybody else stays."""
    for text, left in (('{"format": "pong_agent film"}', False), ('{"format": "mine"}', True)):
        (tmp_path / "a.json").write_text(text)
        write_video(tmp_path / "a.mp4", 2)
        assert (tmp_path / "a.json").exists() is left


def test_ctrl_c_leaves_nothing(tmp_path):
    """SIGINT for the whole foreground group, as a terminal sends it, leaves no file."""
    script = """
import sys, numpy as np
from pong_agent.recording.encoder import VideoWriter
with VideoWriter(sys.argv[1]) as video:
    while True:
        video.write(np.zeros((210, 160, 3), np.uint8))
        if video.frames == 100:
            sys.stdout.write("go")
            sys.stdout.flush()
"""
    root = Path(encoder_module.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "a.mp4")],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout.read(2) == b"go", process.stderr.read()
        os.killpg(process.pid, signal.SIGINT)
        try:
            error = process.communicate(timeout=30)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert b"KeyboardInterrupt" in error
    deadline = time.monotonic() + 5  # ffmpeg is killed, not waited for
    while names(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((42, 32, 3), np.float32),
        np.zeros((42, 32), np.uint8),
        np.zeros((42, 32, 4), np.uint8),
        np.zeros((0, 32, 3), np.uint8),
        None,
    ],
)
def test_wrong_first_frame(tmp_path, frame):
    """A frame that is not uint8 (height, width, 3) is refused with both named."""
    array = np.asarray(frame)
    found = f"found {array.dtype} {array.shape}".replace("(", r"\(").replace(")", r"\)")
    with (
        pytest.raises(ValueError, match=rf"frame of uint8 \(height, width, 3\), {found}"),
        VideoWriter(tmp_path / "a.mp4") as video,
    ):
        video.write(frame)
    assert names(tmp_path) == []


def test_wrong_later_frame(tmp_path):
    """A frame of another shape than the first is refused, and the video may go on."""
    with VideoWriter(tmp_path / "a.mp4") as video:
        video.write(pong_frame(0))
        with pytest.raises(ValueError, match=r"uint8 \(42, 32, 3\), found uint8 \(44, 32, 3\)"):
            video.write(pong_frame(1, height=44))
        video.write(pong_frame(1))
    assert read_video_info(video.path).frames == 2


def test_odd_size(tmp_path):
    """An odd size, which would not play everywhere, is refused with a scale that works."""
    odd = np.zeros((5, 7, 3), np.uint8)
    with (
        pytest.raises(ValueError, match=r"even size, found 21x15: scale 4 would work"),
        VideoWriter(tmp_path / "a.mp4", scale=3) as video,
    ):
        video.write(odd)
    with VideoWriter(tmp_path / "a.mp4", scale=4) as video:
        video.write(odd)
    assert read_video_info(video.path).width == 28


def test_too_large(tmp_path):
    """Sizes that hardly any player shows are refused with the first frame."""
    with pytest.raises(ValueError, match=r"at most 8192 pixels a side, found 8400x6400: choose"):
        VideoWriter(tmp_path / "a.mp4", scale=200).write(pong_frame(0, height=32, width=42).copy())


def test_no_frames(tmp_path):
    """A video without frames is an error."""
    with (
        pytest.raises(VideoError, match=r"a\.mp4: expected at least one frame, found none"),
        VideoWriter(tmp_path / "a.mp4"),
    ):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.avi", {}, r"ends in \.mp4, found '.*a\.avi'"),
        ("a.mp4", {"fps": 0}, "positive fps and scale, found 0 and 2"),
        ("a.mp4", {"fps": float("nan")}, "positive fps and scale, found nan and 2"),
        ("a.mp4", {"scale": 0}, "positive fps and scale, found 60 and 0"),
    ],
)
def test_wrong_arguments(tmp_path, name, options, message):
    """Another suffix than .mp4 and rates or scales that are not positive are refused."""
    with pytest.raises(ValueError, match=message):
        VideoWriter(tmp_path / name, **options)


def test_folder_that_cannot_be(tmp_path):
    """A folder that cannot be made is named before the first frame."""
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoError, match=r"file/sub: expected a writable folder: "):
        VideoWriter(tmp_path / "file" / "sub" / "a.mp4")


def test_folder_in_the_place_of_the_video(tmp_path):
    """A folder of the video's name stays, and VideoError says so."""
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(VideoError, match=r"a\.mp4: cannot be written: .*directory"):
        write_video(tmp_path / "a.mp4", 2)
    assert names(tmp_path) == ["a.mp4"]


def test_missing_ffmpeg(tmp_path, monkeypatch):
    """Without ffmpeg the error names the package that brings it."""
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "no-ffmpeg"))
    with pytest.raises(VideoError, match=r"package imageio-ffmpeg .* found .*no-ffmpeg"):
        write_video(tmp_path / "a.mp4", 2)
    with pytest.raises(VideoError, match=r"package imageio-ffmpeg: .*no-ffmpeg"):
        read_video_info(tmp_path / "a.mp4")
    assert names(tmp_path) == []


def test_no_video_to_read(tmp_path):
    """A missing file and one that is no video are VideoErrors that name it."""
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("missing.mp4", "text.mp4"):
        with pytest.raises(
            VideoError, match=f"{name}: expected a video that ffmpeg can decode: .+"
        ):
            read_video_info(tmp_path / name)


def test_memory_does_not_grow_with_the_video(tmp_path):
    """2,000 frames need no more memory than 200."""

    def peak(n):
        frame = np.zeros((64, 64, 3), np.uint8)  # 12 kB, 24 MB for 2,000
        tracemalloc.start()
        try:
            with VideoWriter(tmp_path / "a.mp4", scale=1) as video:
                for _ in range(n):
                    video.write(frame.copy())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)  # imports
    assert peak(2000) < peak(200) + 100_000


@pytest.mark.parametrize(
    ("name", "width"), [("a.png", 80), ("a", 80), ("", 80), ("a.gif", 0), ("a.gif", 1.5)]
)
def test_a_gif_of_another_name_or_width_is_refused(tmp_path, name, width):
    """Before the video is read."""
    with pytest.raises(ConfigError, match="expected a"):
        write_gif(tmp_path / "none.mp4", name and tmp_path / name, width=width)


def test_gif(tmp_path):
    """A GIF has the length and width asked for, few colours, and the video's frames."""
    video = write_video(tmp_path / "a.mp4", 60, scale=4)
    write_gif(video, tmp_path / "new" / "a.gif")
    assert names(tmp_path / "new") == ["a.gif"]
    delays = []
    with Image.open(tmp_path / "new" / "a.gif") as gif:
        assert (gif.size, gif.info["loop"]) == ((320, 420), 0)
        for i in range(gif.n_frames):
            gif.seek(i)
            delays.append(gif.info["duration"])
            shot = np.asarray(gif.convert("RGB")).astype(int)
            assert len(np.unique(shot.reshape(-1, 3), axis=0)) <= 64
            # At 30 frames per second every second frame of the video is shown.
            assert np.abs(shot[5::10, 5::10] - pong_frame(2 * i)).mean() < 2
    assert (len(delays), sum(delays)) == (30, 1000)


def test_gif_shows_six_seconds(tmp_path):
    """A longer video is cut; one that cannot be read, or written to, is one error."""
    video = write_video(tmp_path / "a.mp4", 400)
    write_gif(video, tmp_path / "a.gif", width=64)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 180
    write_gif(video, tmp_path / "a.gif", width=160, end=6.5)  # of 6.67 seconds
    with Image.open(tmp_path / "a.gif") as gif:
        for place, number in ((0, 30), (179, 388)):
            gif.seek(place)
            shot = np.asarray(gif.convert("RGB")).astype(int)
            assert np.abs(shot[5::10, 5::10] - pong_frame(number)[::2, ::2]).mean() < 8
    with pytest.raises(VideoError, match=r"none\.mp4: expected a video that ffmpeg can decode"):
        write_gif(tmp_path / "none.mp4", tmp_path / "b.gif")
    with pytest.raises(VideoError, match=r"b\.gif: cannot be cut from .*a\.mp4: "):
        write_gif(video, tmp_path / "a.mp4" / "b.gif")
    assert names(tmp_path) == ["a.gif", "a.mp4"]
