"""The command line: `pong-agent train | evaluate | record | report | export | benchmark | chaos`.

`scripts/` are thin doors to these.
"""

import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import tyro

from pong_agent.algorithms.optimizers import LearningError
from pong_agent.checkpoint import CheckpointError
from pong_agent.commands.benchmark import Benchmark
from pong_agent.commands.chaos import Chaos
from pong_agent.commands.evaluate import Evaluate
from pong_agent.commands.export import Export
from pong_agent.commands.plot import Plot
from pong_agent.commands.record import Record
from pong_agent.commands.report import Report
from pong_agent.commands.train import Train
from pong_agent.environment import NotPongError
from pong_agent.evaluation.film import FilmError
from pong_agent.presets import ConfigError
from pong_agent.training.collector import CollectorError
from pong_agent.training.run_folder import RunError
from pong_agent.training.trainer import read_train_config

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


_Command: TypeAlias = Train | Evaluate | Record | Report | Plot | Export | Benchmark | Chaos


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
