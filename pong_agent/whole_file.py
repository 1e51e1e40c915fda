"""Paths resolved once, and files that appear whole or not at all."""

import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pong_agent.errors import ConfigError

# What file systems answer whose folders cannot be flushed, such as CIFS and many of FUSE.
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
_LONGEST_STEM = 48  # characters of a name that its temporary name repeats: names have a limit
_DESCRIPTOR = re.compile(r"/dev/(stdin|stdout|stderr)|/dev/fd/(\d+)|/proc/self/fd/(\d+)")
_STREAMS = {"stdin": "0", "stdout": "1", "stderr": "2"}


def absolute_path(path: object, name: str = "path") -> Path:
    """Return a path with `~` expanded that stays the same when the program changes its directory.

    Symbolic links are kept.

    Args:
        path: a string or an `os.PathLike`.
        name: how an error names the argument.

    Raises:
        ConfigError: it is no path, is empty, holds a NUL, or its `~` has no meaning.

    Example:
        >>> absolute_path("~/runs") == Path.home() / "runs"
        True
    """
    try:
        text = os.fspath(path)  # type: ignore[call-overload]  # the TypeError is handled
        if not isinstance(text, str) or not text or "\0" in text:
            raise TypeError
        return Path(text).expanduser().absolute()
    except TypeError:
        raise ConfigError(f"{name}: expected a path, found {path!r:.100}") from None
    except (OSError, RuntimeError) as error:  # no current directory, no home
        raise ConfigError(f"{name}: {path!s:.100} cannot be resolved: {error}") from error


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path, and put its file in the place of `path` when the block succeeds.

    The file is flushed to the disk before a rename, so `path` is always the old file or the whole
    new one. When the block raises, the temporary file is removed. A symbolic link stays and its
    target is replaced. The contents are written into a device, a pipe or an open descriptor such
    as `/dev/stdout`, which are never replaced. Raises OSError.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "notes.txt")) as temporary:
        ...         _ = temporary.write_text("all or nothing")
        ...     [path.name for path in Path(folder).iterdir()]
        ['notes.txt']
    """
    if is_stream(path):
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder, Path(path).name)
            yield temporary
            _write_into(path, temporary)
        return
    temporary = temporary_path(path)
    try:
        yield temporary
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def is_stream(path: str | Path) -> bool:
    """Return whether a path is an open descriptor, a device, a pipe or a socket."""
    if _DESCRIPTOR.fullmatch(str(path)):
        return True
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def temporary_path(path: str | Path) -> Path:
    """Return where to write a file before it gets its name: beside it, hidden, never used twice.

    Beside the target of a symbolic link, so that a rename stays within one file system.
    """
    path = _target(path)
    return path.with_name(f".{path.name[:_LONGEST_STEM]}.{os.getpid()}-{secrets.token_hex(4)}.part")


def put_in_place(temporary: Path, path: str | Path) -> None:
    """Flush a complete file to the disk and rename it to `path`, or to the target of that link.

    The file keeps the permissions of the one that it replaces.

    Raises:
        OSError: the file cannot be flushed or renamed, or the older one is write-protected.
    """
    path = _target(path)
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "the file there is write-protected", str(path))
        temporary.chmod(stat.S_IMODE(mode))
    _flush(temporary)
    temporary.replace(path)
    _flush_folder(path.parent)  # or a power failure could undo the rename


def put_new(temporary: Path, path: Path) -> None:
    """Flush a complete file and give it a free name: of several processes, one gets it.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file cannot be flushed or renamed.
    """
    _flush(temporary)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links, as on FAT: hold the name, then replace what holds it
        path.touch(exist_ok=False)
        temporary.replace(path)
    else:
        temporary.unlink()
    _flush_folder(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 file, whole or not at all, whatever the locale; raises OSError.

    The bytes of a file's name that are no text are written as escapes.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file, without a byte order mark, whatever the locale.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    return Path(path).read_text(encoding="utf-8-sig")


def _target(path: str | Path) -> Path:
    """Return the file that a chain of symbolic links names, which need not exist."""
    return Path(os.path.realpath(path)) if Path(path).is_symlink() else Path(path)


def _write_into(path: str | Path, source: Path) -> None:
    """Copy a file into a device, a pipe or an open descriptor."""
    match = _DESCRIPTOR.fullmatch(str(path))
    if match is None:
        with source.open("rb") as reader, Path(path).open("wb") as writer:
            shutil.copyfileobj(reader, writer)
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # what was printed before comes first
    descriptor = int(_STREAMS.get(match[1]) or match[2] or match[3])
    # Opening the name again would truncate a file that the descriptor is redirected to.
    with source.open("rb") as reader, os.fdopen(os.dup(descriptor), "wb") as writer:
        shutil.copyfileobj(reader, writer)


def _flush(path: Path) -> None:
    """Have a file written to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk, where the file system can do that."""
    try:
        _flush(folder)
    except PermissionError:
        pass  # a folder that may be written to but not listed
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise
