"""`pong-agent doctor`."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pong_agent.cli.help import wrapped
from pong_agent.cli.output import counted
from pong_agent.doctor.check import Check
from pong_agent.doctor.examine import checks

_NARROW = 70  # columns below which a finding stands under its name


@dataclass(frozen=True)
class Doctor:
    """Check that this package works on this machine and say how to fix what does not.

    Each check runs the part it names: it plays a step, writes and reads a video, starts Ray.
    Warnings concern optional features; the exit code is 1 if a check fails.
    """

    no_ray: bool = False
    """Skip starting Ray, which takes about ten seconds."""

    def run(self) -> int:
        """Run the checks, print a line for each, and return the exit code."""
        console = Console(highlight=False, soft_wrap=True)
        counts = Counter[str]()
        for check in checks(os.environ, Path.cwd(), ray=not self.no_ray):
            with console.status("checking ..."):  # shown only on a terminal
                found = check()
            line = Text(_shown(found, console.width) if console.is_terminal else str(found))
            line.stylize({"ok": "green", "warn": "yellow", "FAIL": "bold red"}[found.status], 0, 4)
            console.print(line)
            counts[found.status] += 1
        warnings = counted(counts["warn"], "warnings")
        console.print(f"{counts['ok']} ok, {warnings}, {counts['FAIL']} failed")
        return 1 if counts["FAIL"] else 0


def _shown(check: Check, width: int) -> str:
    """Return a check for a terminal: with hanging indents, below its name where that is narrow."""
    if width >= _NARROW:
        return "\n".join(wrapped(line, 28) for line in str(check).splitlines())
    below = (wrapped(f"      {line}", 6) for line in check.details())
    return "\n".join([f"{check.status:<6}{check.name}", *below])
