"""The agent that a report is about, and how the report was made."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

from pong_agent.agent import PRETRAINED, PongAgent
from pong_agent.evaluation.model_card import current_commit, package_versions
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.weights_file.archive import CheckpointError, digest

_VERSIONED = ("pong-agent", "numpy", "gymnasium", "ale-py")


@dataclass(frozen=True)
class Subject:
    """An agent and its origin."""

    agent: PongAgent  # with the averaged weights
    title: str  # its name on the page
    file: Path  # weights file or newest checkpoint it was read from
    sha256: str  # digest of that file, as `sha256sum` prints it
    run: RunFolder | None  # its run folder, None for a weights file

    @classmethod
    def load(cls, path: Path | None) -> "Subject":
        """Load the agent of a weights file or run folder, by default the pretrained agent."""
        file, run = path or PRETRAINED, None
        title = "The pretrained agent" if path is None else file.name
        if file.is_dir():
            run = RunFolder.open(file)
            title = f"Run {file.resolve().name}"
            if not run.checkpoints():
                raise RunError(f"{file}: holds no checkpoint")
            file = run.checkpoints()[-1]
        agent = PongAgent.load(file).averaged()
        try:
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:  # a running training removes its old checkpoints
            raise CheckpointError(f"{file}: cannot be read: {error}") from error
        return cls(agent, title, file, sha256, run)

    def history(self) -> list[tuple[int, str, str]]:
        """Return the updates done before each training command, the command and the commit.

        Unknown commands and commits are ""; raises RunError if a run's configuration is damaged.
        """
        card = self.agent.model_card if self.run is None else self.run.config()
        entries = card.get("history")
        return [
            (int(entry["updates"]), str(entry.get("command", "")), str(entry.get("commit") or ""))
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict) and isinstance(entry.get("updates"), int)
        ]


def origin(subject: Subject, command: str, date: str) -> list[tuple[str, str]]:
    """Return names and values that identify a report on this agent."""
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {found}" for name, found in package_versions(_VERSIONED).items()]
    return [
        ("weights file", subject.file.name),
        ("SHA-256 of the file", subject.sha256),
        ("SHA-256 of the weights played", digest(dict(subject.agent.parameters))),
        ("report made", date),
        ("command", command),
        ("commit", current_commit() or "none: not a Git checkout"),
        ("versions", ", ".join(versions)),
        ("machine", f"{platform.system()} {platform.machine()}"),
    ]
