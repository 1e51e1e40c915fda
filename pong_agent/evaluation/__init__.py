"""Whole episodes of an agent, turned into statistics: returns, intervals, scores."""

from pong_agent.evaluation.evaluate import evaluate_policy
from pong_agent.evaluation.result import EvaluationResult

__all__ = ["EvaluationResult", "evaluate_policy"]
