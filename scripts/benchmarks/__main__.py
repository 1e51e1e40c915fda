"""`python scripts/benchmarks NAME [options]`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    # `benchmarks` is imported from scripts/, the notebook's loop from tests/. Ray's workers and
    # new interpreters find both by PYTHONPATH.
    paths = [str(ROOT / "scripts"), str(ROOT / "tests")]
    sys.path[:1] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [*paths, *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    from benchmarks.commands import main

    sys.exit(main())
