"""`python -m pong_agent` is `pong-agent`."""

import sys

from pong_agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
