"""Videos read back, and the files beside them; used by the tests of several modules."""

import subprocess

import imageio_ffmpeg
import numpy as np

from pong_agent.recording.encoder import read_video_info


def decode(path):
    """All frames of a video, [N, H, W, 3] uint8."""
    info = read_video_info(path)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, info.height, info.width, 3)


def names(folder):
    """The names of a folder's files, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
