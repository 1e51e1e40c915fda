"""The protocol of a learning algorithm, and the choice between the two that there are."""

from typing import Protocol, Self

import numpy as np

from pong_agent.config import AgentConfig, PPOConfig
from pong_agent.learning.batch import Batch
from pong_agent.learning.ppo.update import PPO
from pong_agent.learning.progress import Progress
from pong_agent.learning.reinforce import Reinforce
from pong_agent.network import Activations, Floats, Parameters
from pong_agent.vision.network_input import SparseRows


class Algorithm(Protocol):
    """A learning algorithm as agents and trainers use it: an immutable value of a configuration."""

    @property
    def name(self) -> str:
        """Name of the algorithm, also in files."""

    @property
    def n_games(self) -> int:
        """Number of games played at the same time for a batch."""

    @property
    def fragment_steps(self) -> int | None:
        """Agent steps of each game per update; None for a whole episode."""

    @property
    def varied_games(self) -> int:
        """Number of these games with a frame skip drawn for every action."""

    def annealed(self, progress: Progress) -> Self:
        """Return the algorithm with the hyperparameters that hold at this point of a run."""

    def expected_parameters(self) -> Parameters:
        """Return read-only stand-ins of the parameters' names, shapes and dtypes."""

    def init_parameters(self, generator: np.random.Generator) -> Parameters:
        """Draw the initial weights."""

    def init_optimizer(self, parameters: Parameters) -> Parameters:
        """Return the state that an update passes on to the next one, besides the parameters."""

    def averaged(self, parameters: Parameters, optimizer_state: Parameters) -> Parameters:
        """Return the weights to evaluate and export."""

    def act(self, parameters: Parameters, inputs: SparseRows) -> Activations:
        """Compute the probabilities of the actions, and the hidden states, of N rows."""

    def values(self, parameters: Parameters, hidden: Floats) -> Floats | None:
        """Compute [N] value estimates from hidden states; None without a value head."""

    def update(
        self,
        parameters: Parameters,
        optimizer_state: Parameters,
        batch: Batch,
        generator: np.random.Generator,
    ) -> tuple[Parameters, Parameters, dict[str, float]]:
        """Return new parameters, new optimizer state, and metrics; arguments stay untouched.

        Raises:
            BatchError: the algorithm cannot learn from this batch.
        """


def algorithm_of(config: AgentConfig) -> Algorithm:
    """Return the algorithm of a configuration.

    Example:
        >>> from pong_agent.config import ReinforceConfig
        >>> algorithm_of(ReinforceConfig(episodes_per_update=8)).n_games
        8
    """
    return PPO(config) if isinstance(config, PPOConfig) else Reinforce(config)
