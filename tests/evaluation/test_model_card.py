"""The commit that weights and runs are said to come from."""

import subprocess

import pytest

from pong_agent.evaluation.model_card import current_commit


@pytest.fixture
def repository(tmp_path):
    """A repository with the package at its top and, not tracked, another copy below."""
    for folder in ("pong_agent", ".venv/pong_agent", "vendored/pong_agent"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "pong_agent", "vendored")
    git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "first")
    return tmp_path


def git(folder, *arguments):
    ran = subprocess.run(
        ["git", *arguments],  # noqa: S607 - wherever it is installed
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip()


def test_the_commit_is_the_packages_own(repository, monkeypatch):
    """A copy in another project's repository, tracked or not, has no commit."""
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")  # as in a hook of another repository
    assert current_commit(repository / "pong_agent") == head
    assert current_commit(repository / ".venv" / "pong_agent") is None
    assert current_commit(repository / "vendored" / "pong_agent") is None
    (repository / "pong_agent" / "__init__.py").write_text("# changed")
    assert current_commit(repository / "pong_agent") == f"{head}-dirty"


def test_a_worktree_has_its_own_commit(repository):
    """`git worktree` gives another checkout of the same repository."""
    git(repository, "worktree", "add", "-q", "tree")
    head = git(repository, "rev-parse", "HEAD")
    assert current_commit(repository / "tree" / "pong_agent") == head


def test_without_git_there_is_no_commit(repository, monkeypatch):
    """Neither is it an error."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert current_commit(repository / "pong_agent") is None
