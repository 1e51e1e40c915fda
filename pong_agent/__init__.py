"""Learn Pong from pixels: a Gymnasium-compatible agent, its trainer and a video recorder."""

from pong_agent.actions import DOWN, STAY, UP, PaddleAction, PaddleActions
from pong_agent.agent import PongAgent
from pong_agent.config import PRESETS, PPOConfig, ReinforceConfig
from pong_agent.envs.make import make_env
from pong_agent.envs.paddle_actions import NotPongError
from pong_agent.envs.registration import register_with_gymnasium
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import ConfigError, LearningError, MissingPackageError, PongError
from pong_agent.learning.batch import Batch, CutEpisodesWarning
from pong_agent.learning.builder import TrajectoryBuilder
from pong_agent.learning.trajectory import BatchError, Trajectory
from pong_agent.rollout import rollout
from pong_agent.vision.paddle_watch import ForgottenBindWarning
from pong_agent.vision.pixels import ObservationError, preprocess_frame
from pong_agent.vision.reset_watch import ForgottenResetWarning
from pong_agent.weights_file.archive import CheckpointError
from pong_agent.weights_file.metadata import UnknownFieldsWarning

__version__ = "0.2.0"

__all__ = [
    "DOWN",
    "PRESETS",
    "STAY",
    "UP",
    "Batch",
    "BatchError",
    "CheckpointError",
    "ConfigError",
    "CutEpisodesWarning",
    "EnvSpec",
    "ForgottenBindWarning",
    "ForgottenResetWarning",
    "LearningError",
    "MissingPackageError",
    "NotPongError",
    "ObservationError",
    "PPOConfig",
    "PaddleAction",
    "PaddleActions",
    "PongAgent",
    "PongError",
    "ReinforceConfig",
    "Trajectory",
    "TrajectoryBuilder",
    "UnknownFieldsWarning",
    "make_env",
    "preprocess_frame",
    "rollout",
]

register_with_gymnasium()
