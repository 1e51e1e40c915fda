"""The origin of a weights file: the commit and the package versions it was made with."""

import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def current_commit() -> str | None:
    """Return the checkout's commit, with "-dirty" if files differ; None outside of a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        ran = subprocess.run(  # noqa: S603  # a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return ran.stdout.strip()


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages, "not installed" for those that are imported from source.

    Example:
        >>> package_versions(["no-such-package"])
        {'no-such-package': 'not installed'}
    """
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
