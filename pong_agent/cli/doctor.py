"""`pong-agent doctor`."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pong_agent.doctor.examine import checks


@dataclass(frozen=True)
class Doctor:
    """Check what this package needs on this machine: a line each, and how to mend what fails.

    Every part is used, not only looked for: a step is played, a film is written and read, Ray is
    started. The exit code is 1 where something FAILs; a warn is for what not everybody needs.
    """

    no_ray: bool = False
    """Leave out the start of Ray, which takes about ten seconds."""

    def run(self) -> int:
        """Check, print what was found, and return the exit code."""
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False, soft_wrap=True)  # no colours but on a terminal
        statuses = []
        for check in checks(os.environ, Path.cwd(), ray=not self.no_ray):
            with console.status("checking ..."):  # on a terminal only
                found = check()
            line = Text(str(found))
            line.stylize({"ok": "green", "warn": "yellow", "FAIL": "bold red"}[found.status], 0, 4)
            console.print(line)
            statuses.append(found.status)
        counts = Counter(statuses)
        warned = "1 warning" if counts["warn"] == 1 else f"{counts['warn']} warnings"
        console.print(f"{counts['ok']} ok, {warned}, {counts['FAIL']} failed")
        return 1 if counts["FAIL"] else 0
