"""Which episodes are filmed."""

import pytest

from pong_agent import ConfigError, PongAgent
from pong_agent.evaluation.choose import extreme_seed, first_win
from pong_agent.evaluation.evaluate import evaluate_policy

SHORT = {"max_num_frames_per_episode": 900, "noop_max": 30}


def test_the_best_and_the_worst_episode_are_found():
    """They have the largest and the smallest return of all that were played."""
    agent = PongAgent.pretrained()
    arguments = {"deterministic": False, "env_kwargs": SHORT}
    result = evaluate_policy(agent, "ALE/Pong-v5", 3, **arguments)
    returns = dict(zip(result.seeds, result.returns, strict=True))
    assert len(set(result.returns)) > 1
    best = extreme_seed(agent, "ALE/Pong-v5", 3, **arguments)
    worst = extreme_seed(agent, "ALE/Pong-v5", 3, sign=-1, **arguments)
    assert (returns[best], returns[worst]) == (max(result.returns), min(result.returns))


def test_play_goes_on_until_a_win():
    """The first episode with a return above 0 is it; without one the best return is told."""
    agent = PongAgent.pretrained()
    seed = first_win(agent, "ALE/Pong-v5", 3, seed=2, env_kwargs=SHORT)
    assert evaluate_policy(agent, "ALE/Pong-v5", 1, seed=seed, env_kwargs=SHORT).mean > 0
    with pytest.raises(ConfigError, match=r"expected a win within 2 episodes, found -\d+"):
        first_win(PongAgent("reinforce"), "ALE/Pong-v5", 2, env_kwargs=SHORT)
