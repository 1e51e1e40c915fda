# %% [markdown]
"""From one frame to a won game, step by step.

An agent that learns Pong needs five ideas, and each is a few lines of NumPy:

1. **What it sees**: 80x80 pixels of a frame, and which of them moved.
2. **What it decides**: a small network turns them into the probability of moving up.
3. **How it tries**: it samples its actions from that probability and plays a whole game.
4. **What was good**: an action before a won point gets credit, before a lost point blame.
5. **How it learns**: weights move so that actions with credit become more probable.

These are the steps of the notebook "Learning to Play Pong", and each one here prints a number that
you can check. Then preset `ppo` trains for a minute or two, until the agent wins, and a won game
is recorded. The lesson runs with `python scripts/tutorial.py` (`--help` lists its options), as the
notebook `scripts/tutorial.ipynb`, or cell by cell in an editor that knows `# %%`.
"""

# %% command line
from lesson import command_line, heading, show

options, folder = command_line()

# %% [markdown]
# ## A frame
#
# The agent sees the console's screen and nothing else: 210 rows of 160 pixels in RGB. `Pong-v0` is
# the notebook's environment, where each action lasts two, three or four frames.

# %%
import numpy as np
from PIL import Image

from pong_agent import PongAgent, make_env

heading("A frame")
env = make_env("Pong-v0")
agent = PongAgent("reinforce", seed=options.seed, env=env)
down, up, stay = agent.paddle_actions  # found by meaning: RIGHT is up, LEFT is down
frame = env.reset(seed=options.seed)[0]
for action in [stay] * 29 + [up]:  # until the ball is in play
    before = frame
    frame = env.step(action)[0]
Image.fromarray(frame).resize((480, 630), Image.Resampling.NEAREST).save(folder / "frame.png")
show(folder / "frame.png")
print(f"{frame.shape} {frame.dtype}, {len(np.unique(frame.reshape(-1, 3), axis=0))} colours")
print(f"UP is action {up} of the environment, DOWN is {down}")

# %% [markdown]
# ## 80x80 pixels
#
# The notebook's `preprocess` keeps rows 35 to 194 and every second row and column, and sets the
# background to 0, paddles and ball to 1. Of 33,600 pixels 6,400 remain, and about 30 are lit.

# %%
from numpy.typing import NDArray

from pong_agent import preprocess_frame

heading("80x80 pixels")


def drawn(field: NDArray[np.integer], marks: str) -> str:
    """Return a field as text, two rows per line between rules; `marks[v]` stands for value v."""
    upper, lower = field[::2], field[1::2]
    rows = np.where(upper != 0, upper, lower).tolist()
    lines = ["".join(marks[value] for value in row).rstrip() for row in rows]
    return "\n".join(["=" * 80, *lines, "=" * 80])


field = preprocess_frame(frame)
print(drawn(field, " #"))
print(f"{field.shape} {field.dtype}, {field.sum()} pixels are lit")

# %% [markdown]
# ## What moved
#
# A single field does not show where the ball is going. The notebook's network sees the difference
# of two: +1 where a pixel was lit, -1 where one went dark. The package stores fields as the indices
# of their lit pixels, and the network's input as its few non-zero entries.

# %%
from pong_agent.vision.network_input import observe
from pong_agent.vision.pixels import lit_pixels

heading("What moved: + lit, - dark")
x = observe("difference", [lit_pixels(frame)], [lit_pixels(before)])
difference = x.toarray().reshape(80, 80)
print(drawn(difference, " +-"))
same = np.array_equal(difference, field.astype(int) - preprocess_frame(before))
print(f"{len(x.indices)} of {x.width} entries are not zero")
print(f"equal to the field minus the previous field: {same}")

# %% [markdown]
# ## A policy
#
# 200 hidden units with ReLU, and one output: the logit of UP. W1 and W2 are still random.
#
#     h = max(W1 x, 0)     p = 1 / (1 + exp(-W2 . h))     probability of UP

# %%
from pong_agent.learning.reinforce import policy_forward
from pong_agent.network import Parameters

heading("A policy")
parameters: Parameters = dict(agent.parameters)
[p_up], _ = policy_forward(parameters, x)
dense = difference.reshape(-1).astype(np.float64)
by_hand = 1 / (1 + np.exp(-parameters["W2"] @ np.maximum(parameters["W1"] @ dense, 0)))
print(", ".join(f"{name} {array.shape}" for name, array in parameters.items()))
print(f"probability of UP {p_up:.6f}, by the formula above {by_hand:.6f}")

# %% [markdown]
# ## A rollout
#
# One whole game with sampled actions: observe, sample an action, step, store the reward, until one
# side has 21 points. The untrained agent (right paddle) loses.

# %%
from pong_agent import rollout

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
# The reward is +1 or -1 when a point is scored and 0 otherwise. Which action earned it? Every
# action before the point gets credit, later ones more: `R_t = r_t + 0.99 R_{t+1}`, restarted after
# each point. Standardized over the game (mean 0, standard deviation 1), the returns encourage about
# half of the actions and discourage the others.

# %%
from pong_agent import ReinforceConfig
from pong_agent.learning.returns import discounted_returns, standardize

heading("Rewards, returns, advantages")
config = agent.config
assert isinstance(config, ReinforceConfig)  # for the type checker
returns = discounted_returns(trajectory.rewards, config.discount)
advantages = standardize(returns)
print("step  reward  return  advantage")
for t in (points[0] - 60, points[0] - 1, points[0], points[0] + 1):
    print(f"{t:4}  {trajectory.rewards[t]:+6.0f}  {returns[t]:+6.3f}  {advantages[t]:+9.3f}")
print(f"advantages: mean {abs(advantages.mean()):.3f}, standard deviation {advantages.std():.3f}")

# %% [markdown]
# ## The gradient
#
# REINFORCE ascends `J = sum_t adv_t log p(a_t | x_t)`. The gradient with respect to the logit is
# `(y_t - p_t) adv_t`, where y_t is 1 for UP and 0 for DOWN; backpropagation carries it to the
# weights. To check it, move one weight a little up and down and see how J changes.

# %%
from pong_agent import UP
from pong_agent.learning.reinforce import episode_gradient

heading("The gradient")
gradient, _ = episode_gradient(parameters, trajectory, config.discount)
inputs = trajectory.network_input()


def objective(weights: Parameters) -> float:
    """Compute J of the game above for other weights."""
    up, _ = policy_forward(weights, inputs)
    taken = np.where(trajectory.actions == UP, up, 1 - up)
    return float(advantages @ np.log(taken))


unit, pixel = np.unravel_index(np.abs(gradient["W1"]).argmax(), gradient["W1"].shape)


def moved(step: float) -> Parameters:
    """Return the weights with one of them moved."""
    W1 = parameters["W1"].copy()
    W1[unit, pixel] += step
    return {**parameters, "W1": W1}


epsilon = 1e-5
numeric = (objective(moved(epsilon)) - objective(moved(-epsilon))) / (2 * epsilon)
analytic = float(gradient["W1"][unit, pixel])
print(f"dJ/dW1[{unit}, {pixel}], the weight of pixel ({pixel // 80}, {pixel % 80}):")
print(f"backward {analytic:+.8f}")
print(f"central difference {numeric:+.8f}")

# %% [markdown]
# ## An update
#
# RMSProp divides each weight's gradient by its typical size, so that all weights move at about the
# same speed: `v = 0.99 v + 0.01 g^2`, `w = w + 1e-4 g / (sqrt(v) + 1e-5)`. `learn_from_batch` does
# all of this for a batch of games.

# %%
from pong_agent import Batch
from pong_agent.learning.reinforce import rmsprop_ascent

heading("An update")
stepped = {}
for name, weights in parameters.items():
    stepped[name], _ = rmsprop_ascent(
        weights,
        gradient[name],
        np.zeros_like(weights),
        learning_rate=config.learning_rate,
        decay=config.rmsprop_decay,
        epsilon=config.rmsprop_epsilon,
    )
agent.learn_from_batch(Batch([trajectory]))
print(f"J {objective(parameters):+.3f} before the step, {objective(stepped):+.3f} after it")
print(f"largest change of a weight {np.abs(stepped['W1'] - parameters['W1']).max():.1e}")
same = np.array_equal(stepped["W1"], agent.parameters["W1"])
print(f"learn_from_batch gives the same weights: {same}")
env.close()

# %% [markdown]
# ## Batches from workers
#
# Games are independent, so workers can play them in parallel. Each worker receives the weights,
# plays one game, and sends back the fields rather than gradients. As in the notebook, the gradients
# of four games are summed for one update.

# %%
from pong_agent.training.config import TrainConfig
from pong_agent.training.start import start_run

heading("Batches from workers")
plain = TrainConfig("reinforce", updates=1, workers=options.workers, seed=options.seed)
with start_run(plain, folder / "reinforce") as trainer:
    trainer.train()
    progress = trainer.agent.progress
who = f"{options.workers} Ray workers" if options.workers else "this process"
print(f"one update from {progress.episodes} games, {progress.agent_steps} agent steps, by {who}")
print(f"returns {[int(episode_return) for episode_return in progress.recent_returns]}")

# %% [markdown]
# ## Training
#
# REINFORCE needs thousands of games. Preset `ppo` learns faster from the same pixels with a network
# of the same size: it sees both fields instead of their difference, takes several small steps on
# each batch, compares returns with a learned value, is mirror-symmetric, and shares weights between
# blocks of pixels. `pong_agent/learning/README.md` explains these parts, and
# `scripts/benchmarks/README.md` measures what each contributes.

# %%
from collections.abc import Mapping

heading("Training")
ppo = TrainConfig(
    "ppo",
    minutes=options.minutes,
    stop_at_return=options.stop_at_return,
    workers=options.workers,
    seed=options.seed,
)


def as_text(mean_return: float) -> str:
    """Return a mean return as text; before the first game ends there is none."""
    return "no game finished yet" if np.isnan(mean_return) else f"mean return {mean_return:+.2f}"


def report(metrics: Mapping[str, float]) -> None:
    """Print a line every few seconds."""
    if metrics["time/iterations"] % 40 == 1:
        seconds, steps = metrics["time/time_elapsed"], metrics["time/total_timesteps"]
        mean = as_text(metrics["rollout/ep_rew_mean"])
        print(f"{seconds:4.0f} s  {steps:>9,.0f} agent steps  {mean}", flush=True)


with start_run(ppo, folder / "ppo") as trainer:
    trainer.train(report)
    trained = trainer.agent
progress = trained.progress
print(f"{progress.agent_steps:,} steps, {progress.episodes} games, {as_text(progress.mean_return)}")

# %% [markdown]
# ## Evaluation
#
# The averaged weights play more steadily than the newest ones. Evaluation takes the most probable
# action instead of sampling, on seeds that training did not use.

# %%
from pong_agent.evaluation import evaluate_policy

heading("Evaluation")
player = trained.averaged()
result = evaluate_policy(player, "ALE/Pong-v5", options.games, seed=1000)
returns_of_games = [int(episode_return) for episode_return in result.returns]
print(f"returns of greedy games in ALE/Pong-v5: {returns_of_games}, mean {result.mean:+.2f}")

# %% [markdown]
# ## A won game
#
# The same seed gives the same game, so the first won game is played again and recorded, with every
# frame that the emulator renders. `pong-agent record` adds a panel with what the agent sees and
# decides.

# %%
from pong_agent.envs.spec import EnvSpec
from pong_agent.recording import VideoOptions, record_episodes

heading("A won game")
won = [seed for seed, points in zip(result.seeds, result.returns, strict=True) if points > 0]
if not won:
    print(
        "Not won: after this training the agent won no game of the evaluation.\n"
        "The pretrained agent of the package takes its place."
    )
    player = PongAgent.pretrained()
    result = evaluate_policy(player, "ALE/Pong-v5", 1, seed=1000)
    won = [seed for seed, points in zip(result.seeds, result.returns, strict=True) if points > 0]
seed = won[0]
number = result.seeds.index(seed)
length = result.lengths[number]
print(f"seed {seed}: won by {result.returns[number]:.0f} points in {length} agent steps")
cut = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=options.video_frames)
look = VideoOptions(name_prefix="won", overlay=False)
recorded, [video] = record_episodes(player, folder, cut, [seed], options=look)
shown = recorded.lengths[0]
print("the whole game:" if shown == length else f"its first {shown} agent steps:")
show(video)
