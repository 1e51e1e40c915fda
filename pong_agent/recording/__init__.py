"""Episodes recorded as MP4 videos with sidecars, and replayed from them."""

from pong_agent.recording.encoder import VideoError
from pong_agent.recording.ffmpeg import RecordingWarning
from pong_agent.recording.panel import AgentOverlay
from pong_agent.recording.record import VideoOptions, record_episodes
from pong_agent.recording.recorder import EpisodeRecorder
from pong_agent.recording.replay import replay
from pong_agent.recording.vector_recorder import VectorEpisodeRecorder

__all__ = [
    "AgentOverlay",
    "EpisodeRecorder",
    "RecordingWarning",
    "VectorEpisodeRecorder",
    "VideoError",
    "VideoOptions",
    "record_episodes",
    "replay",
]
