"""The command line, `pong-agent COMMAND`; `scripts/` are thin doors to it."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast, get_args

import tyro

from pong_agent.checkpoint import CheckpointError
from pong_agent.cli.benchmark import Benchmark
from pong_agent.cli.chaos import Chaos
from pong_agent.cli.doctor import Doctor
from pong_agent.cli.evaluate import Evaluate
from pong_agent.cli.export import Export
from pong_agent.cli.options import command_with, read_options, to_toml, with_options
from pong_agent.cli.play import Play
from pong_agent.cli.plot import Plot
from pong_agent.cli.record import Record
from pong_agent.cli.report import Report
from pong_agent.cli.tournament import Tournament
from pong_agent.cli.train import Train
from pong_agent.envs.paddle_actions import NotPongError
from pong_agent.errors import ConfigError, LearningError
from pong_agent.play.window import WindowError
from pong_agent.recording.encoder import VideoError
from pong_agent.training.collector import CollectorError
from pong_agent.training.run_folder import RunError
from pong_agent.training.trainer import read_train_config

# What a user can cause: told in one line. Anything else is a bug and shows its traceback.
_USER_ERRORS = (
    CheckpointError,
    CollectorError,
    ConfigError,
    VideoError,
    LearningError,
    NotPongError,
    OSError,
    RunError,
    WindowError,
)

_Command: TypeAlias = (
    Train
    | Evaluate
    | Record
    | Report
    | Plot
    | Play
    | Tournament
    | Export
    | Doctor
    | Benchmark
    | Chaos
)
_COMMANDS: dict[str, type] = {one.__name__.lower(): one for one in get_args(_Command)}


@dataclass(frozen=True)
class _CommandLine:
    """Learn Pong from pixels: train an agent, evaluate it, film it, and what goes with that."""

    command: Annotated[_Command, tyro.conf.arg(name="")]

    config: Path | None = None
    """TOML file whose table [COMMAND] has defaults of the options, such as RUN/config.toml."""

    print_config: bool = False
    """Print these options as such a file and do nothing else."""

    debug: bool = False
    """Show the traceback of every error."""


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
        line = _parse(args)
        if line.print_config:
            print(to_toml(line.command), end="")
            return 0
        code: int = line.command.run()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has gone; Python would say so again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except _USER_ERRORS as error:
        if "--debug" in args:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if "--debug" in args:
            raise
        print("interrupted", file=sys.stderr)
        return 130


def _parse(args: Sequence[str]) -> _CommandLine:
    """Parse a command line, with a file of options and a run's own options as its defaults."""
    file = _options_file(args)
    if file is None:
        name, options, command = "", dict[str, Any](), None
    else:
        name, options = _choose_table(read_options(file), args[0] if args else "", file)
        command = command_with(_COMMANDS[name], options, f"{file}: [{name}]")
    line = _parse_with(args, command)
    if isinstance(line.command, Train) and line.command.resume is not None:
        resumed = Train(config=read_train_config(line.command.resume))
        return _parse_with(args, with_options(resumed, options, f"{file}: [{name}]"))
    return line


def _options_file(args: Sequence[str]) -> Path | None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", type=Path)
    try:
        file: Path | None = parser.parse_known_args(args)[0].config
    except argparse.ArgumentError:
        return None  # without a value, which is told when the whole is parsed
    return file


def _choose_table(
    tables: Mapping[str, dict[str, Any]], first_word: str, file: Path
) -> tuple[str, dict[str, Any]]:
    """Return name and options of the command that is asked for, or of the file's only one."""
    name = first_word
    if name not in _COMMANDS and len(tables) == 1:
        [name] = tables
    if name not in _COMMANDS or name not in tables:
        expected = f"a table [{name}]" if name in _COMMANDS else f"one of {list(_COMMANDS)}"
        raise ConfigError(f"{file}: expected {expected}, found {sorted(tables)}")
    return name, tables[name]


def _parse_with(args: Sequence[str], command: _Command | None) -> _CommandLine:
    line = tyro.cli(
        _CommandLine,
        prog="pong-agent",
        default=None if command is None else _CommandLine(command),
        args=args,
        config=(
            tyro.conf.FlagCreatePairsOff,
            tyro.conf.CascadeSubcommandArgs,
            tyro.conf.DisallowNone,
        ),
    )
    return cast(_CommandLine, line)
