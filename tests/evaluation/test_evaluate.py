import json
from dataclasses import replace

import numpy as np
import pytest

from pong_agent import ConfigError, NotPongError, PongAgent, PPOConfig, make_env
from pong_agent.envs.spec import EnvSpec
from pong_agent.evaluation import EvaluationResult, evaluate_policy
from pong_agent.evaluation.evaluate import environment_of, first_win

SHORT = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=400)
LONGER = EnvSpec("ALE/Pong-v5", max_num_frames_per_episode=900, noop_max=30)


@pytest.fixture(scope="module")
def sampled():
    """Four sampled episodes of an agent of seed 0, and each as it was reported."""
    seen = []
    agent = PongAgent("ppo", seed=0)
    result = evaluate_policy(agent, SHORT, 4, deterministic=False, on_episode=seen.append)
    return result, seen


def result_of(*returns):
    return EvaluationResult(
        "ALE/Pong-v5", True, returns, tuple(100 for _ in returns), tuple(range(len(returns)))
    )


def test_whole_games_are_played():
    """A game of an untrained agent is lost, and its length is that of a whole game."""
    agent = PongAgent("reinforce", seed=0)
    result = evaluate_policy(agent, n_eval_episodes=1, deterministic=False, seed=3)
    assert result.env_id == "Pong-v0"  # where the preset learns
    assert result.seeds == (3,)
    assert all(-21 <= episode_return < 0 for episode_return in result.returns)
    assert min(result.lengths) > 700


def test_statistics_are_those_of_the_returns():
    """Mean and standard deviation are NumPy's."""
    result = result_of(-21.0, -19.0, -14.0)
    assert result.mean == -18.0
    assert result.std == pytest.approx(np.std([-21, -19, -14]))


def test_the_interval_covers_the_mean_about_95_times_in_100():
    """Of 300 samples of 40 normal numbers, the share of intervals around the mean is near 0.95."""
    generator = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        low, high = result_of(*generator.normal(5.0, 3.0, size=40)).confidence_interval
        covered.append(low <= 5.0 <= high)
    assert 0.90 <= np.mean(covered) <= 0.98


def test_the_interval_of_little_is_honest():
    """One episode has no interval, equal returns have one of no width; it is repeatable."""
    assert result_of(-21.0).confidence_interval is None
    assert result_of(-21.0, -21.0, -21.0).confidence_interval == (-21.0, -21.0)
    result = result_of(-21.0, -19.0, -20.0, -12.0)
    assert result.confidence_interval == result.confidence_interval


def test_equal_seeds_give_equal_evaluations(sampled):
    """Sampled or greedy, an evaluation can be repeated."""
    agent = PongAgent(seed=0)
    assert evaluate_policy(agent, SHORT, 2) == evaluate_policy(agent, SHORT, 2)
    assert evaluate_policy(agent, SHORT, 4, deterministic=False) == sampled[0]


def test_evaluating_does_not_change_the_agent(frames):
    """Generator, remembered frames and actions stay those of before."""
    agent, other = PongAgent(seed=2), PongAgent(seed=2)
    assert agent.act(frames[0]) == other.act(frames[0])
    evaluate_policy(agent, replace(SHORT, full_action_space=True), 1, False)
    assert [agent.act(f) for f in frames[1:40]] == [other.act(f) for f in frames[1:40]]


def test_the_environments_actions_are_found_by_meaning():
    """With the full action space the greedy game is the same as with the minimal one."""
    agent = PongAgent(seed=1)
    minimal, full = (
        evaluate_policy(agent, replace(SHORT, full_action_space=full), 2) for full in (False, True)
    )
    assert minimal == full


def test_each_episode_is_reported_as_it_ends(sampled):
    """The callback sees every trajectory once, in order."""
    result, seen = sampled
    assert [trajectory.seed for trajectory in seen] == [0, 1, 2, 3]
    assert tuple(len(trajectory) for trajectory in seen) == result.lengths


def test_a_result_can_be_written_as_json():
    """Everything is in the dictionary, in types that JSON holds."""
    written = json.loads(json.dumps(result_of(-21.0, -19.0).to_dict()))
    assert written["mean_reward"] == -20.0
    assert written["episodes"][1] == {"seed": 1, "return": -19.0, "length": 100}
    assert len(written["confidence_interval_95"]) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_eval_episodes": 0}, ConfigError, "episodes: expected an int of 1 or more, found 0"),
        ({"seed": -1}, ConfigError, "seed: expected an int from 0 .* found -1"),
        ({"seed": True}, ConfigError, "seed: .* found True"),
        ({"n_workers": 0}, ConfigError, "n_workers: expected an int of 1 or more, found 0"),
        ({"n_workers": 1.5}, ConfigError, "n_workers: expected an int of 1 or more, found 1.5"),
        ({"env_id": "ALE/Breakout-v5"}, NotPongError, "Breakout"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    """Numbers out of range and other games give one clear error."""
    with pytest.raises(error, match=message):
        evaluate_policy(PongAgent(), **arguments)


def test_the_number_of_processes_changes_nothing(sampled, monkeypatch):
    """All (two) CPUs play what one plays, episode by episode, and tell of each in order."""
    monkeypatch.setattr("pong_agent.evaluation.evaluate.usable_cpus", lambda: 2)
    agent, seen = PongAgent("ppo", seed=0), []
    shared = evaluate_policy(
        agent,
        SHORT,
        4,
        deterministic=False,
        n_workers=-1,
        on_episode=lambda trajectory: seen.append(trajectory.seed),
    )
    assert shared == sampled[0]
    assert seen == [0, 1, 2, 3]


def test_episodes_are_played_in_step_on_palette_frames(monkeypatch):
    """Six episodes take five environments, all of palette indices."""
    made = []

    def noted(*args, **options):
        made.append(make_env(*args, **options))
        return made[-1]

    monkeypatch.setattr("pong_agent.evaluation.evaluate.make_env", noted)
    result = evaluate_policy(
        PongAgent(), SHORT, 6, env_kwargs={"max_num_frames_per_episode": 8}, n_workers=1
    )
    assert [env.observation_space.shape for env in made] == [(210, 160)] * 5
    assert result.seeds == tuple(range(6))


def test_by_default_the_agents_own_environment_is_played():
    """Id and arguments are those the agent learns in, unless others are asked for."""
    config = PPOConfig(env_id="PongNoFrameskip-v4", repeat_action_probability=0.5, noop_max=9)
    agent = PongAgent(config)
    own = EnvSpec("PongNoFrameskip-v4", noop_max=9, repeat_action_probability=0.5)
    assert environment_of(agent, None) == own
    assert environment_of(agent, SHORT) == SHORT
    assert environment_of(agent, "Pong-v4") == EnvSpec("Pong-v4")


def test_the_best_and_the_worst_episode_are_found():
    """They are the first with the largest and with the smallest return."""
    result = result_of(-3.0, 7.0, -9.0, 7.0, -9.0)
    assert (result.best_seed, result.worst_seed) == (1, 2)


def test_play_goes_on_until_a_win():
    """The first episode with a return above 0 is it; without one the best return is told."""
    agent, played = PongAgent.pretrained(), []
    seed = first_win(agent, LONGER, 3, seed=2, on_episode=played.append)
    assert [game.episode_return > 0 for game in played] == [False] * (seed - 2) + [True]
    assert evaluate_policy(agent, LONGER, 1, seed=seed).mean == played[-1].episode_return
    with pytest.raises(ConfigError, match=r"expected a win within 2 episodes, found -\d+"):
        first_win(PongAgent("reinforce"), LONGER, 2)


def test_numbers_of_numpy_are_accepted():
    """Seeds and counts of NumPy's types give the plain result, which JSON can hold."""
    result = evaluate_policy(
        PongAgent("reinforce"),
        SHORT,
        np.int64(2),
        seed=np.uint8(3),
        n_workers=np.int32(1),
        env_kwargs={"max_num_frames_per_episode": 8},
    )
    assert json.loads(json.dumps(result.to_dict()))["episodes"][1]["seed"] == 4


def test_without_a_seed_one_is_drawn():
    """The episodes' seeds are in the result."""
    arguments = {"n_eval_episodes": 1, "env_kwargs": {"max_num_frames_per_episode": 8}}
    seeds = [evaluate_policy(PongAgent(), SHORT, seed=None, **arguments).seeds for _ in range(2)]
    assert seeds[0] != seeds[1]
