"""`python -m pong_agent.doctor.ray_probe`: start Ray and one worker's game, as in training."""

import sys
import time
from contextlib import closing

from pong_agent.agent import PongAgent
from pong_agent.training.collector import CollectorError
from pong_agent.training.ray_collector import RayCollector
from pong_agent.training.ray_start import import_ray


def main() -> int:
    """Start Ray, one worker and a game, and return the exit code."""
    start = time.monotonic()
    try:
        version = import_ray(local=True).__version__
        with closing(RayCollector(PongAgent("ppo").config, n_workers=1)) as collector:
            collector.start_games([0])
    except (CollectorError, ImportError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    seconds = time.monotonic() - start
    sys.stdout.write(f"{version} starts, a worker started a game, within {seconds:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
