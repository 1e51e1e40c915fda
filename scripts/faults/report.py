"""What came of a fault."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """The count of an experiment.

    Attributes:
        name: what was done.
        faults: how many faults were put in.
        as_required: how many of them ended as they must.
        failures: a line for each of the others.
        recoveries: seconds until work went on, where that was measured.
        remarks: figures besides, in words.
    """

    name: str
    faults: int = 0
    as_required: int = 0
    failures: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def count(self, wrong: str | None) -> None:
        """Count a fault.

        Args:
            wrong: what is not as required; None where everything is.
        """
        self.faults += 1
        if wrong is None:
            self.as_required += 1
        else:
            self.failures.append(wrong)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.as_required} of {self.faults} as required"]
        if self.recoveries:
            ordered = sorted(self.recoveries)
            median, worst = ordered[len(ordered) // 2], ordered[-1]
            lines.append(f"  recovery: median {median:.2f} s, longest {worst:.2f} s")
        lines += [f"  {remark}" for remark in self.remarks]
        lines += [f"  NOT AS REQUIRED: {failure}" for failure in self.failures]
        return "\n".join(lines)
