# %% [markdown]
"""From a frame to a won game, one step after the other.

The order is that of the notebook "Learning to Play Pong": a frame, the 80x80 pixels that are left
of it, the difference of two of them, a policy, a rollout, returns, a gradient, an update, batches
from workers. Then the preset `ppo` trains for a minute or two, until the agent wins, and a won game
is filmed.

Run it from top to bottom, `python scripts/tutorial.py`, or cell by cell as a notebook in an editor
that knows `# %%`. Unlike the other scripts this one is no door to a command: it is there to be
read. What it calls is the package's own, and each step prints something that can be checked.
"""

# %%
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from PIL import Image

from pong_agent import Batch, PongAgent, ReinforceConfig, make_env, preprocess_frame, rollout
from pong_agent.evaluation import evaluate_policy
from pong_agent.learning.adam import rmsprop_ascent
from pong_agent.learning.reinforce import episode_gradient
from pong_agent.learning.returns import discounted_returns, standardize
from pong_agent.network import Parameters, action_probabilities, forward
from pong_agent.recording import record_episodes
from pong_agent.training.config import TrainConfig
from pong_agent.training.trainer import start_run
from pong_agent.vision.network_input import observe
from pong_agent.vision.pixels import lit_pixels


@dataclass(frozen=True)
class Tutorial:
    """From a frame to a won game: learn Pong step by step."""

    minutes: float = 4.0
    """Minutes of training with preset ppo at the most."""

    stop_at_return: float = 5.0
    """Mean return of the last 30 training games that ends it sooner."""

    workers: int = 2
    """Ray workers that play at the same time; 0 plays in this process, without Ray."""

    games: int = 5
    """Games of the evaluation."""

    video_frames: int = 108_000
    """Emulator frames of the film at the most; 108,000 is as long as a game can be."""

    seed: int = 0
    """Seed of weights and episodes."""

    folder: Path | None = None
    """Folder for pictures, runs and film; by default runs/tutorial-DATE-TIME."""


in_notebook = "ipykernel" in sys.modules  # whose command line is not ours
options = tyro.cli(Tutorial, args=[] if in_notebook else None)
folder = options.folder or Path("runs") / f"tutorial-{time.strftime('%Y%m%d-%H%M%S')}"
folder.mkdir(parents=True, exist_ok=True)


def heading(text: str) -> None:
    """Print the title of a step."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


# %% [markdown]
# ## A frame
#
# What the agent is given is the console's screen, and nothing else: 210 rows of 160 pixels in RGB.
# `Pong-v0` is the notebook's environment; each action lasts two, three or four frames.

# %%
heading("A frame")
env = make_env("Pong-v0")
agent = PongAgent("reinforce", seed=options.seed, env=env)
down, up, stay = agent.paddle_actions  # found by their meanings: RIGHT is up, LEFT is down
frame = env.reset(seed=options.seed)[0]
for action in [stay] * 29 + [up]:  # until the ball is in play
    before = frame
    frame = env.step(action)[0]
Image.fromarray(frame).resize((480, 630), Image.Resampling.NEAREST).save(folder / "frame.png")
print(f"{frame.shape} {frame.dtype}, {len(np.unique(frame.reshape(-1, 3), axis=0))} colours")
print(f"UP is action {up} of the environment, DOWN is {down}; see {folder / 'frame.png'}")

# %% [markdown]
# ## 80x80 pixels
#
# `preprocess` of the notebook: rows 35 to 195, every second row and column, background 0, paddles
# and ball 1. Of 33,600 pixels 6,400 are left, and about 30 of them are lit.

# %%
heading("80x80 pixels")


def drawn(field: NDArray[np.integer], marks: str) -> str:
    """Return a field as text, two rows in a line; value v has the mark `marks[v]`."""
    upper, lower = field[::2], field[1::2]
    rows = np.where(upper != 0, upper, lower).tolist()
    return "\n".join("|" + "".join(marks[value] for value in row) + "|" for row in rows)


field = preprocess_frame(frame)
print(drawn(field, " #"))
print(f"{field.shape} {field.dtype}, {field.sum()} pixels are lit")

# %% [markdown]
# ## What moved
#
# One picture does not tell where the ball flies. The notebook's network sees the difference of two:
# +1 where something came, -1 where it went. The package keeps pictures as the indices of their lit
# pixels, and rows for the network as their few non-zeros.

# %%
heading("What moved: + came, - went")
x = observe("difference", [lit_pixels(frame)], [lit_pixels(before)])
difference = x.toarray().reshape(80, 80)
print(drawn(difference, " +-"))
same = np.array_equal(difference, field.astype(int) - preprocess_frame(before))
print(f"{len(x.indices)} of {x.width} numbers are not zero")
print(f"the same as field minus field before: {same}")

# %% [markdown]
# ## A policy
#
# 200 hidden units with ReLU, and one number, the logit of UP. W1 and W2 are random as yet.
#
#     h = max(W1 x, 0)     p = 1 / (1 + exp(-W2 . h))     probability of UP

# %%
heading("A policy")
parameters: Parameters = dict(agent.parameters)
logits, hidden = forward(parameters, x)
[[_, p_up]] = action_probabilities(logits)
dense = difference.reshape(-1).astype(np.float64)
by_hand = 1 / (1 + np.exp(-parameters["W2"] @ np.maximum(parameters["W1"] @ dense, 0)))
print(", ".join(f"{name} {array.shape}" for name, array in parameters.items()))
print(f"probability of UP {p_up:.6f}, by the formula above {by_hand:.6f}")

# %% [markdown]
# ## A rollout
#
# A whole game with sampled actions: observe, draw an action, step, note the reward, until one side
# has 21 points. The agent, right, knows nothing, and loses.

# %%
heading("A rollout")
[trajectory] = rollout(agent, [env], seeds=[options.seed])
points = np.flatnonzero(trajectory.rewards)
print(
    f"{len(trajectory)} agent steps, return {trajectory.episode_return:+.0f}: "
    f"{(trajectory.rewards > 0).sum()} points won, {(trajectory.rewards < 0).sum()} lost"
)

# %% [markdown]
# ## Rewards, returns, advantages
#
# The reward is +1 or -1 at a point and 0 else. Which action was to blame? All before the point, the
# later the more: `R_t = r_t + 0.99 R_{t+1}`, begun anew at each point. Standardized over the game
# (mean 0, deviation 1), about half of the actions are encouraged and half discouraged.

# %%
heading("Rewards, returns, advantages")
config = agent.config
assert isinstance(config, ReinforceConfig)  # noqa: S101  # for the type checker
returns = discounted_returns(trajectory.rewards, config.discount)
advantages = standardize(returns)
print("step  reward  return  advantage")
for t in (points[0] - 60, points[0] - 1, points[0], points[0] + 1):
    print(f"{t:4}  {trajectory.rewards[t]:+6.0f}  {returns[t]:+6.3f}  {advantages[t]:+9.3f}")
print(f"advantages: mean {abs(advantages.mean()):.3f}, standard deviation {advantages.std():.3f}")

# %% [markdown]
# ## The gradient
#
# REINFORCE goes uphill on `J = sum_t adv_t log p(a_t | x_t)`. At the logit its gradient is
# `(y_t - p_t) adv_t`, y_t being 1 where UP was taken and 0 where DOWN was; from there it is carried
# back to the weights. Is it right? Move one weight a little up and down, and look at J.

# %%
heading("The gradient")
gradient, _ = episode_gradient(parameters, trajectory, config.discount)
inputs = trajectory.network_input()


def objective(weights: Parameters) -> float:
    """Compute J for the game that was played."""
    probabilities = action_probabilities(forward(weights, inputs)[0])
    taken = probabilities[np.arange(len(trajectory)), trajectory.actions]
    return float(advantages @ np.log(taken))


unit, pixel = np.unravel_index(np.abs(gradient["W1"]).argmax(), gradient["W1"].shape)


def moved(step: float) -> Parameters:
    """Return the weights, one of them moved."""
    W1 = parameters["W1"].copy()
    W1[unit, pixel] += step
    return {**parameters, "W1": W1}


epsilon = 1e-5
numeric = (objective(moved(epsilon)) - objective(moved(-epsilon))) / (2 * epsilon)
analytic = float(gradient["W1"][unit, pixel])
print(f"dJ/dW1[{unit}, {pixel}], a weight of pixel ({pixel // 80}, {pixel % 80}):")
print(f"backward {analytic:+.8f}")
print(f"central difference {numeric:+.8f}")

# %% [markdown]
# ## An update
#
# RMSProp divides each weight's gradient by its usual size, so that all weights move at about one
# speed: `v = 0.99 v + 0.01 g^2`, `w = w + 1e-4 g / (sqrt(v) + 1e-5)`. `learn_from_batch` does all
# of this for a batch of games.

# %%
heading("An update")
zeros = {name: np.zeros_like(array) for name, array in parameters.items()}
stepped, _ = rmsprop_ascent(
    parameters,
    gradient,
    zeros,
    learning_rate=config.learning_rate,
    decay=config.rmsprop_decay,
    epsilon=config.rmsprop_epsilon,
)
agent.learn_from_batch(Batch([trajectory]))
print(f"J {objective(parameters):+.3f} before, {objective(stepped):+.3f} after the step")
print(f"largest step of a weight {np.abs(stepped['W1'] - parameters['W1']).max():.1e}")
same = np.array_equal(stepped["W1"], agent.parameters["W1"])
print(f"learn_from_batch gives the same weights: {same}")
env.close()

# %% [markdown]
# ## Batches from workers
#
# Games do not hang together, so that workers can play them at the same time. Each is given the
# weights and plays one game; what they send back are the pictures, not the gradients. The gradients
# of four games are added up for one update, as in the notebook.

# %%
heading("Batches from workers")
plain = TrainConfig("reinforce", updates=1, workers=options.workers, seed=options.seed)
with start_run(plain, folder / "reinforce") as trainer:
    trainer.train()
    progress = trainer.agent.progress
who = f"{options.workers} Ray workers" if options.workers else "this process"
print(f"{progress.episodes} games, {progress.agent_steps} steps, played by {who}, one update")
print(f"returns {[int(episode_return) for episode_return in progress.recent_returns]}")

# %% [markdown]
# ## Training
#
# This algorithm needs thousands of games. The preset `ppo` is quicker: the same pixels, the same
# size of network, but both pictures instead of their difference, several small steps on each batch,
# a learned value to compare the return with, mirror symmetry, weights for blocks of pixels. The
# README tells what they bring.

# %%
heading("Training")
ppo = TrainConfig(
    "ppo",
    minutes=options.minutes,
    stop_at_return=options.stop_at_return,
    workers=options.workers,
    seed=options.seed,
)


def told(mean_return: float) -> str:
    """Return a mean return in words; before the first game is over there is none."""
    return "no game over yet" if np.isnan(mean_return) else f"mean return {mean_return:+.2f}"


def tell(metrics: Mapping[str, float]) -> None:
    """Print a line every few seconds."""
    if metrics["time/iterations"] % 40 == 1:
        seconds, steps = metrics["time/time_elapsed"], metrics["time/total_timesteps"]
        mean = told(metrics["rollout/ep_rew_mean"])
        print(f"{seconds:4.0f} s  {steps:>9,.0f} agent steps  {mean}", flush=True)


with start_run(ppo, folder / "ppo") as trainer:
    trainer.train(tell)
    trained = trainer.agent
progress = trained.progress
print(f"{progress.agent_steps:,} steps, {progress.episodes} games, {told(progress.mean_return)}")

# %% [markdown]
# ## Evaluation
#
# Averaged weights play more evenly than the newest ones. The most probable action is taken, none is
# sampled, and the seeds are others than those of training.

# %%
heading("Evaluation")
player = trained.averaged()
result = evaluate_policy(player, "ALE/Pong-v5", options.games, seed=1000)
print(f"returns {[int(episode_return) for episode_return in result.returns]}")
print(f"mean {result.mean:+.2f} of {options.games} greedy games in ALE/Pong-v5")

# %% [markdown]
# ## A won game
#
# The first game that was won is played once more, the same seed being the same game, and filmed:
# every frame that the emulator shows. `pong-agent record` adds what the agent sees and decides.

# %%
heading("A won game")
won = [seed for seed, points in zip(result.seeds, result.returns, strict=True) if points > 0]
if not won:
    print(
        f"Not won: after this training the agent wins none of {options.games} games. "
        "The pretrained agent of the package goes on in its place."
    )
    player = PongAgent.pretrained()
    result = evaluate_policy(player, "ALE/Pong-v5", 1, seed=1000)
    won = [seed for seed, points in zip(result.seeds, result.returns, strict=True) if points > 0]
seed = won[0]
number = result.seeds.index(seed)
length = result.lengths[number]
print(f"seed {seed}: won by {result.returns[number]:.0f} points in {length} agent steps")
cut = {"max_num_frames_per_episode": options.video_frames}
filmed, [film] = record_episodes(
    player, folder, "ALE/Pong-v5", seeds=[seed], env_kwargs=cut, name_prefix="won", overlay=False
)
shown = filmed.lengths[0]
print(f"{film}: {'the whole game' if shown == length else f'its first {shown} agent steps'}")
