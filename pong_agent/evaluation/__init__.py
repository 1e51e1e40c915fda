"""Episodes turned into statistics and films."""

from pong_agent.evaluation.evaluate import EvaluationResult, evaluate_policy

__all__ = ["EvaluationResult", "evaluate_policy"]
