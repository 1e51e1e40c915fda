import json

import numpy as np
import pytest

from pong_agent import PongAgent
from pong_agent.actions import STAY
from pong_agent.cli.app import main
from pong_agent.envs.two_players import TwoPlayerPong
from pong_agent.errors import ConfigError
from pong_agent.matches.match import (
    MatchGame,
    MatchResult,
    MatchRules,
    Player,
    play_game,
    play_match,
)
from pong_agent.matches.match_video import draw_names
from pong_agent.recording.encoder import read_video_info
from pong_agent.recording.palette import LEFT, RIGHT


@pytest.fixture(scope="module")
def weak(tmp_path_factory):
    """Weights of an untrained agent."""
    path = tmp_path_factory.mktemp("match") / "weak.npz"
    PongAgent("reinforce").save(path)
    return path


def test_the_right_player_decides_as_the_agent_acts():
    """Greedily, on the same frames, a `Player` and `PongAgent.act` take the same actions."""
    agent = PongAgent.pretrained()
    player, pong = Player(agent), TwoPlayerPong()
    frame = pong.reset(0)
    for _ in range(60):
        decided = player.decide(frame)
        assert agent.act(frame, deterministic=True) == agent.paddle_actions[decided]
        frame = pong.step(STAY, decided)
    pong.close()


def test_the_left_player_sees_mirrored_frames():
    """The left player decides as the right one does on mirrored frames."""
    agent = PongAgent.pretrained()
    left, right, pong = Player(agent, mirrored=True), Player(agent), TwoPlayerPong()
    frame = pong.reset(0)
    decisions = []
    for _ in range(60):
        decisions.append(left.decide(frame))
        assert decisions[-1] == right.decide(np.ascontiguousarray(frame[:, ::-1]))
        frame = pong.step(decisions[-1], STAY)
    pong.close()
    assert len(set(decisions)) > 1


def test_the_better_agent_wins_on_either_side():
    """The trained agent is ahead of an untrained one, once on the right and once on the left."""
    agents = PongAgent.pretrained(), PongAgent("reinforce")
    result = play_match(*agents, 2, MatchRules(seed=2, max_frames=2400))
    assert [game.first_is_right for game in result.games] == [True, False]
    assert all(game.difference > 4 for game in result.games)
    assert not any(game.whole for game in result.games)
    assert (result.won, result.lost) == (0, 0)  # as no game is finished


def test_the_same_seed_gives_the_same_match():
    """Also with sampled actions; another seed gives another match."""
    agents = PongAgent("ppo", seed=1), PongAgent("ppo", seed=2)
    rules = MatchRules(seed=5, deterministic=False, max_frames=300)
    assert play_match(*agents, 2, rules) == play_match(*agents, 2, rules)
    frames, pong = [], TwoPlayerPong()
    for seed in (5, 6):
        players = Player(agents[0], mirrored=True, deterministic=False), Player(agents[1])
        play_game(pong, *players, seed, max_frames=200)
        frames.append(pong.last_frame())
    pong.close()
    assert (frames[0] != frames[1]).any()


def test_a_match_is_summed_up_for_the_first_agent():
    """Mean, interval, games won and lost."""
    games = [MatchGame(i, True, 21, points, 100, True) for i, points in enumerate((10, 19, 25))]
    result = MatchResult(tuple(games))
    assert result.mean == pytest.approx((11 + 2 - 4) / 3)
    assert (result.won, result.lost) == (2, 1)
    assert MatchResult((*games, MatchGame(3, True, 5, 0, 100, False))).won == 2
    low, high = result.confidence_interval
    assert low < result.mean < high
    assert json.loads(json.dumps(result.to_dict()))["games"][1]["second_points"] == 19


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ((0, {}), "games: expected an int of 1 or more, found 0"),
        ((2, {"sticky": 1.0}), "less than 1, found 1.0"),
        ((2, {"seed": -1}), "seed: expected an int from 0 .* found -1"),
        ((2, {"max_frames": 0}), "max_frames: expected an int of 1 or more, found 0"),
        ((4, {"sticky": 0.0}), "all 4 games would be the same two"),
    ],
)
def test_wrong_arguments(wrong, message):
    """A match that cannot be played is refused before any game."""
    agent, (n_games, rules) = PongAgent("reinforce"), wrong
    with pytest.raises(ConfigError, match=message):
        play_match(agent, agent, n_games, MatchRules(**rules))


def test_the_command_plays_records_and_prints(tmp_path, capsys, weak):
    """A row for each game, an interval, JSON, and a video of every frame of the first game."""
    video, out = tmp_path / "match.mp4", tmp_path / "match.json"
    args = ["play", "--agent-vs-agent", "pretrained", str(weak), "--games", "2", "--scale", "2"]
    files = ["--video", str(video), "--json", str(out)]
    assert main([*args, "--max-frames", "400", *files]) == 0
    printed = capsys.readouterr().out
    assert printed.count("not finished") == 2
    assert "95 % interval" in printed
    assert len(json.loads(out.read_text())["games"]) == 2
    info = read_video_info(video)
    assert (info.frames, info.width, info.height, info.fps) == (401, 320, 460, 60.0)
    assert main([*args, "--video", str(tmp_path / "match.avi")]) == 1
    assert "ends in .mp4" in capsys.readouterr().err
    assert main(["play", "--agent-vs-agent", "pretrained", "nothing.npz"]) == 1
    assert "nothing.npz: no such file" in capsys.readouterr().err


def test_names_are_drawn_in_the_colours_of_their_sides():
    """Left and right, and a long name keeps its end without reaching the other."""
    bar = draw_names("left", "runs/a-very-long-name/checkpoints/update-000050.npz", scale=4)
    assert bar.shape == (80, 640, 3)
    lit = {
        side: (bar[:, part] == colour).all(axis=2).any()
        for side, part, colour in (
            ("left", slice(0, 310), LEFT),
            ("right", slice(330, 640), RIGHT),
        )
    }
    assert lit == {"left": True, "right": True}
    assert not (bar[:, :320] == RIGHT).all(axis=2).any()
