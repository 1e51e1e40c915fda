import re
import subprocess
import sys
from pathlib import Path

from pong_agent.recording.encoder import read_video_info

SCRIPT = Path(__file__).parent.parent / "scripts" / "tutorial.py"
QUICK = ["--minutes", "0.01", "--workers", "0", "--games", "1", "--video-frames", "200"]


def test_the_tutorial_runs_to_its_video(tmp_path):
    """Each step's check holds, and an agent that wins no game is replaced by the pretrained one."""
    ran = subprocess.run(
        [sys.executable, SCRIPT, *QUICK, "--folder", tmp_path], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    steps = re.findall(r"^(.+)\n-+$", ran.stdout, re.MULTILINE)
    titles = re.findall(r'^heading\("(.+)"\)$', SCRIPT.read_text(), re.MULTILINE)
    assert steps == titles
    assert len(steps) == 12
    assert ran.stdout.count(": True\n") == 2
    [(policy, by_hand)] = re.findall(r"of UP ([\d.]+), by the formula above ([\d.]+)", ran.stdout)
    assert policy == by_hand
    [(analytic, numeric)] = re.findall(r"backward (\S+)\ncentral difference (\S+)", ran.stdout)
    assert abs(float(analytic)) > 0.1
    assert abs(float(analytic) / float(numeric) - 1) < 1e-6
    assert "Not won: after this training the agent wins none of 1 games." in ran.stdout
    assert re.search(r"seed \d+: won by \d+ points", ran.stdout)
    assert read_video_info(tmp_path / "won-episode-0.mp4").frames >= 200
    assert (tmp_path / "frame.png").is_file()


def test_the_tutorial_opens_as_a_notebook():
    """It consists of cells: text in comments, then the code that belongs to it."""
    kinds = re.findall(r"^# %%(.*)$", SCRIPT.read_text(), re.MULTILINE)
    assert kinds[::2] == [" [markdown]"] * (len(kinds) // 2)
    assert kinds[1::2] == [""] * (len(kinds) // 2)
