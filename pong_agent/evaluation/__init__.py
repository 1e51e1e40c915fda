"""Episodes turned into statistics and films."""

from pong_agent.evaluation.evaluate import EvaluationResult, evaluate_policy
from pong_agent.evaluation.film import FilmError
from pong_agent.evaluation.recorder import EpisodeRecorder, record_episodes

__all__ = [
    "EpisodeRecorder",
    "EvaluationResult",
    "FilmError",
    "evaluate_policy",
    "record_episodes",
]
