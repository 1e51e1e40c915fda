import base64
import functools
import hashlib
import html
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import tyro

from pong_agent import ConfigError, PongAgent
from pong_agent.cli.report import Report
from pong_agent.envs.spec import EnvSpec
from pong_agent.errors import MissingPackageError
from pong_agent.evaluation import evaluate_policy
from pong_agent.report.page import n_episodes, signed, write_report
from pong_agent.report.played_games import ReportOptions
from pong_agent.report.provenance import Subject
from pong_agent.report.words import trained_on, verdict
from pong_agent.training.run_folder import RunError, RunFolder
from pong_agent.weights_file.archive import CheckpointError, digest

SHORT = ReportOptions(episodes=1, env_kwargs={"max_num_frames_per_episode": 100})


class Reader(HTMLParser):
    """Collects each element's name with its attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def text(page):
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reader(text):
    return Reader(text)


def test_the_page_is_one_file_that_loads_nothing(page, reader, text):
    """All sources are data, links lead into the page, and the size stays below 3 MB."""
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    sources = [
        value
        for _, attrs in reader.elements
        for name, value in attrs.items()
        if name in ("src", "href", "xlink:href", "poster", "srcset", "data")
    ]
    assert len(sources) > 30
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert "<script" not in text
    assert len(text) < 3e6


def test_names_from_outside_are_escaped(reader, text):
    """A run folder's name and a command with markup are shown as they are."""
    assert 'Run run <b title="x">&' in reader.text
    assert "pong-agent report '<run>'" in reader.text
    assert "train --run-folder '<i>'" in reader.text
    assert "b" not in {tag for tag, attrs in reader.elements if "title" in attrs}
    assert html.escape("<i>") in text


def test_scores_are_those_of_evaluate_policy_with_their_settings(reader):
    """Mean and interval stand beside environment, frame skip, stickiness, seeds and number."""
    spec = EnvSpec("ALE/Pong-v5", repeat_action_probability=0.25, max_num_frames_per_episode=800)
    agent = PongAgent.pretrained()
    words = " ".join(reader.text.split())
    for deterministic in (True, False):
        result = evaluate_policy(agent, spec, 2, deterministic, seed=7)
        low, high = (signed(end, 2) for end in result.confidence_interval)
        assert f"{signed(result.mean, 2)} 95 % interval {low} to {high}" in words
    assert (
        "ALE/Pong-v5, frame skip 4, sticky actions with probability 0.25, difficulty 0; "
        "2 games each, seeds 7 to 8." in words
    )
    assert "Without sticky actions all greedy games would be identical" in words
    assert "each starts with 0 to 30 no-op frames" in words


def test_the_page_opens_with_a_verdict_and_the_score_in_screen_order(reader):
    """The verdict is that of the greedy games; the opponent's points stand left of the agent's."""
    words = " ".join(reader.text.split())
    found = re.search(r"(Won|Lost) (both|\d of 2) games against the built-in opponent", words)
    assert found.start() < words.index("95 % interval")
    assert re.search(r"Score at the game's end: \d+ : \d+, opponent on the left", words)


@pytest.mark.parametrize(
    ("returns", "said"),
    [
        ([21], "Won its game against the built-in opponent by 21 points."),
        ([-1], "Lost its game against the built-in opponent by 1 point."),
        ([0], "Its game against the built-in opponent stopped at a draw."),
        ([20, 20, 20], "Won all 3 games against the built-in opponent, by 20 points on average."),
        ([-9, -9, 3], "Lost 2 of 3 games against the built-in opponent, by 5 points on average."),
        ([3, 3, -21], "Won 2 of 3 games against the built-in opponent; on average it was 5 points"),
        ([2, -2], "Won 1 of 2 games against the built-in opponent; on average it was about level."),
    ],
)
def test_the_verdict_is_true_in_words(returns, said):
    """Singular and plural, and a mean that disagrees with the number of games won."""
    assert verdict(returns).startswith(said)


def test_one_cell_is_marked_as_trained_on(reader):
    """It is the setting of the agent's own environment."""
    owns = [attrs for tag, attrs in reader.elements if tag == "td" and attrs.get("class") == "own"]
    assert len(owns) == 1
    assert reader.text.count("trained on this") == 1
    assert trained_on(PongAgent("reinforce")) == (0.25, 0)


def test_four_units_are_shown_and_eight_are_folded(text):
    folded = text[text.index("8 more units") :]
    assert text.count('<figure class="unit">') == 12
    assert folded.count('<figure class="unit">') == 8


def test_the_page_shows_its_provenance(run, reader):
    """It shows digests of file and weights, command, date, versions and hyperparameters."""
    [file] = RunFolder.open(run).checkpoints()
    for fact in (
        file.name,
        hashlib.sha256(file.read_bytes()).hexdigest(),
        digest(dict(PongAgent.load(file).averaged().parameters)),
        "2026-01-02 03:04 UTC",
        f"Python {sys.version.split()[0]}",
        "hidden_units",
    ):
        assert fact in reader.text


def test_the_page_shows_the_known_history(run, reader):
    """Each entry has updates, command and commit; malformed entries are left out."""
    subject = Subject.load(run)
    assert subject.history() == [
        (0, "train --run-folder '<i>'", "abc"),
        (1, "train --resume", ""),
        (2, "", ""),
    ]
    assert "From update 1: train --resume" in reader.text
    assert len(Subject.load(None).history()) == 4
    agent = PongAgent("reinforce")
    agent._state = replace(agent._state, model_card={"history": 7})
    assert Subject(agent, "", run, "", None).history() == []


def test_a_run_has_a_learning_curve(reader):
    assert "Learning" in reader.text
    labels = [attrs.get("aria-label", "") for _, attrs in reader.elements]
    assert any(label.startswith("Line chart of the return") for label in labels)


def test_every_image_has_a_text(reader):
    """Images have alternative texts, plots and the video labels."""
    images = [attrs for tag, attrs in reader.elements if tag == "img"]
    assert len(images) == 2 * 4 + 2 * 12
    assert all(attrs["alt"] for attrs in images)
    [video] = [attrs for tag, attrs in reader.elements if tag == "video"]
    assert video["aria-label"]
    content = base64.b64decode(video["src"].removeprefix("data:video/mp4;base64,"))
    assert content[4:8] == b"ftyp"


def test_the_notebooks_policy_has_a_page_too(tmp_path):
    """It has one logit, one image per hidden unit and no curve; one game has no interval."""
    PongAgent("reinforce").save(tmp_path / "w.npz")
    path = write_report(Subject.load(tmp_path / "w.npz"), tmp_path / "r.html", SHORT)
    reader = Reader(path.read_text(encoding="utf-8"))
    words = " ".join(reader.text.split())
    assert "Pong-v0, frame skip drawn from 2 to 4" in words
    assert "Its game against the built-in opponent stopped at a draw." in words
    assert "interval" not in words
    assert "1 game each" not in words
    assert "the difference of two successive frames" in words
    assert "Learning" not in words
    assert sum(tag == "img" for tag, _ in reader.elements) >= 2 + 12


def test_the_command_writes_the_page(tmp_path, capsys, monkeypatch):
    """It writes the page, which names the command, and prints the path."""
    weights, out = tmp_path / "w.npz", tmp_path / "out.html"
    PongAgent("reinforce").save(weights)
    args = [str(weights), "-o", str(out), "--episodes", "1", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/pong-agent", "report", *args])
    short = functools.partial(ReportOptions, env_kwargs=SHORT.env_kwargs)  # for less time
    monkeypatch.setattr("pong_agent.cli.report.ReportOptions", short)
    assert tyro.cli(Report, args=args).run() == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    text = Reader(out.read_text(encoding="utf-8")).text
    assert f"commandpong-agent report {weights} -o" in text.replace("\n", "")
    assert "/somewhere" not in text
    assert "The whole first greedy game (seed 1000)" in " ".join(text.split())
    assert tyro.cli(Report, args=[]) == Report()
    assert n_episodes(3) == 9 * 3 + 1


@pytest.mark.parametrize("name", ["jinja2", "matplotlib", "PIL"])
def test_a_missing_library_is_one_line(tmp_path, monkeypatch, name):
    """Before a game is played; the message has the command that installs it."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        MissingPackageError, match=rf"'{name}', .* pip install 'pong-agent\[report\]'"
    ) as error:
        write_report(Subject.load(None), tmp_path / "r.html")
    assert "\n" not in str(error.value)


def test_an_output_that_cannot_be_written_fails_at_once(tmp_path):
    """The path is a folder, or its folder is a file."""
    (tmp_path / "file").write_text("")
    for output in (tmp_path, tmp_path / "file" / "r.html"):
        with pytest.raises(RunError, match=r"cannot be written: "):
            write_report(Subject.load(None), output)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episodes": 0}, "episodes: expected an int of 1 or more, found 0"),
        ({"seed": -1}, "seed: expected an int from 0 .*, found -1"),
        ({"n_workers": 0}, "workers: expected an int of 1 or more, found 0"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, options, message):
    """An existing page stays unchanged."""
    old = tmp_path / "r.html"
    old.write_text("old")
    with pytest.raises(ConfigError, match=message):
        write_report(Subject.load(None), old, ReportOptions(**options))
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert old.read_text() == "old"


def test_missing_subjects_are_errors(tmp_path):
    """A missing file, an empty folder, a run without a checkpoint."""
    with pytest.raises(CheckpointError, match="no such file"):
        Subject.load(tmp_path / "nothing.npz")
    with pytest.raises(RunError, match="expected the folder of a run"):
        Subject.load(tmp_path)
    RunFolder.create(tmp_path / "run", {})
    with pytest.raises(RunError, match="holds no checkpoint"):
        Subject.load(tmp_path / "run")
