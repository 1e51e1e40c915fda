"""`pong-agent doctor`."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pong_agent.doctor.examine import checks


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
            line = Text(str(found))
            line.stylize({"ok": "green", "warn": "yellow", "FAIL": "bold red"}[found.status], 0, 4)
            console.print(line)
            counts[found.status] += 1
        warnings = "1 warning" if counts["warn"] == 1 else f"{counts['warn']} warnings"
        console.print(f"{counts['ok']} ok, {warnings}, {counts['FAIL']} failed")
        return 1 if counts["FAIL"] else 0
