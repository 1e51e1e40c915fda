"""`python scripts/faults NAME... [options]`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # `faults` is imported from scripts/
    from faults.commands import main

    sys.exit(main())
