"""Orderly stop of a run on SIGINT or SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequested(BaseException):
    """SIGINT or SIGTERM arrived where work may be dropped.

    It is no `Exception`, so no library between the handler and the trainer can catch it.
    """


class StopSignals:
    """Remembers SIGINT and SIGTERM, and raises `StopRequested` only where work may be dropped."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None  # the signal that arrived
        self._droppable = False

    @contextmanager
    def droppable(self) -> Iterator[None]:
        """Mark work that a signal ends at once, because it can be repeated.

        Raises:
            StopRequested: a signal arrived before or within.
        """
        self._droppable = True
        try:
            if self.received is not None:
                raise StopRequested
            yield
        except SystemError:
            # A C extension raises this if the signal arrives while its call returns.
            if self.received is None:
                raise
            raise StopRequested from None
        finally:
            self._droppable = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Install the handlers in the main thread, where Python allows them; restore them after."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        if self._droppable:
            self._droppable = False  # a second signal must not end the clean-up of the first
            raise StopRequested


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C in a clean-up that is short, so that a second one leaves nothing behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
