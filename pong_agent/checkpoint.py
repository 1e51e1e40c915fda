"""The weights file: named arrays and JSON metadata in one `.npz`, without pickle."""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "pong_agent"
FORMAT_VERSION = 1
_METADATA = "metadata"  # name of the array that holds the JSON text


class CheckpointError(RuntimeError):
    """A weights file cannot be read or written; the message names the file and the reason."""


@contextmanager
def atomic_replace(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, and rename it once that has succeeded.

    The file is flushed to the disk before the rename, so that under its final name it is either
    the old file or the whole new one. On an exception the temporary file is removed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_replace(Path(folder, "notes.txt")) as temporary:
        ...         _ = temporary.write_text("all or nothing")
        ...     [path.name for path in Path(folder).iterdir()]
        ['notes.txt']
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray[Any, Any]], metadata: Mapping[str, Any]
) -> None:
    """Write arrays and metadata to `path`, complete or not at all.

    Args:
        path: file to write; a file of that name is replaced.
        arrays: name -> array of numbers.
        metadata: what JSON can hold; "format" and "format_version" are added.

    Raises:
        CheckpointError: the file cannot be written.
    """
    text = json.dumps({"format": FORMAT, "format_version": FORMAT_VERSION, **metadata})
    named: dict[str, Any] = {**arrays, _METADATA: np.array(text)}
    try:
        with atomic_replace(path) as temporary, temporary.open("wb") as file:
            # An open file, because for a name NumPy would append ".npz".
            np.savez(file, **named)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error}") from error


def load_arrays(path: str | Path) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    """Read what `save_arrays` wrote; nothing in the file can run.

    Returns:
        The arrays by name, and the metadata.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or of a newer format.
    """
    try:
        with Path(path).open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise CheckpointError(
                    f"{path}: expected a pong_agent weights file (.npz), "
                    "found a truncated or foreign file"
                )
            file.seek(0)
            with np.load(file, allow_pickle=False) as npz:
                arrays = {name: npz[name] for name in npz.files}
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file") from error
    # What zipfile and NumPy raise for damaged or pickled members.
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy gives other members as bytes
            raise CheckpointError(f"{path}: its member {name!r} is not an array")
    return arrays, _pop_metadata(path, arrays)


def _pop_metadata(path: str | Path, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    text = arrays.pop(_METADATA, None)
    if text is None or text.ndim != 0 or text.dtype.kind != "U":
        raise CheckpointError(
            f"{path}: expected a pong_agent weights file, "
            f"found an .npz of {sorted(arrays)} without its metadata"
        )
    try:
        metadata = json.loads(str(text))
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path}: its metadata is not JSON: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: its metadata does not name the format {FORMAT!r}")
    version = metadata.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: expected format version {FORMAT_VERSION}, found {version!r}; "
            "a newer pong_agent may read it"
        )
    return metadata
