"""Episodes turned into statistics and films."""

from pong_agent.evaluation.evaluate import EvaluationResult, evaluate_policy
from pong_agent.evaluation.film import FilmError
from pong_agent.evaluation.overlay import AgentOverlay
from pong_agent.evaluation.record import record_episodes
from pong_agent.evaluation.recorder import EpisodeRecorder
from pong_agent.evaluation.replay import replay
from pong_agent.evaluation.vector_recorder import VectorEpisodeRecorder

__all__ = [
    "AgentOverlay",
    "EpisodeRecorder",
    "EvaluationResult",
    "FilmError",
    "VectorEpisodeRecorder",
    "evaluate_policy",
    "record_episodes",
    "replay",
]
