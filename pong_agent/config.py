"""Every hyperparameter, frozen, in one place: a preset is a value of a configuration class."""

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from math import nan
from typing import Any, ClassVar, TypeAlias

from pong_agent.errors import ConfigError
from pong_agent.vision.network_input import INPUT_SIZES


@dataclass(frozen=True)
class ReinforceConfig:
    """Hyperparameters of REINFORCE as in the notebook, whose names stand in brackets.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    Example:
        >>> ReinforceConfig(episodes_per_update=10).discount
        0.99
    """

    env_id: str = "Pong-v0"
    """Environment to learn in; its frame skip is drawn from 2 to 4, sticky actions 0.25."""

    repeat_action_probability: float | None = None
    """Probability that an action is sticky; by default the environment's own."""

    noop_max: int = 0
    """Most emulator frames, drawn for each episode, that pass before the first action."""

    observation: str = "difference"
    """What the network sees: "difference" is the current playing field minus the previous one."""

    hidden_units: int = 200
    """Number of ReLU units in the hidden layer [H]."""

    learning_rate: float = 1e-4
    """Step size of RMSProp [learning_rate]."""

    rmsprop_decay: float = 0.99
    """Decay of RMSProp's running mean of squared gradients, per update [decay_rate]."""

    rmsprop_epsilon: float = 1e-5
    """Added to the root of that mean, outside the root [1e-5 in Model.update]."""

    discount: float = 0.99
    """Discount of the reward per agent step [gamma]."""

    episodes_per_update: int = 4
    """Whole episodes whose gradients are summed into one update [batch_size]."""

    running_return_decay: float = 0.99
    """Decay, per episode, of the running mean of returns that is reported [0.99, 0.01]."""

    n_actions: ClassVar[int] = 2  # UP or DOWN
    mirror: ClassVar[bool] = False  # the notebook's policy has no symmetry

    def __post_init__(self) -> None:
        """Refuse values that no update can work with.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        if self.observation != "difference":
            raise ConfigError(f"observation: expected 'difference', found {self.observation!r}")
        _check_ranges(self)


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

    repeat_action_probability: float | None = None
    """Probability that an action is sticky; by default the environment's own."""

    noop_max: int = 0
    """Most emulator frames, drawn for each episode, that pass before the first action."""

    observation: str = "two_frames"
    """What the network sees: "two_frames" is the current playing field and the previous one."""

    hidden_units: int = 200
    """Number of ReLU units in the hidden layer, shared by policy and value; even with mirror."""

    mirror: bool = True
    """Half of the units see the picture upside down, with the others' weights."""

    n_actions: int = 3
    """Number of actions: 2 for DOWN and UP, 3 for a paddle that can also STAY."""

    stay_logit: float = -8.0
    """Added to the logit of STAY at the start: who can stand returns balls, and does not win."""

    final_stay_logit: float = 0.0
    """The same when annealed: who aims must be able to stand."""

    stay_from_logit: float = -4.0
    """Below it STAY's weights rest: else Adam would soon make up for the offset."""

    first_layer_scale: float = 0.15
    """Standard deviation of a hidden pre-activation at the start, for independent weights."""

    first_layer_smoothing: float = 0.0
    """Standard deviation, in pixels, of the Gaussian that blurs the first weights; 0 for none."""

    first_layer_blocks: tuple[int | tuple[int, int], ...] = (4, 16)
    """Sides, or (height, width), in pixels, of blocks that share a weight; () for none."""

    block_share: float = 0.5
    """Share of the first weights' variance that the blocks' have at the start, equally."""

    n_envs: int = 16
    """Games that are played on, each from where the last update left it."""

    varied_games: int = 0
    """How many of them draw the frame skip of every action from 2 to 4, as `Pong-v0` does."""

    fragment_steps: int = 128
    """Agent steps of each game per update, at the start."""

    final_fragment_steps: int = 512
    """The same when annealed: a good policy needs gradients with less chance in them."""

    dead_steps: int = 0
    """Agent steps after each point that are not learned from; for 15 no ball is in play."""

    discount: float = 0.995
    """Discount of the reward per agent step: with 0.98 agents return every ball, and do not win."""

    gae_lambda: float = 0.9
    """Decay of the advantage estimate's look ahead, lambda of Schulman et al. 2016."""

    value_lambda: float = 0.95
    """The same in the returns that the values are fitted to, which need less variance cut off."""

    critic_averaging_steps: int = 20_000
    """Agent steps over which the weights are averaged that estimate values for the advantages."""

    epochs: int = 5
    """Passes over the batch per update."""

    minibatches: int = 4
    """Parts of the batch, one gradient each, per epoch; 512 agent steps each at the start."""

    clip_range: float = 0.2
    """How far the probability ratio may leave 1 before its gradient is cut."""

    entropy_coefficient: float = 0.02
    """Weight of the policy's entropy in the objective, at the start."""

    final_entropy_coefficient: float = 0.002
    """The same when annealed."""

    value_coefficient: float = 2.0
    """Weight of half the squared value error in the objective."""

    max_grad_norm: float = 0.5
    """Gradients with a larger Euclidean norm are scaled down to it."""

    learning_rate: float = 1e-3
    """Adam's step size at the start; from then on the policy's change adapts it."""

    min_learning_rate: float = 1e-5
    """Lower bound of the adapted step size."""

    max_learning_rate: float = 2e-3
    """Upper bound of the adapted step size."""

    target_kl: float = 0.01
    """Divergence of the new policy from the old one, nats per decision, that an update aims at."""

    final_target_kl: float = 0.002
    """The same when annealed: smaller steps average out what chance has in them."""

    anneal_from_return: float = -15.0
    """Mean return of the last 30 episodes above which annealing begins, when rallies grow long.

    A batch has 50 points in it at first and 12 by then: more chance in each, so smaller steps."""

    anneal_to_return: float = 18.0
    """Mean return at which what has a final value has reached it."""

    anneal_steps: int = 10_000_000
    """Agent steps after which it has reached it at the latest, whatever the return."""

    averaging_steps: int = 200_000
    """Agent steps over which weights are averaged for evaluation; learning goes on without."""

    learning_rate_factor: float = 1.5
    """The step size is divided by it above twice the target, multiplied below half of it."""

    adam_beta1: float = 0.9
    """Decay of Adam's mean of gradients, per gradient."""

    adam_beta2: float = 0.999
    """Decay of Adam's mean of squared gradients, per gradient."""

    adam_epsilon: float = 1e-8
    """Added to the root of that mean."""

    running_return_decay: float = 0.99
    """Decay, per episode, of the running mean of returns that is reported."""

    def __post_init__(self) -> None:
        """Refuse values that no update can work with.

        Raises:
            ConfigError: a value has the wrong type or is out of range.
        """
        if self.observation not in INPUT_SIZES:
            raise ConfigError(
                f"observation: expected one of {sorted(INPUT_SIZES)}, found {self.observation!r}"
            )
        _check_ranges(self)
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

        Entropy weight, target divergence and STAY's logit move on straight lines, fragments grow by
        equal factors, with the larger of two shares: that of the way from `anneal_from_return` to
        `anneal_to_return` that the mean return has covered, and that of `anneal_steps`. Runs
        differ by a million steps in when they begin to win, and a schedule in steps alone would
        make the steps of those that have not yet won smaller too.

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


def _check_blocks(blocks: tuple[int | tuple[int, int], ...]) -> None:
    shapes = [(block, block) if isinstance(block, int) else block for block in blocks]
    sides = [side for shape in shapes for side in shape]
    fit = all(type(side) is int and side > 0 and 80 % side == 0 for side in sides)
    if (
        not isinstance(blocks, tuple)
        or not all(isinstance(shape, tuple) and len(shape) == 2 for shape in shapes)
        or len(set(shapes)) < len(shapes)
        or not fit
        or any(b % a for a, b in pairwise(sorted(width for _, width in shapes)))
    ):
        raise ConfigError(
            "first_layer_blocks: expected a tuple of sides, or of pairs (height, width), that "
            f"divide 80, each width a multiple of the smaller ones, found {blocks!r}"
        )


_DRAWN_FRAME_SKIP = (2, 5)  # the second is left out: that of Pong-v0 and Pong-v4

AgentConfig: TypeAlias = ReinforceConfig | PPOConfig


def environment_kwargs(config: AgentConfig, *, varied: bool = False) -> dict[str, Any]:
    """Return the arguments of `make_env` that make the environment an agent learns in.

    Args:
        config: the preset's values.
        varied: whether the frame skip is to be drawn (`PPOConfig.varied_games`).
    """
    kwargs: dict[str, Any] = {"noop_max": config.noop_max}
    if varied:
        kwargs["frameskip"] = _DRAWN_FRAME_SKIP
    if config.repeat_action_probability is not None:
        kwargs["repeat_action_probability"] = config.repeat_action_probability
    return kwargs


# Smallest and largest value of each number; counts start at 1, the others at 0.
_LOWER_BOUNDS = {
    "anneal_from_return": -21.0,
    "anneal_to_return": -21.0,
    "stay_logit": -30.0,
    "final_stay_logit": -30.0,
    "stay_from_logit": -30.0,
}
_UPPER_BOUNDS = {
    "block_share": 1.0,
    "repeat_action_probability": 1.0,
    "discount": 1.0,
    "gae_lambda": 1.0,
    "value_lambda": 1.0,
    "rmsprop_decay": 1.0,
    "running_return_decay": 1.0,
    "adam_beta1": 1.0,
    "adam_beta2": 1.0,
}


def _check_ranges(config: AgentConfig) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        if field.type is str:
            if not isinstance(value, str):
                raise ConfigError(f"{field.name}: expected a str, found {value!r}")
        elif field.type is bool:
            if type(value) is not bool:
                raise ConfigError(f"{field.name}: expected a bool, found {value!r}")
        elif field.type is int:
            least = 0 if field.name in ("noop_max", "dead_steps", "varied_games") else 1
            if type(value) is not int or value < least:
                raise ConfigError(
                    f"{field.name}: expected an int of {least} or more, found {value!r}"
                )
        elif field.type is float or (field.type == float | None and value is not None):
            lowest, most = _LOWER_BOUNDS.get(field.name, 0.0), _UPPER_BOUNDS.get(field.name, 1e3)
            # The comparison is also false for NaN.
            if type(value) not in (int, float) or not lowest <= value <= most:
                raise ConfigError(
                    f"{field.name}: expected a number from {lowest:g} to {most:g}, found {value!r}"
                )


PRESETS: dict[str, AgentConfig] = {"reinforce": ReinforceConfig(), "ppo": PPOConfig()}


def resolve_preset(preset: str | AgentConfig) -> AgentConfig:
    """Return the configuration that a preset's name stands for, or the configuration given.

    Raises:
        ConfigError: there is no preset of that name.

    Example:
        >>> resolve_preset("reinforce").discount
        0.99
    """
    if not isinstance(preset, str):
        return preset
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset {preset!r}; expected one of {sorted(PRESETS)}")
    return PRESETS[preset]
