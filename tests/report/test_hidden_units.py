import numpy as np
import pytest

from pong_agent import DOWN, UP, PongAgent, make_env, rollout
from pong_agent.report.hidden_units import important_units


@pytest.fixture(scope="module", params=["pretrained", "reinforce"])
def played(request):
    agent = PongAgent.pretrained() if request.param == "pretrained" else PongAgent("reinforce")
    env = make_env("ALE/Pong-v5", max_num_frames_per_episode=600)
    [trajectory] = rollout(agent.bind(env), [env], [0])
    env.close()
    return agent, trajectory


def test_hidden_units_are_ranked_by_their_share_in_the_decisions(played):
    """Contribution, activity and weights equal those of dense arithmetic, the largest first."""
    agent, trajectory = played
    units, steps = important_units(agent, [trajectory], 5)
    x = trajectory.network_input().toarray().astype(np.float64)
    W1, W2 = (agent.parameters[name].astype(np.float64) for name in ("W1", "W2"))
    votes = W2 if W2.ndim == 1 else W2[UP] - W2[DOWN]
    hidden = np.maximum(x @ W1.T, 0)
    shares = hidden
    if agent.config.mirror:
        turned = x.reshape(len(x), 2, 80, 80)[:, :, ::-1].reshape(len(x), -1)
        shares = hidden + np.maximum(turned @ W1.T, 0)
    expected = np.abs(votes) * shares.mean(axis=0)
    assert steps == len(trajectory)
    assert [unit.number for unit in units] == np.argsort(-expected)[:5].tolist()
    for unit in units:
        assert unit.contribution == pytest.approx(expected[unit.number], rel=1e-4)
        assert unit.active == pytest.approx((hidden[:, unit.number] > 0).mean(), abs=0.01)
        assert unit.vote == pytest.approx(votes[unit.number])
        np.testing.assert_array_equal(unit.weights.reshape(-1), agent.parameters["W1"][unit.number])


def test_without_games_there_is_nothing_to_rank_by():
    """All contributions are zero, without a warning about division by zero."""
    units, steps = important_units(PongAgent("reinforce"), [], 2)
    assert steps == 0
    assert [unit.contribution for unit in units] == [0, 0]
