"""`pong-agent`, also `python -m pong_agent`: the command line, if its packages are installed."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from pong_agent.cli.streams import open_streams


def main(args: Sequence[str] | None = None) -> int:
    """Run a command by `pong_agent.cli.app.main`, or print one line if a package is missing.

    Example:
        >>> main(["evaluate", "--episodes", "0"])
        1
    """
    open_streams()
    try:
        with _ended_by_interrupts():
            from pong_agent.cli import app
        return app.main(args)
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


@contextlib.contextmanager
def _ended_by_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the process at once; as an exception, imports could lose or change it."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # ignored, as of a job in the background, or the caller's own
        return
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main())
