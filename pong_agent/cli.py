"""The command line: `pong-agent train | evaluate | record | export | benchmark`.

`scripts/` are thin doors to these.
"""

import json
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import tyro
from tqdm import tqdm

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.algorithms.optimizers import LearningError
from pong_agent.benchmarks.learning import (
    measure_learning,
    plot_curves,
    summary,
    write_curves,
)
from pong_agent.checkpoint import CheckpointError, atomic_replace
from pong_agent.environment import NotPongError
from pong_agent.evaluation.evaluate import EvaluationResult, evaluate_policy
from pong_agent.evaluation.film import FilmError, write_gif
from pong_agent.evaluation.model_card import score
from pong_agent.evaluation.recorder import record_episodes
from pong_agent.presets import ConfigError, ReinforceConfig
from pong_agent.training.collector import CollectorError
from pong_agent.training.config import TrainConfig
from pong_agent.training.run_folder import RunError, RunFolder, load_agent
from pong_agent.training.trainer import (
    Trainer,
    read_train_config,
    resume_run,
    start_run,
)

_RUNS = Path("runs")

# What a user can cause: told in one line. Anything else is a bug and shows its traceback.
_USER_ERRORS = (
    CheckpointError,
    CollectorError,
    ConfigError,
    FilmError,
    LearningError,
    NotPongError,
    RunError,
)


@dataclass(frozen=True)
class Train:
    """Train an agent, in a run folder that keeps configuration, metrics and checkpoints.

    Ctrl-C stops in good order; --resume goes on as if the run had never stopped.
    """

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)

    run_folder: Path | None = None
    """Folder of the new run; by default runs/PRESET-seedN-DATE-TIME."""

    resume: Path | None = None
    """Folder of a run to go on with; its options are then the defaults of the others here."""

    def run(self) -> int:
        """Train, showing how it goes, and return the exit code."""
        with self._open() as trainer:
            config, folder = trainer.config, trainer.run_folder
            print(f"{config.preset} in {trainer.agent.config.env_id}, run {folder.path}")
            with _TrainingBar(trainer) as show:
                stopped_by = trainer.train(show)
        print(f"saved {folder.checkpoints()[-1]}")
        if stopped_by is None:
            return 0
        print(f"stopped by {stopped_by.name}; go on with --resume {folder.path}", file=sys.stderr)
        return 128 + stopped_by

    def _open(self) -> Trainer:
        if self.resume is not None:
            if self.run_folder is not None:
                raise ConfigError(
                    f"run_folder: expected none with --resume, found {self.run_folder}"
                )
            return resume_run(self.resume, self.config)
        name = f"{self.config.preset}-seed{self.config.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
        command = shlex.join(sys.argv)
        return start_run(self.config, self.run_folder or _RUNS / name, command)


@dataclass(frozen=True, kw_only=True)
class _Episodes:
    weights: Path | None = None
    """Weights file, or run folder for its newest checkpoint; by default the package's weights."""

    env_id: str | None = None
    """Environment to play; by default the one that the agent learned in."""

    sticky: float | None = None
    """Probability that an action is sticky; by default the environment's own."""

    frameskip: int | None = None
    """Emulator frames per decision; by default the environment's own."""

    difficulty: int | None = None
    """Difficulty of the built-in player, 0 to 3; by default the environment's own, 0."""

    noop_max: int | None = None
    """Most emulator frames, drawn for each episode, that pass before the first action."""

    episodes: int = 10
    """Number of episodes."""

    sampled: bool = False
    """Sample actions; by default the most probable one is taken (greedy)."""

    seed: int = 0
    """Episode i has the seed SEED + i."""

    def env_kwargs(self) -> dict[str, Any] | None:
        """Return the arguments of `make_env` that were asked for, None where none were."""
        asked = {
            "repeat_action_probability": self.sticky,
            "frameskip": self.frameskip,
            "difficulty": self.difficulty,
            "noop_max": self.noop_max,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return given or None

    def load(self) -> tuple[PongAgent, Path]:
        """Load the agent, say which one it is, and return it with where it came from."""
        weights = self.weights or PRETRAINED
        agent = load_agent(weights)
        name = "the pretrained agent" if self.weights is None else weights
        print(f"{name}, {agent.progress.agent_steps:,} agent steps of training")
        return agent, weights

    def bar(self) -> "tqdm[None]":
        """Return a progress bar over the episodes."""
        return tqdm(total=self.episodes, unit="episode", disable=None, leave=False)


@dataclass(frozen=True, kw_only=True)
class Evaluate(_Episodes):
    """Play whole episodes with an agent and report their returns."""

    json: Path | None = None
    """File to write the results to."""

    def run(self) -> int:
        """Play, print the table, and return the exit code."""
        agent, weights = self.load()
        with self.bar() as bar:
            result = evaluate_policy(
                agent,
                self.env_id,
                self.episodes,
                deterministic=not self.sampled,
                seed=self.seed,
                env_kwargs=self.env_kwargs(),
                on_episode=lambda _: bar.update(),
            )
        print(_table(result))
        if self.json is not None:
            _write_json(self.json, {"weights": str(weights), **result.to_dict()})
            print(f"wrote {self.json}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Record(_Episodes):
    """Play whole episodes with an agent and film them, every emulator frame at 60 per second."""

    episodes: int = 1
    """Number of episodes, each a film of its own."""

    video_folder: Path = Path("videos")
    """Folder of the films, named PREFIX-episode-I.mp4."""

    name_prefix: str = "pong"
    """Beginning of the films' names."""

    scale: int = 4
    """Size of a Pong pixel in the film, in pixels; the film is 160 x 210 times as large."""

    gif: bool = False
    """Also cut a GIF of six seconds from the first film."""

    def run(self) -> int:
        """Play and film, print returns and paths, and return the exit code."""
        agent, _ = self.load()
        with self.bar() as bar:
            result, paths = record_episodes(
                agent,
                self.video_folder,
                self.env_id,
                self.episodes,
                deterministic=not self.sampled,
                seed=self.seed,
                env_kwargs=self.env_kwargs(),
                name_prefix=self.name_prefix,
                scale=self.scale,
                on_episode=lambda _: bar.update(),
            )
        print(_table(result, paths))
        if self.gif:
            gif = paths[0].with_suffix(".gif")
            write_gif(paths[0], gif)
            print(f"wrote {gif}")
        return 0


@dataclass(frozen=True)
class Export:
    """Write a run's weights for others to act with, and into the file how they score.

    The scores are those of the file itself, at half precision.
    """

    run_folder: Path
    """Folder of the run."""

    output: Path
    """Weights file to write."""

    best: bool = False
    """Take the checkpoint of the run's best evaluation; by default its newest one."""

    episodes: int = 100
    """Episodes of each score."""

    seed: int = 1000
    """Episode i of each score has the seed SEED + i."""

    workers: int = 2
    """Processes that play at the same time."""

    def run(self) -> int:
        """Score, write, print the model card's table, and return the exit code."""
        folder = RunFolder.open(self.run_folder)
        agent = folder.load_best() if self.best else folder.load_latest()
        origin = folder.origin(agent.progress.updates)
        agent.export(self.output, origin)
        scores = score(
            PongAgent.load(self.output),
            self.episodes,
            self.seed,
            n_workers=self.workers,
            on_result=lambda setting, result: print(f"{setting}: {_summary(result)}", flush=True),
        )
        agent.export(self.output, {**origin, "scores": scores})
        print(f"wrote {self.output}")
        return 0


@dataclass(frozen=True)
class Benchmark:
    """Measure how fast the preset learns: from scratch, seed by seed, until it wins.

    Prints agent steps and seconds to a mean training return above 0 (last 30 episodes) and to a
    greedy evaluation that reaches the goal; writes all curves as CSV and as a picture. The time of
    evaluations is not counted.
    """

    what: tyro.conf.Positional[Literal["learning"]]
    """What to measure."""

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: TrainConfig(eval_every=100_000, eval_from=14.0, eval_episodes=30)
    )

    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds, one run each."""

    goal: float = 18.0
    """Mean return of a greedy evaluation that counts as winning and ends a run."""

    output: Path | None = None
    """New folder of the runs, learning.csv and learning.png; by default runs/learning-DATE-TIME."""

    def run(self) -> int:
        """Train for each seed, print the table, and return the exit code."""
        folder = self.output or _RUNS / time.strftime("learning-%Y%m%d-%H%M%S")
        results = measure_learning(
            self.config, self.seeds, folder, goal=self.goal, on_update=self._show
        )
        print(summary(results, self.goal))
        write_curves(results, folder / "learning.csv")
        title = f"{self.config.preset}, {', '.join(self.config.hyperparams) or 'from scratch'}"
        plot_curves(results, folder / "learning.png", title=title, goal=self.goal)
        print(f"wrote {folder}/learning.csv and {folder}/learning.png")
        return 0

    @staticmethod
    def _show(seed: int, metrics: Mapping[str, float]) -> None:
        due = int(metrics["time/time_elapsed"] / 10)
        before = int((metrics["time/time_elapsed"] - metrics["time/update_seconds"]) / 10)
        if due > before or "eval/mean_reward" in metrics:
            print(f"seed {seed}  {_step_line(metrics)}", flush=True)


_Command: TypeAlias = Train | Evaluate | Record | Export | Benchmark


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: the command line without the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit code: 0, 1 after an error that is told in one line, 128 + N after signal N.

    Raises:
        SystemExit: with 2 for a command line that cannot be parsed, with 0 after `--help`.
    """
    args = sys.argv[1:] if args is None else list(args)
    try:
        command = _parse(args)
        return command.run()
    except _USER_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parse(args: Sequence[str]) -> _Command:
    command = _parse_with(args, tyro.MISSING)
    if isinstance(command, Train) and command.resume is not None:
        # Parsed again with the run's own options as defaults.
        return _parse_with(args, Train(config=read_train_config(command.resume)))
    return command


def _parse_with(args: Sequence[str], default: Any) -> _Command:
    command: _Command = tyro.cli(
        _Command,
        prog="pong-agent",
        default=default,
        args=args,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return command


class _TrainingBar:
    """Shows training: a bar of the limit that is nearest, and a line now and then.

    Preset `reinforce` has a line for every batch, as the notebook; `ppo`, whose updates take a
    fraction of a second, one every few seconds.
    """

    seconds_between_lines = 5.0

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._bar = tqdm(
            total=1.0,
            initial=trainer.fraction_done(),
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}",
            disable=None,
            leave=False,
        )
        self._last_line = float("-inf")

    def __enter__(self) -> Callable[[Mapping[str, float]], None]:
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def _show(self, metrics: Mapping[str, float]) -> None:
        done = self._trainer.fraction_done()
        self._bar.update(done - self._bar.n)
        config = self._trainer.agent.config
        seconds = metrics["time/time_elapsed"]
        due = seconds - self._last_line >= self.seconds_between_lines
        if isinstance(config, ReinforceConfig):
            line = _batch_line(metrics, config)
        elif due or done >= 1 or "eval/mean_reward" in metrics:
            line = _step_line(metrics)
        else:
            return
        self._last_line = seconds
        self._bar.write(line)
        sys.stdout.flush()  # so that a log file can be followed


def _batch_line(metrics: Mapping[str, float], config: ReinforceConfig) -> str:
    return (
        f"batch {metrics['time/updates']:.0f}: "
        f"{config.episodes_per_update} rollouts in {metrics['time/update_seconds']:.1f} s, "
        f"running mean {metrics['rollout/running_return']:.3f}, "
        f"return {metrics['rollout/ep_rew_mean']:+.2f}, {metrics['time/fps']:,.0f} steps/s"
        f"{_evaluation(metrics)}"
    )


def _step_line(metrics: Mapping[str, float]) -> str:
    steps, seconds = metrics["time/total_timesteps"], metrics["time/time_elapsed"]
    return (
        f"{seconds:6.0f} s  {steps:>10,.0f} steps  return {metrics['rollout/ep_rew_mean']:+6.2f}  "
        f"entropy {metrics['train/entropy']:.3f}  step size {metrics['train/learning_rate']:.1e}  "
        f"{metrics['time/fps']:,.0f} steps/s{_evaluation(metrics)}"
    )


def _evaluation(metrics: Mapping[str, float]) -> str:
    return f", greedy {metrics['eval/mean_reward']:+.2f}" if "eval/mean_reward" in metrics else ""


def _table(result: EvaluationResult, paths: Sequence[Path] = ()) -> str:
    rows = [f"{'seed':>10}  {'return':>6}  {'steps':>6}" + ("  film" if paths else "")]
    for index, (seed, episode_return, length) in enumerate(
        zip(result.seeds, result.returns, result.lengths, strict=True)
    ):
        film = f"  {paths[index]}" if paths else ""
        rows.append(f"{seed:>10}  {episode_return:>+6.0f}  {length:>6}{film}")
    return "\n".join([*rows, f"{result.env_id}, {_summary(result)}"])


def _summary(result: EvaluationResult) -> str:
    choice = "greedy" if result.deterministic else "sampled"
    n_episodes = len(result.returns)
    text = (
        f"{choice}, {n_episodes} episode{'s' if n_episodes > 1 else ''}: "
        f"mean {result.mean:+.2f}, std {result.std:.2f}"
    )
    if result.confidence_interval is not None:
        low, high = result.confidence_interval
        text += f", 95 % interval {low:+.2f} to {high:+.2f}"
    return text


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replace(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error}") from error
