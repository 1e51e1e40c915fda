"""Proximal policy optimization: several clipped policy-gradient epochs over one batch.

J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov, "Proximal policy optimization
algorithms", arXiv:1707.06347, 2017. The step size follows the policy's change, as the penalty does
in section 4 there and as the learning rate does in RSL-RL and Isaac Gym.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from pong_agent.actions import STAY
from pong_agent.config import PPOConfig
from pong_agent.learning.adam import AdamOptions
from pong_agent.learning.batch import Batch
from pong_agent.learning.ppo import network
from pong_agent.learning.ppo.loss import clip_norm, loss_and_gradient
from pong_agent.learning.ppo.multiresolution import (
    lit_blocks,
    multiresolution_adam_descent,
    narrowed,
    pool,
    widened,
)
from pong_agent.learning.ppo.sparse_first_layer import LitRows, lit_rows
from pong_agent.learning.ppo.targets import Targets, prepare
from pong_agent.learning.progress import Progress
from pong_agent.network import Activations, Floats, Parameters, forward, softmax
from pong_agent.vision.network_input import SparseRows

# Prefixes, in the optimizer's state, of the averages used for playing and for the values.
_AVERAGE, _CRITIC = "average/", "critic/"


@dataclass(frozen=True)
class PPO:
    """Proximal policy optimization behind the `Algorithm` protocol."""

    config: PPOConfig
    name: ClassVar[str] = "ppo"

    @property
    def n_games(self) -> int:
        """Number of games whose fragments make a batch."""
        return self.config.n_envs

    @property
    def fragment_steps(self) -> int:
        """Agent steps of each game per update."""
        return self.config.fragment_steps

    @property
    def varied_games(self) -> int:
        """Number of games with a frame skip drawn for every action."""
        return self.config.varied_games

    def annealed(self, progress: Progress) -> Self:
        """Return the algorithm with the hyperparameters that hold at this point of a run."""
        return replace(
            self, config=self.config.annealed(progress.agent_steps, progress.mean_return)
        )

    def expected_parameters(self) -> Parameters:
        """Return stand-ins of the parameters' names, shapes and dtypes."""
        return network.expected_parameters(self.config)

    def init_parameters(self, generator: np.random.Generator) -> Parameters:
        """Draw the initial weights."""
        return network.init_parameters(self.config, generator)

    def init_optimizer(self, parameters: Parameters) -> Parameters:
        """Return the state that an update passes on to the next one, besides the parameters.

        Adam's state before its first step, two running averages of the parameters, the number of
        agent steps learned from, and the step size that updates adapt.
        """
        sizes = self.config.first_layer_blocks
        blocks = zip(sizes, pool(parameters["W1"], sizes), strict=True)
        moments = {**parameters, **{f"W1/{size}": array for size, array in blocks}}
        return {
            **{f"mean/{name}": np.zeros_like(weights) for name, weights in moments.items()},
            **{f"square/{name}": np.zeros_like(weights) for name, weights in moments.items()},
            **{f"{_AVERAGE}{name}": array.copy(order="K") for name, array in parameters.items()},
            **{f"{_CRITIC}{name}": array.copy(order="K") for name, array in parameters.items()},
            "step": np.zeros(1),
            "agent_steps": np.zeros(1),
            "learning_rate": np.array([self.config.learning_rate]),
        }

    def averaged(self, parameters: Parameters, optimizer_state: Parameters) -> Parameters:
        """Return the running average of the parameters, to act with when nothing is learned.

        An exponential average over about `averaging_steps` agent steps (B. Polyak and A. Juditsky,
        "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992).
        """
        return _with_prefix(_AVERAGE, parameters, optimizer_state)

    def act(self, parameters: Parameters, inputs: SparseRows) -> Activations:
        """Compute the probabilities of the actions and the hidden states of N rows."""
        logits, hidden = forward(parameters, inputs, mirror=self.config.mirror)
        return Activations(softmax(logits), hidden)

    def values(self, parameters: Parameters, hidden: Floats) -> Floats:
        """Compute [N] value estimates from the hidden states of `act`."""
        return network.values(parameters, hidden, mirror=self.config.mirror)

    def update(
        self,
        parameters: Parameters,
        optimizer_state: Parameters,
        batch: Batch,
        generator: np.random.Generator,
    ) -> tuple[Parameters, Parameters, dict[str, float]]:
        """Make one update: several epochs of minibatches in random order, an Adam step for each.

        The old probabilities are those noted in the trajectories; where they are missing, the batch
        must come from the given parameters, and they are computed from these. The old values come
        from the critic's running average. STAY's weights are frozen while `stay_logit` is below
        `stay_from_logit`.

        Args:
            parameters: "W1", "W2", "b2", "Wv" and "bv"; left untouched, as all arguments are.
            optimizer_state: as `init_optimizer` returns it.
            batch: a validated batch.
            generator: source of the minibatches' order.

        Returns:
            New parameters, new optimizer state, and metrics: the means of `loss_and_gradient`'s
            statistics over the last epoch, "grad_norm" before clipping, "explained_variance" of the
            returns by the values, and the "learning_rate" and "clip_range" of this update.
        """
        config, sizes = self.config, self.config.first_layer_blocks
        critic = _with_prefix(_CRITIC, parameters, optimizer_state)
        inputs, targets, explained_variance = prepare(parameters, critic, batch, config)
        learning_rate = float(optimizer_state["learning_rate"][0])
        adam = AdamOptions(learning_rate, config.adam_beta1, config.adam_beta2, config.adam_epsilon)
        lit = lit_rows(inputs, mirror=config.mirror)
        weights, moments = narrowed(parameters, optimizer_state, lit.columns, sizes)
        metrics = self._learn(weights, moments, lit, targets, generator, adam)
        new_parameters, adam_state = widened(
            parameters, optimizer_state, weights, moments, lit.columns, sizes, adam
        )
        new_parameters["b2"] = network.offsets(config)
        new_state = {
            **optimizer_state,
            **adam_state,
            "agent_steps": optimizer_state["agent_steps"] + batch.n_steps,
            "learning_rate": np.array([adapted(learning_rate, metrics["approx_kl"], config)]),
        }
        new_state |= updated_averages(new_parameters, new_state, batch.n_steps, config)
        metrics |= {
            "explained_variance": explained_variance,
            "learning_rate": learning_rate,
            "clip_range": config.clip_range,
        }
        return new_parameters, new_state, metrics

    def _learn(
        self,
        weights: Parameters,
        moments: Parameters,
        lit: LitRows,
        targets: Targets,
        generator: np.random.Generator,
        adam: AdamOptions,
    ) -> dict[str, float]:
        """Change weights and moments in place; return the last epoch's mean statistics."""
        config = self.config
        blocks = lit_blocks(lit.columns, config.first_layer_blocks, lit.width)
        n_minibatches = min(config.minibatches, len(lit))
        for _ in range(config.epochs):
            epoch: list[dict[str, float]] = []
            for rows in np.array_split(generator.permutation(len(lit)), n_minibatches):
                statistics, gradients = loss_and_gradient(
                    weights, lit.take(rows), targets.take(rows), config
                )
                if config.stay_logit < config.stay_from_logit:
                    gradients["W2"][STAY:] = 0
                norm = clip_norm(gradients, config.max_grad_norm)
                multiresolution_adam_descent(weights, gradients, moments, blocks, adam)
                epoch.append({**statistics, "grad_norm": norm})
        return {name: float(np.mean([one[name] for one in epoch])) for name in epoch[0]}


def adapted(learning_rate: float, kl: float, config: PPOConfig) -> float:
    """Return the next update's step size after one that moved the policy by `kl` nats.

    It is divided by `learning_rate_factor` above twice `target_kl`, multiplied below half of it.
    """
    if kl > 2 * config.target_kl:
        learning_rate /= config.learning_rate_factor
    elif kl < config.target_kl / 2:
        learning_rate *= config.learning_rate_factor
    return min(max(learning_rate, config.min_learning_rate), config.max_learning_rate)


def updated_averages(
    parameters: Parameters, optimizer_state: Parameters, n_steps: int, config: PPOConfig
) -> Parameters:
    """Return the running averages of the optimizer's state, moved towards new parameters.

    They begin as the plain mean, so the first weights do not linger.
    """
    total = float(optimizer_state["agent_steps"][0])
    updated: Parameters = {}
    for prefix, steps in (
        (_AVERAGE, config.averaging_steps),
        (_CRITIC, config.critic_averaging_steps),
    ):
        share = n_steps / max(n_steps, min(total, steps))
        for name, mean in _with_prefix(prefix, parameters, optimizer_state).items():
            new = parameters[name] - mean
            new *= share
            new += mean
            updated[f"{prefix}{name}"] = new
    return updated


def _with_prefix(prefix: str, parameters: Parameters, optimizer_state: Parameters) -> Parameters:
    return {name: optimizer_state[f"{prefix}{name}"] for name in parameters}
