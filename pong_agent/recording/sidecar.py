"""`NAME.json` beside each video: everything needed to replay the recorded episode."""

import base64
import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import gymnasium as gym
import numpy as np

from pong_agent.bounds import CountOrZero, check_fields
from pong_agent.envs.paddle_actions import NotPongError, find_paddle_actions
from pong_agent.errors import ConfigError
from pong_agent.evaluation.model_card import package_versions
from pong_agent.json_values import json_value
from pong_agent.recording.capture import Frame, checksum
from pong_agent.recording.encoder import VideoError
from pong_agent.whole_file import read_text, write_text

FORMAT_VERSION = 1
_LARGEST = 64 * 2**20  # bytes; a game of 27,000 steps takes 0.4 MB
_OBSERVES = gym.ObservationWrapper
_KNOWN = {"gymnasium", "pong_agent", "stable_baselines3"}  # packages of the next ones
_PASSIVE = {  # wrappers; a limit of steps only ends the episode where the recorded actions do
    "EpisodeRecorder",
    "FrameStackObservation",
    "Monitor",
    "OrderEnforcing",
    "PassiveEnvChecker",
    "RecordEpisodeStatistics",
    "RecordVideo",
    "TimeLimit",
}
_VERSIONED = ("pong-agent", "gymnasium", "ale-py", "numpy")


@dataclass(kw_only=True)
class Sidecar:
    """A recorded episode: filled by a recorder step by step, or read from a file."""

    film: str = ""  # name of the video's file
    film_sha256: str = ""  # digest of that file
    frames: CountOrZero = 0  # number of its frames
    fps: float = 0.0  # its frames per second
    env_id: str = ""  # empty if the environment has none
    env_kwargs: dict[str, Any] = field(default_factory=dict)  # that JSON can hold
    needs_env: str = ""  # why `replay` may have to be given an environment; empty if it need not
    seed: int | None = None  # of `reset`; None: it continued the last episode's generator
    options: dict[str, Any] | None = None  # of `reset`
    first_step: CountOrZero = (
        0  # agent step of the video's first frames; 0 for the frame after `reset`
    )
    actions: list[Any] = field(default_factory=list)  # [n], from the episode's start
    rewards: list[float | None] = field(default_factory=list)  # [n]; None: no finite number
    # [1 + n - first_step] CRC-32 of all frames of the video up to each agent step
    checksums: list[int] = field(default_factory=list)
    # if known: preset, digest of the weights, greedy or sampled
    agent: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)  # of the packages

    def begin_video(self) -> None:
        """Start a video with the next frame."""
        self.first_step, self.frames, self.checksums = len(self.actions), 0, []
        self._checksum = 0

    def add_frame(self, frame: Frame) -> None:
        """Include a frame, [H, W, 3] uint8, of the video."""
        self._checksum = checksum(frame, self._checksum)
        self.frames += 1

    def add_step(self, action: Any, reward: object) -> None:
        """Include an agent step; `action` is of JSON's types."""
        self.actions.append(action)
        self.rewards.append(plain_reward(reward))

    def end_frames(self) -> None:
        """Mark the end of an agent step's frames, or of those of `reset`."""
        self.checksums.append(self._checksum)

    def write_beside(self, video: Path, env: Any) -> None:
        """Write the sidecar of a finished video, complete or not at all; raise VideoError."""
        self.film = video.name
        self.film_sha256 = sha256_of(video)
        self.env_id, self.env_kwargs, self.needs_env = _describe_environment(env)
        self.versions = {"python": sys.version.split()[0], **package_versions(_VERSIONED)}
        packed = np.array(self.checksums, "<u4").tobytes()
        content = {
            "format": "pong_agent film",
            "format_version": FORMAT_VERSION,
            **asdict(self),
            "return": None if None in self.rewards else sum(filter(None, self.rewards), 0.0),
            "length": len(self.actions),
            "checksums": base64.b64encode(packed).decode(),
        }
        # One line for each entry; `indent` would give each of thousands of numbers its own.
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items()]
        path = video.with_suffix(".json")
        try:
            write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")
        except OSError as error:
            raise VideoError(f"{path}: cannot be written: {error}") from error

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a sidecar; raise VideoError if the file is no sidecar of a known version."""
        path = Path(path)
        if not path.is_file():  # a pipe would wait
            raise VideoError(f"{path}: expected the JSON file beside a video, found none")
        try:
            if path.stat().st_size > _LARGEST:
                raise VideoError(f"{path}: expected at most {_LARGEST} bytes, found more")
            content = json.loads(read_text(path))
            if not isinstance(content, dict) or content.get("format") != "pong_agent film":
                raise VideoError(f"{path}: expected the JSON file beside a video")
            if content["format_version"] != FORMAT_VERSION:
                raise VideoError(
                    f"{path}: expected format version {FORMAT_VERSION}, found "
                    f"{content['format_version']}: was it written by a newer pong_agent?"
                )
            names = {one.name for one in fields(cls)}
            if missing := names - content.keys() - {"agent", "needs_env", "versions"}:
                raise VideoError(f"{path}: expected an entry {min(missing)!r}, found none")
            packed = base64.b64decode(content["checksums"], validate=True)
            content["checksums"] = np.frombuffer(packed, "<u4").tolist()
            sidecar = cls(**{name: content[name] for name in names & content.keys()})
            sidecar._check()
        except ConfigError as error:
            raise VideoError(f"{path}: {error}") from error
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise VideoError(
                f"{path}: cannot be read as a video's JSON file: {error!r:.200}"
            ) from error
        return sidecar

    def _check(self) -> None:
        """Raise ConfigError if an entry has another type, or if lengths do not match."""
        check_fields(self)
        if any(type(reward) not in (int, float, type(None)) for reward in self.rewards):
            raise ConfigError("rewards: expected numbers, found others")
        n_checksums = 1 + len(self.actions) - self.first_step
        if len(self.rewards) != len(self.actions) or len(self.checksums) != n_checksums:
            raise ConfigError(
                f"expected as many rewards as actions, and {n_checksums} checksums, found "
                f"{len(self.rewards)}, {len(self.actions)} and {len(self.checksums)}"
            )


def sha256_of(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain_action(action: Any) -> Any:
    """Return an action as JSON's types; raise ConfigError where that is impossible."""
    array_like = hasattr(action, "__array__")  # of PyTorch and others too
    return json_value(np.asarray(action) if array_like else action, "action")


def plain_reward(reward: Any) -> float | None:
    """Return a reward as a float, also from an array of one number; None if it is not finite."""
    try:
        number = float(reward if isinstance(reward, (int, float)) else np.asarray(reward).item())
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _describe_environment(env: Any) -> tuple[str, dict[str, Any], str]:
    """Return an environment's id, its arguments, and why `replay` may be unable to make it."""
    spec = getattr(env.unwrapped, "spec", None)
    if spec is None:
        return "", {}, "the recorded environment has no id"
    kwargs: dict[str, Any] = {}
    doubts = []
    for name, value in spec.kwargs.items():
        try:
            kwargs[name] = json_value(value, name)
        except ConfigError:
            doubts.append(f"its argument {name}")
    kwargs.pop("render_mode", None)
    layer = env
    while layer is not env.unwrapped:
        if type(layer).__name__ == "NoopStart":
            kwargs["noop_max"] = layer.noop_max
        elif not _keeps_game(layer):
            doubts.append(f"the wrapper {type(layer).__name__}")
        layer = layer.env
    try:
        if type(layer).__name__ != "PongEnv":  # whose actions are the policy's
            find_paddle_actions(layer)
    except NotPongError as error:
        return spec.id, kwargs, str(error)
    reason = f"the file does not describe {' and '.join(doubts)}" if doubts else ""
    return spec.id, kwargs, reason


def _keeps_game(wrapper: Any) -> bool:
    """Return whether a wrapper is known to change neither actions, rewards nor frames."""
    kind = type(wrapper)
    observes = isinstance(wrapper, gym.ObservationWrapper)
    if observes and (kind.reset, kind.step) == (_OBSERVES.reset, _OBSERVES.step):
        return True
    return kind.__module__.partition(".")[0] in _KNOWN and kind.__name__ in _PASSIVE
