from dataclasses import replace

import ale_py
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from pong_agent import PongAgent, make_env
from pong_agent.envs import RAW_FRAMES

gym.register_envs(ale_py)

N_ENVS, STEPS, SEED = 2, 60, 9
SHORT = {"max_num_frames_per_episode": 100}  # episodes of 25 steps
RESTARTED = 7  # after this step environment 0 is reset, out of step with the others from then on

# The emulator's own vector environment without its default additions to the game.
PLAIN = {"noop_max": 0, "use_fire_reset": False, "reward_clipping": False}


def make_agent():
    """An agent whose decisions depend on the previous frame."""
    agent = PongAgent("ppo", seed=SEED)
    agent.set_parameters({name: 20 * array for name, array in agent.parameters.items()})
    return agent


def act(agent, frames, step):
    """Act greedily and sample in turns."""
    return agent.act(frames, deterministic=step % 2 == 0)


def play_batched(envs, agent, mode):
    """Play a vector environment; return each step's actions, and which were ignored."""
    frames, _ = envs.reset(seed=SEED)
    ended = np.zeros(N_ENVS, dtype=np.bool_)
    played = []
    for step in range(STEPS):
        actions = act(agent, frames, step)
        before = ended
        frames, _, terminations, truncations, _ = envs.step(actions)
        ended = terminations | truncations
        if mode == AutoresetMode.NEXT_STEP:  # the step after an end is a reset
            played.append((actions, before))
            agent.reset(before)
        else:
            played.append((actions, np.zeros_like(ended)))
            agent.reset(ended)
        if step == RESTARTED:
            mask = np.arange(N_ENVS) == 0
            frames, _ = envs.reset(options={"reset_mask": mask})
            agent.reset(mask)
    return played


def play_singly(environments, agents, mode):
    """Do the same with environments and agents one by one."""
    frames = [env.reset(seed=SEED + i)[0] for i, env in enumerate(environments)]
    ended = [False] * N_ENVS
    played = []
    for step in range(STEPS):
        actions, ignored = [], list(ended)
        for i, (env, agent) in enumerate(zip(environments, agents, strict=True)):
            actions.append(act(agent, frames[i], step))
            starts = ended[i]
            if not starts:
                frames[i], _, terminated, truncated, _ = env.step(actions[i])
                ended[i] = terminated or truncated
                starts = ended[i] and mode == AutoresetMode.SAME_STEP
            if starts or (i == 0 and step == RESTARTED):
                frames[i], ended[i] = env.reset()[0], False
                agent.reset()
        played.append((actions, ignored))
    return played


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("form", ["sync", "async", "emulator"])
def test_batched_actions_are_those_of_single_play(form, mode):
    """Over episodes that start out of step, each environment gets the actions of its own agent."""
    if form == "emulator":  # which seeds sticky actions differently
        arguments = {"repeat_action_probability": 0.0, **SHORT}
        how = {"autoreset_mode": mode, **RAW_FRAMES, **PLAIN}
    else:
        arguments = SHORT
        how = {"vectorization_mode": form, "vector_kwargs": {"autoreset_mode": mode}}
    envs = gym.make_vec("ALE/Pong-v5", num_envs=N_ENVS, **arguments, **how)
    found = play_batched(envs, make_agent(), mode)
    envs.close()

    environments = [make_env("ALE/Pong-v5", **arguments) for _ in range(N_ENVS)]
    agents = [make_agent() for _ in range(N_ENVS)]
    # Drawn from in turn, as for a batch.
    agents[1]._state = replace(agents[1]._state, generator=agents[0]._state.generator)
    expected = play_singly(environments, agents, mode)
    for env in environments:
        env.close()

    for step, ((actions, ignored), (singly, skipped)) in enumerate(
        zip(found, expected, strict=True)
    ):
        np.testing.assert_array_equal(ignored, skipped, err_msg=f"step {step}")
        kept = ~ignored
        np.testing.assert_array_equal(actions[kept], np.array(singly)[kept], err_msg=f"step {step}")
    n_ignored = sum(int(ignored.sum()) for _, ignored in found)
    assert n_ignored == (4 if mode == AutoresetMode.NEXT_STEP else 0)
    assert len(np.unique([actions for actions, _ in found])) > 1


@pytest.mark.parametrize("how", [{"vectorization_mode": "async"}, {**RAW_FRAMES, "noop_max": 0}])
def test_an_agent_is_bound_to_every_kind(how):
    """UP and DOWN are found by meaning, in other processes and in the emulator's own vector."""
    envs = gym.make_vec("ALE/Pong-v5", num_envs=1, full_action_space=True, **how)
    assert PongAgent("reinforce").bind(envs).paddle_actions == (4, 3, 0)
    envs.close()
