"""Named arrays and JSON metadata in one `.npz`, without pickle.

Such files come from strangers. Nothing in one can run, a member's header is checked before memory
is allocated for it, and all arrays together must match the digest in the metadata.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.lib import format as npy

from pong_agent.errors import PongError
from pong_agent.whole_file import is_stream, replacing

Result = TypeVar("Result")

FORMAT = "pong_agent"
FORMAT_VERSION = 3  # 2 had one dictionary for what acting and what training needs
OLDEST_VERSION = 2
_METADATA = "metadata"  # name of the array that holds the JSON text
_LONGEST_METADATA = 2**20  # characters; a run's are 3,000


class CheckpointError(PongError, RuntimeError):
    """A weights file cannot be read or written; the message names the file and the reason."""


def digest(arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """Return the SHA-256 of arrays: their names, dtypes, shapes and elements.

    Example:
        >>> digest({"a": np.zeros(2)}) == digest({"a": np.zeros(2)})
        True
        >>> digest({"a": np.zeros(2)}) == digest({"b": np.zeros(2)})
        False
    """
    summed = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        summed.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode())
        contiguous = array.T if array.flags.f_contiguous else array  # no copy of either order
        summed.update(np.ascontiguousarray(contiguous).view(np.uint8).data)
    return summed.hexdigest()


def save_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray[Any, Any]], metadata: Mapping[str, Any]
) -> None:
    """Write arrays and metadata to `path`, complete or not at all.

    Args:
        path: file to write; a file of that name is replaced.
        arrays: name -> array of numbers.
        metadata: values that JSON can hold; "format", "format_version" and "digest" are added.

    Raises:
        CheckpointError: the file cannot be written.
    """
    header = {"format": FORMAT, "format_version": FORMAT_VERSION, "digest": digest(arrays)}
    text = json.dumps({**metadata, **header})
    named: dict[str, Any] = {**arrays, _METADATA: np.array(text)}
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            # An open file, because for a name NumPy would append ".npz".
            np.savez(file, **named)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error}") from error


def load_arrays(path: str | Path) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    """Read what `save_arrays` wrote; nothing in the file can run.

    It takes the memory that the arrays need, which is never more than the file's own size.

    Returns:
        The arrays by name, and the metadata.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or of another format.
    """
    return _opened(path, _read)


def load_metadata(path: str | Path) -> dict[str, Any]:
    """Read the metadata alone, without the arrays; may raise CheckpointError as `load_arrays`."""
    return _opened(path, lambda file: _read(file, metadata_only=True)[1])


def _opened(path: str | Path, read: Callable[[IO[bytes]], Result]) -> Result:
    try:
        if is_stream(path):  # it could have no end
            raise _UnfitError("expected a file, found a device or a pipe")
        with Path(path).open("rb") as file:
            return read(file)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file") from error
    except _UnfitError as error:
        raise CheckpointError(f"{path}: {error}") from error
    # zipfile and NumPy raise a dozen kinds of errors for damaged files.
    except Exception as error:
        raise CheckpointError(f"{path}: cannot be read: {error!r}") from error


class _UnfitError(ValueError):
    """A file is invalid; the message says why."""


def _read(
    file: IO[bytes], *, metadata_only: bool = False
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    if not zipfile.is_zipfile(file):
        raise _UnfitError(
            "expected a pong_agent weights file (.npz), found a truncated or foreign file"
        )
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        if _METADATA not in names:
            raise _UnfitError(
                f"expected a pong_agent weights file, found an archive of {sorted(names)[:9]} "
                "without its metadata"
            )
        if len(set(names)) < len(names):
            raise _UnfitError("found two members of one name")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise _UnfitError("expected members that are not compressed, found others")
        # Members may be made to overlap, and to be together larger than the file.
        if sum(member.file_size for member in members) > file.seek(0, os.SEEK_END):
            raise _UnfitError("its members claim more bytes than the file has")
        ordered = sorted(zip(names, members, strict=True), key=lambda one: one[0] != _METADATA)
        metadata: dict[str, Any] = {}
        arrays = {}
        for name, member in ordered:
            array = _read_member(archive, member, name)
            if name == _METADATA:
                metadata = _checked_metadata(array)
                if metadata_only:
                    return {}, metadata
            else:
                arrays[name] = array
    if digest(arrays) != metadata["digest"]:
        raise _UnfitError("its arrays do not match its digest: it was damaged")
    return arrays, metadata


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str
) -> np.ndarray[Any, Any]:
    """Read one array, after checking that it is one and as large as its member."""
    with archive.open(member) as stream:
        if stream.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
            raise _UnfitError(f"its member {name!r} is not an array")
        stream.seek(0)
        version = npy.read_magic(stream)
        if version != (1, 0):
            raise _UnfitError(f"its member {name!r} has a header of version {version}")
        shape, _, dtype = npy.read_array_header_1_0(stream)
        kinds = "U" if name == _METADATA else "biuf"
        if dtype.kind not in kinds:
            raise _UnfitError(f"its member {name!r}: expected numbers, found {dtype}")
        if any(side < 0 for side in shape):
            raise _UnfitError(f"its member {name!r} has the shape {shape}")
        n_bytes = dtype.itemsize
        for side in shape:
            n_bytes *= side
        if stream.tell() + n_bytes != member.file_size:
            raise _UnfitError(f"its member {name!r} is not as large as its shape says")
        if name == _METADATA and (shape != () or n_bytes > 4 * _LONGEST_METADATA):
            raise _UnfitError(f"expected metadata of one text, found {dtype} of shape {shape}")
        stream.seek(0)
        return npy.read_array(stream, allow_pickle=False)


def _checked_metadata(text: np.ndarray[Any, Any]) -> dict[str, Any]:
    try:
        metadata = json.loads(str(text))
    except json.JSONDecodeError as error:
        raise _UnfitError(f"its metadata is not JSON: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise _UnfitError(f"its metadata does not name the format {FORMAT!r}")
    version = metadata.get("format_version")
    if type(version) is not int or not OLDEST_VERSION <= version <= FORMAT_VERSION:
        newer = type(version) is int and version > FORMAT_VERSION
        raise _UnfitError(
            f"expected format version {OLDEST_VERSION} to {FORMAT_VERSION}, found {version!r}; "
            f"{'a newer' if newer else 'an older'} pong_agent may read it"
        )
    if not isinstance(metadata.get("digest"), str):
        raise _UnfitError("its metadata names no digest")
    return metadata
