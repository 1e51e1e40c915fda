import json
import sys

import numpy as np
import pytest
from PIL import Image

from pong_agent import PongAgent
from pong_agent.cli.app import main
from pong_agent.errors import ConfigError, MissingPackageError
from pong_agent.matches.match import MatchGame, MatchRules
from pong_agent.matches.standings import draw_tournament
from pong_agent.matches.tournament import (
    Entrant,
    Rating,
    Standings,
    elo_ratings,
    play_tournament,
)
from pong_agent.recording.palette import LEFT, NEGATIVE, POSITIVE, RIGHT, SERIES


def test_ratings_are_those_of_elos_formula():
    """Points won with the formula's probabilities give back the ratings."""
    elo = np.array([-150.0, 0.0, 30.0, 120.0])
    share = 1 / (1 + 10 ** ((elo[np.newaxis] - elo[:, np.newaxis]) / 400))
    points = 100_000 * share * (1 - np.eye(4))
    np.testing.assert_allclose(elo_ratings(points), elo - elo.mean(), atol=0.1)


def test_an_agent_that_never_lost_a_point_has_a_finite_rating():
    """The ratings are far apart, and finite."""
    elo = elo_ratings(np.array([[0.0, 42.0], [0.0, 0.0]]))
    assert np.isfinite(elo).all()
    assert elo[0] - elo[1] > 400


def test_everyone_plays_everyone():
    """Each pair plays its games, points add up, and the trained agent is ahead."""
    entrants = [
        Entrant("trained", PongAgent.pretrained()),
        Entrant("new", PongAgent("reinforce")),
        Entrant("other", PongAgent("reinforce", seed=1)),
    ]
    standings = play_tournament(entrants, 2, MatchRules(max_frames=600))
    assert set(standings.games) == {(0, 1), (0, 2), (1, 2)}
    best = max(standings.ratings, key=lambda one: one.elo)
    assert best.name == "trained"
    assert all(one.low <= one.elo <= one.high for one in standings.ratings)
    assert sum(one.points_for for one in standings.ratings) == sum(
        one.points_against for one in standings.ratings
    )
    table = standings.differences()
    np.testing.assert_array_equal(table, -table.T)
    with pytest.raises(ConfigError, match="two entrants or more, found 1"):
        play_tournament(entrants[:1])


def test_the_table_is_drawn_in_the_colours_of_signs(tmp_path):
    """A row that is ahead by 21 is POSITIVE, one behind NEGATIVE; one game has no interval."""
    ratings = [
        Rating(name, 0, elo, elo - 5, elo + 5, 0, 0) for name, elo in (("a", 9.0), ("b", -9.0))
    ]
    game = MatchGame(0, True, 21, 0, 100, True)
    sizes = []
    for games in ((game,), (game, game)):
        draw_tournament(Standings(tuple(ratings), {(0, 1): games}), tmp_path / "t.png")
        with Image.open(tmp_path / "t.png") as image:
            counts = {colour: n for n, colour in image.convert("RGB").getcolors(100_000)}
        sizes.append(counts[SERIES[0]])
        assert abs(counts[POSITIVE] - counts[NEGATIVE]) < 0.02 * counts[POSITIVE]
        assert counts[POSITIVE] > 5_000
        assert {LEFT, RIGHT}.isdisjoint(counts)
    assert sizes[0] < sizes[1]


def test_the_command_rates_a_run(tmp_path, capsys):
    """Its snapshots play; ratings are printed, drawn and written."""
    run, image, out = tmp_path / "run", tmp_path / "t.png", tmp_path / "t.json"
    small = ["hidden_units:4", "n_envs:2", "fragment_steps:1024"]
    train = ["train", "--workers", "0", "--updates", "1", "--hyperparams", *small]
    assert main([*train, "--run-folder", str(run)]) == 0
    capsys.readouterr()
    args = ["tournament", str(run), "--max-frames", "200", "--output", str(image)]
    assert main([*args, "--json", str(out), "--with-pretrained"]) == 0
    printed = capsys.readouterr().out
    assert "0 k steps" in printed
    assert "2 k steps" in printed
    assert image.read_bytes().startswith(b"\x89PNG")
    assert len(json.loads(out.read_text())["games"]) == 6
    assert main([*args[:-1], str(tmp_path / "t.bmp")]) == 1
    assert "t.bmp" in capsys.readouterr().err
    assert main(["tournament", str(tmp_path)]) == 1
    assert "expected the folder of a run" in capsys.readouterr().err


def test_a_missing_package_is_told_before_any_game(monkeypatch, tmp_path, capsys):
    """Neither choix nor Matplotlib is first missed after minutes of games."""
    entrants, played = [Entrant(name, PongAgent("reinforce")) for name in "ab"], []
    monkeypatch.setitem(sys.modules, "choix", None)
    with pytest.raises(MissingPackageError, match=r"'choix', found none; fix: .*\[play\]"):
        play_tournament(entrants, 2, MatchRules(max_frames=8), on_game=played.append)
    assert played == []
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["tournament", str(tmp_path), "--output", str(tmp_path / "t.png")]) == 1
    assert "the package 'matplotlib'" in capsys.readouterr().err
