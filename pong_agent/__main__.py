"""`pong-agent`, also `python -m pong_agent`: the command line, if its packages are installed."""

import sys
from collections.abc import Sequence

from pong_agent.cli.streams import open_streams


def main(args: Sequence[str] | None = None) -> int:
    """Run a command by `pong_agent.cli.app.main`, or print one line if a package is missing.

    Example:
        >>> main(["evaluate", "--episodes", "0"])
        1
    """
    open_streams()
    try:
        from pong_agent.cli import app
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "pong_agent":
            raise  # a bug
        print(
            f"error: expected the package {package!r}, which pong-agent needs, found none; "
            f"fix: {sys.executable} -m pip install pong-agent",
            file=sys.stderr,
        )
        return 1
    return app.main(args)


if __name__ == "__main__":
    sys.exit(main())
