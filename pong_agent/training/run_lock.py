"""A lock on a run folder, so that only one process trains in it."""

import errno
import fcntl
import os
import socket
import warnings
import weakref
from pathlib import Path

_LONGEST_HOLDER = 200  # bytes
_held: "weakref.WeakSet[RunLock]" = weakref.WeakSet()


class RunLock:
    """The lock of a run folder, held until `release`, or until this process ends, however.

    The system's advisory lock on the file RUN/lock, which also holds between the machines that
    share an NFS file system. Workers and other processes that this one starts do not hold it.
    Where a file system has no locks, a warning says so.

    Args:
        folder: the run folder, which exists.

    Raises:
        BlockingIOError: another trainer holds it; the message says which one.
        OSError: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.release = weakref.finalize(self, os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                holder = os.read(descriptor, _LONGEST_HOLDER).decode(errors="replace").strip()
                self.release()
                raise BlockingIOError(f"held by {holder or 'another process'}") from None
            warnings.warn(
                f"{folder}: this file system has no locks ({error}); start one training in it only",
                stacklevel=2,
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        _held.add(self)


def _release_all() -> None:
    """Close the locks in a forked child: otherwise it would hold them after its parent's end."""
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_release_all)
