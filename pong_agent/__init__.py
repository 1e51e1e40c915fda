"""Learn Pong from pixels: a Gymnasium-compatible agent with an evaluation recorder."""

import importlib
import sys

from pong_agent.actions import DOWN, STAY, UP, PaddleActions
from pong_agent.agent import PongAgent
from pong_agent.algorithms.optimizers import LearningError
from pong_agent.batch import Batch, BatchError, Trajectory, TrajectoryBuilder
from pong_agent.boundaries import ForgottenResetWarning
from pong_agent.checkpoint import CheckpointError
from pong_agent.environment import NotPongError, make_env
from pong_agent.observation import ObservationError, preprocess_frame
from pong_agent.presets import PRESETS, ConfigError, PPOConfig, ReinforceConfig
from pong_agent.rollout import rollout

__version__ = "0.1.0"

__all__ = [
    "DOWN",
    "PRESETS",
    "STAY",
    "UP",
    "Batch",
    "BatchError",
    "CheckpointError",
    "ConfigError",
    "ForgottenResetWarning",
    "LearningError",
    "NotPongError",
    "ObservationError",
    "PPOConfig",
    "PaddleActions",
    "PongAgent",
    "ReinforceConfig",
    "Trajectory",
    "TrajectoryBuilder",
    "make_env",
    "preprocess_frame",
    "rollout",
]

# Gymnasium takes longer to load than all that acting needs: it is not loaded for this.
if sys.modules.get("gymnasium") is not None:
    importlib.import_module("pong_agent.plugin")
