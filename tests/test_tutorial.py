import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import lesson
from pong_agent.recording.encoder import read_video_info

SCRIPT, NOTEBOOK = lesson.SCRIPT, lesson.NOTEBOOK
QUICK = ["--minutes", "0.01", "--games", "1", "--video-frames", "200"]
WITHOUT_RAY = (
    "import runpy, sys; sys.modules['ray'] = None; sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


def test_the_tutorial_runs_to_its_video_without_ray(tmp_path):
    """Each step's check holds, and an agent that wins no game is replaced by the pretrained one."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_RAY, SCRIPT, *QUICK, "--folder", tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPT.parent), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    steps = re.findall(r"^(.+)\n-+$", ran.stdout, re.MULTILINE)
    titles = re.findall(r'^heading\("(.+)"\)$', SCRIPT.read_text(), re.MULTILINE)
    assert steps == titles
    assert len(steps) == 12
    assert max(map(len, ran.stdout.replace(str(tmp_path), "").splitlines())) == 80
    assert ran.stdout.count(": True\n") == 2
    [(policy, by_hand)] = re.findall(r"of UP ([\d.]+), by the formula above ([\d.]+)", ran.stdout)
    assert policy == by_hand
    [(analytic, numeric)] = re.findall(r"backward (\S+)\ncentral difference (\S+)", ran.stdout)
    assert abs(float(analytic)) > 0.1
    assert abs(float(analytic) / float(numeric) - 1) < 1e-6
    assert "by this process\n" in ran.stdout
    assert "Not won: after this training the agent won no game" in ran.stdout
    assert re.search(r"seed \d+: won by \d+ points", ran.stdout)
    assert read_video_info(tmp_path / "won-episode-0.mp4").frames >= 200
    assert (tmp_path / "frame.png").is_file()


def test_the_tutorial_opens_as_a_notebook():
    """It consists of cells: text in comments, then the code that belongs to it."""
    kinds = re.findall(r"^# %%(.*)$", SCRIPT.read_text(), re.MULTILINE)
    assert kinds[:2] == [" [markdown]", " command line"]
    assert kinds[2::2] == [" [markdown]"] * 12
    assert kinds[3::2] == [""] * 12


def code_cells():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_is_in_step_with_the_script(tmp_path, monkeypatch, capsys):
    """`tutorial.py --notebook` writes the committed file, which installs the package first."""
    monkeypatch.setattr(lesson, "NOTEBOOK", tmp_path / "tutorial.ipynb")
    monkeypatch.setattr(sys, "argv", ["tutorial.py", "--notebook"])
    with pytest.raises(SystemExit) as ended:
        lesson.command_line()
    assert ended.value.code is None
    assert capsys.readouterr().out == f"wrote {lesson.NOTEBOOK}\n"
    assert lesson.NOTEBOOK.read_text() == NOTEBOOK.read_text()
    install, _, _, *steps = code_cells()
    assert "%pip install" in install
    assert len(steps) == 12
    assert "heading(" not in "".join(steps)


class Kernel:
    """A notebook's kernel that keeps what is displayed, as (kind, path)."""

    def __init__(self, monkeypatch):
        self.shown = []
        display = ModuleType("IPython.display")
        display.display = self.shown.append
        display.Image = lambda path, **_: ("image", Path(path))
        display.Video = lambda path, **_: ("video", Path(path))
        for name in ("ipykernel", "IPython", "IPython.display"):
            monkeypatch.setitem(sys.modules, name, display)


def test_the_notebooks_options_are_the_scripts(tmp_path, monkeypatch, capsys):
    """They have the same defaults, and `show` shows images and videos inline."""
    kernel = Kernel(monkeypatch)
    monkeypatch.chdir(tmp_path)
    names = {}
    for setting in code_cells()[1:3]:
        exec(setting, names)  # noqa: S102  # our own notebook
    defaults = dict(vars(lesson.Tutorial()))
    del defaults["folder"], defaults["notebook"]
    assert vars(names["options"]) == defaults
    assert names["folder"].is_dir()
    for show in (names["show"], lesson.show):
        show(Path("a.png"))
        show(Path("b.mp4"))
    assert kernel.shown == [("image", Path("a.png")), ("video", Path("b.mp4"))] * 2
    assert capsys.readouterr().out == "a.png\nb.mp4\n" * 2


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    """Its cells run in order in one namespace, and show the frame and the won game."""
    kernel = Kernel(monkeypatch)
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in code_cells()[1:]:
        exec(cell, names)  # noqa: S102  # our own notebook
        vars(names["options"]).update(minutes=0.01, workers=0, games=1, video_frames=200)
    assert [(kind, path.name) for kind, path in kernel.shown] == [
        ("image", "frame.png"),
        ("video", "won-episode-0.mp4"),
    ]
