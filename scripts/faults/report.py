"""The count of a fault experiment."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """The count of an experiment.

    Attributes:
        name: its title.
        faults: number of faults injected.
        as_required: number of faults that ended as required.
        failures: a line for each of the others.
        recoveries: seconds until work continued, where measured.
        remarks: other results.
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
            wrong: what is not as required; None if everything is.
        """
        self.faults += 1
        if wrong is None:
            self.as_required += 1
        else:
            self.failures.append(wrong)

    @classmethod
    def together(cls, *reports: "Report") -> "Report":
        """Return the sum of several reports."""
        whole = cls(", ".join(f"{one.name} ({one.as_required} of {one.faults})" for one in reports))
        for one in reports:
            whole.faults += one.faults
            whole.as_required += one.as_required
            whole.failures += one.failures
            whole.recoveries += one.recoveries
            whole.remarks += one.remarks
        return whole

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.as_required} of {self.faults} as required"]
        if self.recoveries:
            ordered = sorted(self.recoveries)
            median, worst = ordered[len(ordered) // 2], ordered[-1]
            lines.append(f"  recovery: median {median:.2f} s, longest {worst:.2f} s")
        lines += [f"  {remark}" for remark in self.remarks]
        lines += [f"  NOT AS REQUIRED: {failure}" for failure in self.failures]
        return "\n".join(lines)
