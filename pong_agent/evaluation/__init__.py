"""Episodes turned into statistics: returns, intervals, scores over settings."""

from pong_agent.evaluation.evaluate import EvaluationResult, evaluate_policy

__all__ = ["EvaluationResult", "evaluate_policy"]
