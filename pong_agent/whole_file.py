"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block succeeds.

    The file is flushed to the disk before the rename, so `path` is always the old file or the whole
    new one. When the block raises, the temporary file is removed. Raises OSError.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "notes.txt")) as temporary:
        ...         _ = temporary.write_text("all or nothing")
        ...     [path.name for path in Path(folder).iterdir()]
        ['notes.txt']
    """
    temporary = temporary_path(path)
    try:
        yield temporary
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_path(path: str | Path) -> Path:
    """Return where to write a file before it gets its name: beside it, hidden, per process."""
    path = Path(path)
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def put_in_place(temporary: Path, path: str | Path) -> None:
    """Flush a complete file to the disk and rename it to `path`.

    Raises:
        OSError: the file cannot be flushed or renamed.
    """
    path = Path(path)
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)  # or a power failure could undo the rename


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
