"""The result of a check."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    The status is "warn" if something is slow or an optional part does not work, and "FAIL" if the
    package does not work.
    """

    name: str  # of the checked part, in one or two words
    status: Status
    found: str  # the finding, in one line
    remedy: str = ""  # how to fix it; empty if there is nothing to fix

    def __str__(self) -> str:
        """Return the printed form: a line, and below it the remedy if there is one.

        Example:
            >>> print(Check("Pong ROM", "FAIL", "not there", "pip install ale-py"))
            FAIL  Pong ROM              not there
                                        fix: pip install ale-py
        """
        first, *below = self.details()
        line = f"{self.status:<6}{self.name:<22}{first}"
        return "\n".join([line, *(f"{'':<28}{one}" for one in below)])

    def details(self) -> list[str]:
        """Return the finding, and the remedy, which is called a fix only where something fails."""
        label = "fix: " if self.status == "FAIL" else ""
        return [self.found, f"{label}{self.remedy}"] if self.remedy else [self.found]


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the error's class if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
