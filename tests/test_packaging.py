import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_sdist, build_wheel

ROOT = Path(__file__).parent.parent
DATA = {"pong_agent/py.typed", "pong_agent/report/report.html.jinja", "pong_agent/weights/ppo.npz"}


def package_files():
    """Modules, documents beside them, and data, by their paths in the repository."""
    package = ROOT / "pong_agent"
    files = {*package.rglob("*.py"), *package.rglob("*.md")}
    return {path.relative_to(ROOT).as_posix() for path in files} | DATA


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return folder / build_wheel(str(folder))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    """Every module and document, the weights, the page's template and the mark of type hints."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == package_files()
    assert wheel.stat().st_size < 4_000_000


def test_the_source_archive_holds_what_builds_and_tests_it(tmp_path, monkeypatch):
    """Package, tests, scripts and documents; no videos, runs or caches."""
    monkeypatch.chdir(ROOT)
    with tarfile.open(tmp_path / build_sdist(str(tmp_path))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert package_files() <= names
    tops = {name.partition("/")[0] for name in names}
    texts = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert tops == {".ci", ".github", "pong_agent", "tests", "scripts", *texts}
    assert not [name for name in names if name.endswith((".pyc", ".mp4", ".gif"))]


def test_the_installed_package_works_without_the_repository(wheel, tmp_path):
    """From another folder the wheel's own files act with the trained weights."""
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.unpack_archive(wheel, site, format="zip")
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import numpy as np, pong_agent;"
        "print(pong_agent.__file__);"
        "print(pong_agent.PongAgent.pretrained().act(np.zeros((210, 160, 3), np.uint8)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    file, action = ran.stdout.split()
    assert Path(file).is_relative_to(site)
    assert int(action) in (0, 2, 3)
