import os
import signal
import threading

import pytest

from pong_agent.training.signals import StopRequested, StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_droppable_work_at_once(number):
    """Within `droppable` a signal raises, and is remembered."""
    signals = StopSignals()
    reached = []

    def work():
        with signals.droppable():
            reached.append("before")
            os.kill(os.getpid(), number)
            reached.append("after")

    with signals.handled(), pytest.raises(StopRequested):
        work()
    assert reached == ["before"]
    assert signals.received == number


def test_a_signal_waits_for_other_work():
    """Outside `droppable` a signal is only remembered, and ends the next droppable work."""
    signals = StopSignals()
    with signals.handled():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == signal.SIGTERM
        with pytest.raises(StopRequested), signals.droppable():
            pytest.fail("the work began")


def test_the_handlers_are_put_back():
    """After `handled` the process reacts to signals as before."""
    before = signal.getsignal(signal.SIGINT)
    with StopSignals().handled():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_thread_trains_without_handlers():
    """In another thread, where Python allows no handlers, the work runs all the same."""
    done = []

    def work():
        with StopSignals().handled():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_signal_within_a_c_call_stops_the_work():
    """A SystemError that a signal caused within a C call stops the work like the signal."""
    signals = StopSignals()

    def wait():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except StopRequested as error:
            raise SystemError("returned a result with an exception set") from error

    with signals.handled(), pytest.raises(StopRequested), signals.droppable():
        wait()
    assert signals.received == signal.SIGTERM
    with pytest.raises(SystemError, match="of its own"), StopSignals().droppable():
        raise SystemError("of its own")
