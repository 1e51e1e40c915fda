"""Names, checked arguments and warnings that both recorders share."""

import gc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, TypeAlias

import gymnasium as gym
import numpy as np

from pong_agent.bounds import Bounds, Count, CountOrZero, check_fields
from pong_agent.errors import ConfigError
from pong_agent.recording.capture import Frame, is_boot_frame
from pong_agent.recording.encoder import ENCODER, VideoWriter, check_writable
from pong_agent.recording.ffmpeg import RecordingWarning, warn_not_kept
from pong_agent.recording.sidecar import Sidecar
from pong_agent.whole_file import absolute_path

Trigger: TypeAlias = Callable[[int], bool]  # receives the number of an episode or of a step

# As long as names get: `.` and one character more than `-env-999-episode-999999999-99.json`
_LONGEST_ENDING = "-longest-name-of-a-video-of-this-prefix"


def check_name_prefix(name_prefix: object) -> str:
    """Return the beginning of videos' names; `/` in it makes folders below the video folder.

    Raises:
        ConfigError: it is no text, leads out of the folder, or has a part that is empty, begins
            with `-` or `~`, or cannot be printed.

    Example:
        >>> check_name_prefix("ALE/Pong-v5")
        'ALE/Pong-v5'
        >>> check_name_prefix("../x")
        Traceback (most recent call last):
        pong_agent.errors.ConfigError: name_prefix: expected a name such as 'pong', ... found '../x'
    """
    if isinstance(name_prefix, PurePath):
        name_prefix = str(name_prefix)
    if isinstance(name_prefix, str):
        parts = name_prefix.split("/")
        plain = all(part.strip(" .") and part[0] not in "-~" for part in parts)
        if plain and name_prefix.isprintable():
            return str(name_prefix)
    raise ConfigError(
        "name_prefix: expected a name such as 'pong', or 'ALE/Pong-v5' for a folder and a name, "
        f"each of printable text that does not begin with - or ~, found {name_prefix!r:.100}"
    )


def prepare_videos(video_folder: object, name_prefix: object) -> Path:
    """Return the video folder's absolute path, after making it and checking that videos fit in.

    Raises:
        ConfigError: the folder is no path, or the prefix is refused by `check_name_prefix`.
        VideoError: the folder cannot be written to, or the names are too long for it.
    """
    folder = absolute_path(video_folder, "video_folder")
    longest = folder / (check_name_prefix(name_prefix) + _LONGEST_ENDING)
    check_writable(longest.with_name(f".{longest.name}"))
    return folder


def every_episode(_number: int) -> bool:
    """Record each episode: the trigger of a recorder without triggers."""
    return True


@dataclass(frozen=True, kw_only=True)
class _Settings:
    fps: Annotated[float, Bounds(0.01, 1_000)] | None
    scale: Count
    video_length: CountOrZero
    end_seconds: Annotated[float, Bounds(0, 60)] = 0.0
    overwrite: bool
    disable_logger: bool

    def __post_init__(self) -> None:
        check_fields(self)


def show(video: VideoWriter, image: Frame, screen: Frame | None) -> None:
    """Append an image; one of the console's boot colours looks like the image after it.

    `screen` is the emulator's frame that the image shows, None without an emulator.
    """
    if not video.frames and screen is not None and is_boot_frame(screen):
        video.hold(image)
    else:
        video.write(image)


class VideoFiles(gym.utils.RecordConstructorArgs):
    """Shared base of both recorders: checks the arguments, names the videos and finishes them."""

    env: Any  # set by the wrapper

    def __init__(
        self,
        *,
        video_folder: str | Path,
        name_prefix: str,
        episode_trigger: Trigger | None,
        step_trigger: Trigger | None,
        gc_trigger: Trigger | None,
        true_fps: Callable[[], float],
        own: dict[str, Any],
        **settings: Any,
    ) -> None:
        numpy_free = {n: v.item() if isinstance(v, np.generic) else v for n, v in settings.items()}
        checked = _Settings(**numpy_free)
        for trigger in (episode_trigger, step_trigger, gc_trigger):
            if trigger is not None and not callable(trigger):
                raise ConfigError(f"expected a function as a trigger, found {trigger!r:.60}")
        self.name_prefix = check_name_prefix(name_prefix)
        self.video_folder = prepare_videos(video_folder, self.name_prefix)
        gym.utils.RecordConstructorArgs.__init__(
            self,
            video_folder=str(self.video_folder),
            name_prefix=self.name_prefix,
            episode_trigger=episode_trigger,
            step_trigger=step_trigger,
            gc_trigger=gc_trigger,
            **numpy_free,
            **own,
        )
        if episode_trigger is None and step_trigger is None:
            episode_trigger = every_episode
        self.episode_trigger, self.step_trigger = episode_trigger, step_trigger
        self.gc_trigger = gc_trigger
        self.scale = checked.scale
        self.video_length = checked.video_length
        self.end_seconds = checked.end_seconds
        self.overwrite = checked.overwrite
        self.disable_logger = checked.disable_logger
        self.fps = true_fps() if checked.fps is None else float(checked.fps)
        self.paths: list[Path] = []
        self.step_id = -1
        self._closed = False
        self._told = False  # that a name is taken

    def _open_video(
        self, name: str, scale: int | None = None, encoder: Sequence[str] = ENCODER
    ) -> VideoWriter:
        """Begin a video; `name` follows the prefix."""
        return VideoWriter(
            self.video_folder / f"{self.name_prefix}-{name}.mp4",
            fps=self.fps,
            scale=scale or self.scale,
            encoder=encoder,
            overwrite=self.overwrite,
        )

    def _close_video(
        self, video: VideoWriter, episode_id: int, sidecar: Sidecar | None = None
    ) -> None:
        """Finish a video with its sidecar, and append it to `paths`."""
        wanted = video.path
        video.close()
        self.paths.append(video.path)
        if sidecar is not None:
            sidecar.write_beside(video.path, self.env)
        if video.path != wanted and not self._told:
            self._told = True
            warnings.warn(
                f"{wanted} or its JSON file exists: this video is {video.path.name}. Choose "
                "another video_folder or name_prefix, or replace videos with overwrite=True",
                RecordingWarning,
                stacklevel=4,
            )
        if self.gc_trigger is not None and self.gc_trigger(episode_id):
            gc.collect()

    def _warn_not_kept(self, videos: Sequence[VideoWriter], reason: str) -> None:
        """Warn of discarded videos, in which something happened after the first frame."""
        lost = [video for video in videos if video.frames > 1]
        if lost:
            others = f" and {len(lost) - 1} more" if lost[1:] else ""
            warn_not_kept(f"{lost[0].path}{others}", reason, stacklevel=3)
