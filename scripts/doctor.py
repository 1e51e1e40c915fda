"""Thin door to `pong-agent doctor`; `--help` lists the options."""

import sys

from pong_agent.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["doctor", *sys.argv[1:]]))
