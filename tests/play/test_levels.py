import itertools
import sys

import numpy as np
import pytest

from pong_agent import PongAgent, make_env
from pong_agent.actions import STAY
from pong_agent.play.levels import LEVELS, HandicappedPlayer, Level

N_GAMES = 10
MOST_STEPS = 12_000  # 13 minutes; without sticky actions a rally may never end


def points_against_the_opponent(agent, level, seed):
    """Play a game without sticky actions; return the agent's points minus the opponent's."""
    env = make_env("PongNoFrameskip-v4", frameskip=4, noop_max=30)
    player = HandicappedPlayer(agent, level, seed=seed)
    frame, _ = env.reset(seed=seed)
    points, done, steps = 0.0, False, 0
    while not done and steps < MOST_STEPS:
        action = agent.paddle_actions[player.decide(frame)]
        frame, reward, terminated, truncated, _ = env.step(action)
        points, done, steps = points + float(reward), terminated or truncated, steps + 1
    env.close()
    return points


@pytest.mark.slow
def test_levels_differ(capsys):
    """Easy loses to the built-in opponent, normal is about its equal, hard beats it."""
    agent = PongAgent.pretrained()
    means = {}
    for level in LEVELS:
        games = [points_against_the_opponent(agent, level, seed) for seed in range(N_GAMES)]
        means[level.name] = np.mean(games)
        with capsys.disabled():
            sys.stdout.write(f"\n{level.name}: mean {np.mean(games):+.1f}, {games}\n")
    assert means["easy"] < -5
    assert -7 < means["normal"] < 7
    assert means["hard"] > 8


def test_a_lapse_repeats_the_last_action(frames):
    """With lapses only the paddle stays; all other decisions are the agent's."""
    agent = PongAgent.pretrained()
    players = {
        lapses: HandicappedPlayer(agent, Level("", (), lapses), seed=3)
        for lapses in (0.0, 0.5, 1.0)
    }
    sharp, half, absent = (
        [player.decide(frame) for frame in frames[:200]] for player in players.values()
    )
    assert set(absent) == {STAY}
    assert len(set(sharp)) > 1
    kept = [now == before for before, now in itertools.pairwise(half)]
    own = [now == best for now, best in zip(half[1:], sharp[1:], strict=True)]
    assert all(one or other for one, other in zip(kept, own, strict=True))
    assert not all(own)
    assert not all(kept)


def test_levels_become_harder():
    """Levels are ordered from easy to hard, and hard has no handicap."""
    lapses = [level.lapses for level in LEVELS]
    assert lapses == sorted(lapses, reverse=True)
    assert lapses[-1] == 0
