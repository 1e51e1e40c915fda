"""Every hyperparameter, frozen, in one place: a preset is an instance of a configuration class."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import nan
from typing import Any, ClassVar, TypeAlias

from pong_agent.bounds import (
    Count,
    CountOrZero,
    Logit,
    Positive,
    Return,
    Share,
    check_fields,
)
from pong_agent.errors import ConfigError, did_you_mean
from pong_agent.vision.network_input import INPUT_SIZES


@dataclass(frozen=True)
class ReinforceConfig:
    """Hyperparameters of REINFORCE as in the notebook, with the notebook's names in brackets.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    Example:
        >>> ReinforceConfig(episodes_per_update=10).discount
        0.99
    """

    env_id: str = "Pong-v0"
    """Environment to learn in; its frame skip is drawn from 2 to 4, sticky actions 0.25."""

    repeat_action_probability: Share | None = None
    """Probability that an action is sticky; by default the environment's own."""

    noop_max: CountOrZero = 0
    """Largest number of no-op frames, drawn for each episode, before the first action."""

    observation: str = "difference"
    """Network input: "difference" is the current playing field minus the previous one."""

    hidden_units: Count = 200
    """Number of ReLU units in the hidden layer [H]."""

    learning_rate: Positive = 1e-4
    """Step size of RMSProp [learning_rate]."""

    rmsprop_decay: Share = 0.99
    """Decay of RMSProp's running mean of squared gradients, per update [decay_rate]."""

    rmsprop_epsilon: Positive = 1e-5
    """Added to the root of that mean, outside the root [1e-5 in Model.update]."""

    discount: Share = 0.99
    """Discount of the reward per agent step [gamma]."""

    episodes_per_update: Count = 4
    """Whole episodes whose gradients are summed into one update [batch_size]."""

    running_return_decay: Share = 0.99
    """Decay, per episode, of the reported running mean of returns [0.99, 0.01]."""

    n_actions: ClassVar[int] = 2  # UP or DOWN
    mirror: ClassVar[bool] = False  # the notebook's policy has no symmetry

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        check_fields(self)
        if self.observation != "difference":
            raise ConfigError(f"observation: expected 'difference', found {self.observation!r}")


@dataclass(frozen=True)
class PPOConfig:
    """Hyperparameters of proximal policy optimization, tuned for wall-clock on two cores.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    Example:
        >>> PPOConfig(epochs=3).learning_rate
        0.001
    """

    env_id: str = "ALE/Pong-v5"
    """Environment to learn in; frame skip 4, sticky actions 0.25."""

    repeat_action_probability: Share | None = None
    """Probability that an action is sticky; by default the environment's own."""

    noop_max: CountOrZero = 0
    """Largest number of no-op frames, drawn for each episode, before the first action."""

    observation: str = "two_frames"
    """Network input: "two_frames" is the current playing field and the previous one."""

    hidden_units: Count = 200
    """Number of ReLU hidden units, shared by policy and value; even with mirror."""

    mirror: bool = True
    """Half of the hidden units see the field upside down, with the weights of the others."""

    n_actions: int = 3
    """Number of actions: 2 for DOWN and UP, 3 with STAY."""

    stay_logit: Logit = -8.0
    """Added to the logit of STAY at the start.

    Agents that may stand still from the start learn to return balls but not to win."""

    final_stay_logit: Logit = 0.0
    """The same when annealed: aiming takes a paddle that can stand still."""

    stay_from_logit: Logit = -4.0
    """STAY's weights are frozen while `stay_logit` is below this.

    Otherwise Adam cancels the offset."""

    first_layer_scale: Positive = 0.15
    """Standard deviation of a hidden pre-activation at the start, were weights independent."""

    first_layer_blocks: tuple[int, ...] = (4, 16)
    """Sides, in pixels, of the square blocks that share a weight; () for none."""

    block_share: Share = 0.5
    """Share of the blocks, all sizes together, in the variance of the first weights."""

    n_envs: Count = 16
    """Number of games; each continues from where the last update left it."""

    varied_games: CountOrZero = 0
    """Number of games that draw the frame skip of every action from 2 to 4, as `Pong-v0` does."""

    fragment_steps: Count = 128
    """Agent steps of each game per update, at the start."""

    final_fragment_steps: Count = 512
    """The same when annealed: a good policy needs less noisy gradients."""

    discount: Share = 0.995
    """Discount per agent step; with 0.98 agents return every ball but do not win."""

    gae_lambda: Share = 0.9
    """Lambda of the advantage estimates (Schulman et al. 2016)."""

    value_lambda: Share = 0.95
    """Lambda of the returns that the values are fitted to; these tolerate more variance."""

    critic_averaging_steps: Count = 20_000
    """Agent steps over which the critic's weights are averaged; it estimates the advantages."""

    epochs: Count = 5
    """Passes over the batch per update."""

    minibatches: Count = 4
    """Minibatches per epoch; 512 agent steps each at the start."""

    clip_range: Positive = 0.2
    """Distance of the probability ratio from 1 beyond which its gradient is cut."""

    entropy_coefficient: Positive = 0.02
    """Weight of the policy's entropy in the objective, at the start."""

    final_entropy_coefficient: Positive = 0.002
    """The same when annealed."""

    value_coefficient: Positive = 2.0
    """Weight of half the squared value error in the objective."""

    max_grad_norm: Positive = 0.5
    """Gradients with a larger Euclidean norm are scaled down to it."""

    learning_rate: Positive = 1e-3
    """Adam's step size at the start; the divergence of each update adapts it."""

    min_learning_rate: Positive = 1e-5
    """Lower bound of the adapted step size."""

    max_learning_rate: Positive = 2e-3
    """Upper bound of the adapted step size."""

    target_kl: Positive = 0.01
    """Divergence of the new policy from the old one, in nats, that an update aims at."""

    final_target_kl: Positive = 0.002
    """The same when annealed: smaller steps average out noise."""

    anneal_from_return: Return = -15.0
    """Mean return of the last 30 episodes above which annealing begins.

    Rallies grow longer: a batch has 50 points at first and 12 by then, so its gradient is noisier
    and calls for smaller steps."""

    anneal_to_return: Return = 18.0
    """Mean return at which annealed values have reached their final ones."""

    anneal_steps: Count = 10_000_000
    """Agent steps after which they have, whatever the return."""

    averaging_steps: Count = 200_000
    """Agent steps over which weights are averaged for evaluation and export."""

    learning_rate_factor: Positive = 1.5
    """Factor that shrinks the step size above twice the target, and grows it below half."""

    adam_beta1: Share = 0.9
    """Decay of Adam's mean of gradients, per gradient."""

    adam_beta2: Share = 0.999
    """Decay of Adam's mean of squared gradients, per gradient."""

    adam_epsilon: Positive = 1e-8
    """Added to the root of that mean."""

    running_return_decay: Share = 0.99
    """Decay, per episode, of the reported running mean of returns."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        check_fields(self)
        if self.observation not in INPUT_SIZES:
            raise ConfigError(
                f"observation: expected one of {sorted(INPUT_SIZES)}, found {self.observation!r}"
            )
        if self.mirror and self.hidden_units % 2:
            raise ConfigError(
                f"hidden_units: expected an even number with mirror, found {self.hidden_units}"
            )
        if self.n_actions not in (2, 3):
            raise ConfigError(f"n_actions: expected 2 or 3, found {self.n_actions}")
        if self.varied_games > self.n_envs:
            raise ConfigError(
                f"varied_games: expected at most n_envs, {self.n_envs}, found {self.varied_games}"
            )
        if self.anneal_to_return <= self.anneal_from_return:
            raise ConfigError(
                f"anneal_to_return: expected more than anneal_from_return, "
                f"{self.anneal_from_return}, found {self.anneal_to_return}"
            )
        _check_blocks(self.first_layer_blocks)

    def annealed(self, agent_steps: float, mean_return: float = nan) -> "PPOConfig":
        """Return the configuration with the values that hold at some point of a run.

        Entropy weight, target divergence and STAY's logit change linearly, fragments grow
        geometrically. Progress is the larger of two fractions: of the way of the mean return from
        `anneal_from_return` to `anneal_to_return`, and of `anneal_steps`. Runs differ by a million
        steps in when they begin to win, and a schedule in steps alone would anneal runs that have
        not won yet.

        Args:
            agent_steps: agent steps learned from.
            mean_return: mean return of the last episodes; NaN before the first.

        Example:
            >>> config = PPOConfig(fragment_steps=100, final_fragment_steps=400)
            >>> config.annealed(0, mean_return=1.5).fragment_steps
            200
        """
        done = agent_steps / self.anneal_steps
        if mean_return > self.anneal_from_return:
            way = self.anneal_to_return - self.anneal_from_return
            done = max(done, (mean_return - self.anneal_from_return) / way)
        done = min(1.0, done)

        def between(first: float, final: float) -> float:
            return first + done * (final - first)

        growth = self.final_fragment_steps / self.fragment_steps
        return replace(
            self,
            entropy_coefficient=between(self.entropy_coefficient, self.final_entropy_coefficient),
            stay_logit=between(self.stay_logit, self.final_stay_logit),
            target_kl=between(self.target_kl, self.final_target_kl),
            fragment_steps=round(self.fragment_steps * growth**done),
        )


def _check_blocks(sizes: tuple[int, ...]) -> None:
    fit = isinstance(sizes, tuple) and len(set(sizes)) == len(sizes)
    if not fit or not all(type(size) is int and size > 0 and 80 % size == 0 for size in sizes):
        raise ConfigError(
            f"first_layer_blocks: expected a tuple of different sides that divide 80, "
            f"found {sizes!r}"
        )


AgentConfig: TypeAlias = ReinforceConfig | PPOConfig


PRESETS: dict[str, AgentConfig] = {"reinforce": ReinforceConfig(), "ppo": PPOConfig()}


def resolve_preset(preset: str | AgentConfig) -> AgentConfig:
    """Return the configuration that a preset's name stands for, or the configuration given.

    Raises:
        ConfigError: there is no preset of that name, or it is neither.

    Example:
        >>> resolve_preset("reinforce").discount
        0.99
    """
    if isinstance(preset, AgentConfig):
        return preset
    if not isinstance(preset, str):
        raise ConfigError(
            f"preset: expected a name of {sorted(PRESETS)} or a configuration, found {preset!r:.60}"
        )
    if preset not in PRESETS:
        hint = did_you_mean(preset, PRESETS)
        raise ConfigError(f"unknown preset {preset!r}; {hint}expected one of {sorted(PRESETS)}")
    return PRESETS[preset]


def with_hyperparams(config: AgentConfig, hyperparams: Sequence[str]) -> AgentConfig:
    """Return a configuration with some values replaced, each given as "NAME:VALUE".

    Raises:
        ConfigError: a name is unknown, or a value is out of range or not a Python literal.

    Example:
        >>> with_hyperparams(PRESETS["ppo"], ["epochs:3", "observation:difference"]).epochs
        3
    """
    known = {field.name for field in fields(config)}
    given: dict[str, Any] = {}
    for item in hyperparams:
        name, colon, text = item.partition(":")
        if not colon and name in known:
            example = f"{name}:{getattr(config, name)}"
            raise ConfigError(f"hyperparams: expected NAME:VALUE, e.g. {example}, found {item!r}")
        if name not in known:
            hint = did_you_mean(name, known).strip()
            names = "a known name" if hint else sorted(known)
            message = f"hyperparams: expected NAME:VALUE of {names}, found {item!r}; {hint}"
            raise ConfigError(message.removesuffix("; "))
        try:
            given[name] = text if type(getattr(config, name)) is str else ast.literal_eval(text)
        except (SyntaxError, ValueError) as error:
            raise ConfigError(f"{name}: expected a value, found {text!r}") from error
    return replace(config, **given)
