"""What a check found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it is, in one or two words.
        status: "ok"; "warn" where something works less well, or a part that not everybody needs
            does not; "FAIL" where the main job does not work.
        found: what was found, in one line.
        remedy: what to do about it; empty where nothing needs to be done.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the check as it is printed: a line, and the remedy below it where there is one.

        Example:
            >>> print(Check("Pong ROM", "FAIL", "not there", "pip install ale-py"))
            FAIL  Pong ROM              not there
                                        fix: pip install ale-py
        """
        line = f"{self.status:<6}{self.name:<22}{self.found}"
        return f"{line}\n{'':<28}fix: {self.remedy}" if self.remedy else line


def first_line(error: Exception) -> str:
    """Return an error's message without what follows its first line, or its name without one."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
