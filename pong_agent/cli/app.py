"""The command line, `pong-agent COMMAND`; `scripts/` are thin doors to it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro

from pong_agent.cli.arguments import expanded
from pong_agent.cli.doctor import Doctor
from pong_agent.cli.evaluate import Evaluate
from pong_agent.cli.export import Export
from pong_agent.cli.help import columns, wrapped
from pong_agent.cli.options import defaults, read_options, to_toml, with_options
from pong_agent.cli.output import printing_apart
from pong_agent.cli.play import Play
from pong_agent.cli.plot import Plot
from pong_agent.cli.program import exit_code, parse, union_of
from pong_agent.cli.record import Record
from pong_agent.cli.report import Report
from pong_agent.cli.tournament import Tournament
from pong_agent.cli.train import Train
from pong_agent.envs.make import import_module_of
from pong_agent.errors import ConfigError
from pong_agent.training.start import read_train_config

_COMMANDS: dict[str, type] = {
    command.__name__.lower(): command
    for command in (Train, Evaluate, Record, Report, Plot, Play, Tournament, Export, Doctor)
}
_SUMMARIES = {
    "train": "train an agent and write a run folder",
    "evaluate": "play whole games and print the scores",
    "record": "record games as videos, and replay them exactly",
    "report": "write an HTML page about an agent",
    "plot": "draw the learning curves of runs",
    "play": "play against an agent in a window",
    "tournament": "rate the agents along a run (Elo)",
    "export": "write a run's weights and scores to a small file",
    "doctor": "check this machine",
}
_USAGE = "usage: pong-agent COMMAND [OPTIONS]"
_EXAMPLES = """
example:
  pong-agent train --run-folder runs/first
  pong-agent evaluate --weights runs/first
  pong-agent record --weights runs/first

"pong-agent COMMAND --help" lists its options,
"pong-agent --version" prints the version.
"""
_Command = TypeVar("_Command")


@dataclass(frozen=True)
class _CommandLine(Generic[_Command]):
    """Train an agent that plays Pong from pixels, evaluate it, record it, and more."""

    command: Annotated[_Command, tyro.conf.arg(name="")]

    config: Path | None = None
    """TOML file whose table [COMMAND] sets defaults, such as RUN/config.toml."""

    print_config: bool = False
    """Print the options as such a file and exit."""

    debug: bool = False
    """Show a traceback for every error."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command, by default that of `sys.argv`, and return the exit code.

    The code is 0, 1 after a one-line error message, or 128 + N after signal N. Raises SystemExit
    with 2 for a command line that cannot be parsed, and with 0 after `--help`.
    """
    args = sys.argv[1:] if args is None else list(args)
    return exit_code(lambda: _run(args), debug="--debug" in args)


def _run(args: Sequence[str]) -> int:
    if env_id := _given(args, "--env-id", "--env_id"):
        import_module_of(env_id)  # before any file is read: those may not name modules
    line = _parse(args)
    if line.print_config:
        print(to_toml(line.command), end="")
        return 0
    with printing_apart(getattr(line.command, "json", None)):
        code: int = line.command.run()
    return code


def overview() -> str:
    """Return the short help: the commands, a line each, and an example."""
    about = wrapped(_CommandLine.__doc__ or "")
    return f"{_USAGE}\n\n{about}\n\ncommands:\n{columns([*_SUMMARIES.items()])}\n{_EXAMPLES}"


def _parse(args: Sequence[str]) -> _CommandLine[Any]:
    """Parse a command line whose defaults come from an options file or a run to resume."""
    if not args:
        print(overview(), end="", file=sys.stderr)
        raise SystemExit(2)
    if {"-h", "--help"} & set(args) and not set(args) & set(_COMMANDS):
        print(overview(), end="")
        raise SystemExit(0)
    if args[0] == "--version":
        print(f"pong-agent {sys.modules['pong_agent'].__version__}")
        raise SystemExit(0)
    given, command, options, where = _given(args, "--config"), None, dict[str, Any](), ""
    if given is not None:
        file = expanded(given, "config")
        name, options = _choose_table(read_options(file), args[0] if args else "", file)
        where = f"{file}: [{name}]"
        command = with_options(defaults(_COMMANDS[name]), options, where)
    line = _parse_with(args, command)
    if isinstance(line.command, Train) and line.command.resume is not None:
        resumed = Train(config=read_train_config(line.command.resume))
        return _parse_with(args, with_options(resumed, options, where))
    return line


def _given(args: Sequence[str], *names: str) -> str | None:
    """Return the value of an option on the command line, before this is parsed as a whole."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(*names, dest="value")
    try:
        value: str | None = parser.parse_known_args(args)[0].value
    except argparse.ArgumentError:
        return None  # no value: an error when the whole line is parsed
    return value


def _choose_table(
    tables: Mapping[str, dict[str, Any]], first_word: str, file: Path
) -> tuple[str, dict[str, Any]]:
    """Return name and options of the command given, or of the file's only one."""
    name = first_word
    if name not in _COMMANDS and len(tables) == 1:
        [name] = tables
    if name not in _COMMANDS or name not in tables:
        expected = f"a table [{name}]" if name in _COMMANDS else f"one of {list(_COMMANDS)}"
        raise ConfigError(f"{file}: expected {expected}, found {sorted(tables)}")
    return name, tables[name]


def _parse_with(args: Sequence[str], command: Any | None) -> _CommandLine[Any]:
    """Parse a command line; `command` holds the defaults."""
    union = union_of(_COMMANDS, args)
    line: _CommandLine[Any] = parse(
        _CommandLine[union],  # type: ignore[valid-type]  # built at run time
        args,
        prog="pong-agent",
        default=None if command is None else _CommandLine(command),
    )
    return line
