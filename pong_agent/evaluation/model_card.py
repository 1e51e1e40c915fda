"""The origin of a weights file: the commit and the package versions it was made with."""

import os
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def current_commit(folder: Path = Path(__file__).parents[1]) -> str | None:
    """Return the commit of this package's own checkout, with "-dirty" if files differ.

    None outside of a checkout, also where the package lies in another project's repository, which
    does not track it at the place where this project's does: at the top.

    Args:
        folder: the package's folder.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None or Path(top, folder.name).resolve() != folder.resolve():
        return None
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what a Git command prints, None if it fails."""
    # A hook or an alias of Git sets GIT_DIR, for its own repository.
    environment = {name: one for name, one in os.environ.items() if not name.startswith("GIT_")}
    try:
        ran = subprocess.run(  # noqa: S603  # a fixed command
            ["git", *arguments],  # noqa: S607  # wherever it is installed
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
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
