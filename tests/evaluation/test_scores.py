"""Scores over settings, compared with single evaluations."""

import json
from dataclasses import replace

from pong_agent import PongAgent
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation import evaluate_policy
from pong_agent.evaluation.scores import SETTINGS, Setting, difficulty_grid, score

SHORT = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=280)


def test_settings_are_distinct_and_named():
    """No two are the same, and an environment's options are in its name."""
    assert len(set(SETTINGS)) == len(SETTINGS) == 9
    assert str(SETTINGS[2]) == "ALE/Pong-v5 (noop_max 30, repeat_action_probability 0.0)"


def test_the_grid_varies_difficulty_and_sticky_actions_alone():
    """Games without sticky actions begin with no-ops; the rest is the environment's."""
    grid = difficulty_grid(replace(SHORT, noop_max=3))
    found = [
        (one.env.difficulty, one.env.repeat_action_probability, one.env.noop_max, one.deterministic)
        for row in grid
        for one in row
    ]
    assert found == [
        (level, *rest) for level in range(4) for rest in ((0.0, 30, True), (0.25, 3, True))
    ]
    assert {one.env.max_num_frames_per_episode for row in grid for one in row} == {280}


def test_a_score_is_an_evaluation_as_json():
    """Mean, interval and length are those of `evaluate_policy` with the same seeds."""
    agent, seen = PongAgent("reinforce", seed=0), []
    settings = [Setting(SHORT, deterministic=False), Setting(replace(SHORT, noop_max=9))]
    scores = score(agent, 2, 5, settings=settings, on_result=lambda *both: seen.append(both))
    for setting, found, (told, result) in zip(settings, scores, seen, strict=True):
        expected = evaluate_policy(agent, setting.env, 2, setting.deterministic, seed=5)
        assert (told, result) == (setting, expected)
        assert json.loads(json.dumps(found)) == {
            "env_id": "ALE/Pong-v5",
            "env_kwargs": setting.env_kwargs,
            "deterministic": setting.deterministic,
            "episodes": 2,
            "first_seed": 5,
            "mean_reward": expected.mean,
            "confidence_interval_95": list(expected.confidence_interval),
            "mean_ep_length": sum(expected.lengths) / 2,
        }
