"""Learning as functions over arrays: returns, gradients, optimizers, and two algorithms of them.

An algorithm is a module with `init_parameters(config, generator)`, `expected_parameters(config)`,
`init_optimizer(parameters, config)`, `averaged(parameters, optimizer_state)` and
`update(parameters, optimizer_state, batch, config, generator)`.
"""

from typing import Any

from pong_agent.config import AgentConfig, PPOConfig
from pong_agent.learning import reinforce
from pong_agent.learning.ppo import update as ppo


def algorithm_of(config: AgentConfig) -> Any:
    """Return the module of the algorithm that a configuration is for."""
    return ppo if isinstance(config, PPOConfig) else reinforce
