"""Listening sockets of a local training run."""

from pathlib import Path

from faults.report import Report
from faults.workers import small_run
from pong_agent.training.start import start_run

_LISTEN = "0A"  # the state, in /proc/net/tcp


def look_for_listeners(folder: Path) -> Report:
    """Train with local Ray workers and check every listening socket of their processes.

    Args:
        folder: for the run folder.
    """
    report = Report("listeners of a local run")
    before = set(_listening())
    with start_run(small_run(2, workers=2), folder / "run") as trainer:
        trainer.train()
        found = {place: owner for place, owner in _listening().items() if place not in before}
    for (address, port), owner in sorted(found.items()):
        loopback = _is_loopback(address)
        report.count(None if loopback else f"{owner} listens at {address}, port {port}")
    if not found:
        report.failures.append("no listener was found, but Ray must have some")
    return report


def _is_loopback(address: str) -> bool:
    """Return whether an address in the byte order of /proc/net/tcp is a loopback address."""
    if len(address) == 8:
        return address.endswith("7F")
    return address == "0" * 24 + "01000000" or address.endswith("FFFF0000" + "0100007F")


def _listening() -> dict[tuple[str, int], str]:
    """Return (address, port) of each listening socket of this user -> name of its process."""
    sockets: dict[str, tuple[str, int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN:
                address, _, port = fields[1].partition(":")
                sockets[fields[9]] = (address, int(port, 16))
    owners = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_text().replace("\0", " ")[:60]
            links = [str(link.readlink()) for link in (folder / "fd").iterdir()]
        except OSError:  # another user's process, or one that has just ended
            continue
        for link in links:
            inode = link.removeprefix("socket:[").removesuffix("]")
            if inode in sockets:
                owners[sockets[inode]] = f"{name} ({folder.name})"
    return owners
