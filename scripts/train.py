"""Thin door to `pong-agent train`; `--help` lists the options."""

import sys

from pong_agent.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
