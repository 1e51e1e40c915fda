"""Real frames, real environments and one Ray for the whole session."""

import os
import signal
from pathlib import Path

# Before anything imports Ray: see `pong_agent.training.ray_start`.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

# Ray's workers and subprocesses import what tests import: `benchmarks`, `faults`, `toy`.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [
        str(Path(__file__).parents[1] / "scripts"),
        str(Path(__file__).parent),
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
)

import hypothesis
import numpy as np
import pytest

from pong_agent import PongAgent, make_env, rollout

# Nothing is written beside the sources, and a slow machine is no failure.
hypothesis.settings.register_profile("here", database=None, deadline=None)
hypothesis.settings.load_profile("here")

# A shell's background jobs ignore SIGINT, and what they start would, too: tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Put the tests that share Ray into one group, so that one process runs them all."""
    for item in items:
        if "ray_session" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(scope="session")
def ray_session():
    """A local Ray with four CPUs; collectors use it and leave it running."""
    import ray

    ray.init(
        address="local",
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=256 * 2**20,
    )
    yield ray
    ray.shutdown()


@pytest.fixture(scope="session")
def frames():
    """400 raw frames of a real game under random UP and DOWN, read-only."""
    env = make_env("ALE/Pong-v5")
    generator = np.random.default_rng(0)
    collected = [env.reset(seed=3)[0]]
    while len(collected) < 400:
        frame, *_ = env.step(int(generator.integers(2, 4)))
        collected.append(frame)
    env.close()
    stacked = np.stack(collected)
    stacked.flags.writeable = False
    return stacked


@pytest.fixture
def short_env():
    """A real Pong whose episodes are cut after 100 agent steps, about two lost points."""
    env = make_env("ALE/Pong-v5", max_num_frames_per_episode=400)
    yield env
    env.close()


@pytest.fixture(scope="session")
def trajectories():
    """Three whole episodes of `Pong-v0`, played by the agent of seed 0."""
    environments = [make_env("Pong-v0") for _ in range(3)]
    played = rollout(PongAgent("reinforce", seed=0), environments, [10, 11, 12])
    for env in environments:
        env.close()
    return played
