"""Damaged and hostile weights files."""

import io
import json
import pickle
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from faults.report import Report
from pong_agent.agent import PongAgent
from pong_agent.config import PRESETS, ReinforceConfig
from pong_agent.weights_file.archive import (
    FORMAT,
    FORMAT_VERSION,
    CheckpointError,
    digest,
    load_arrays,
)

Arrays = dict[str, Any]
Metadata = dict[str, Any]


def small_file(path: Path, hidden_units: int = 1) -> PongAgent:
    """Write a weights file of `reinforce`, 13 kB for each hidden unit, and return its agent."""
    preset = PRESETS["reinforce"]
    assert isinstance(preset, ReinforceConfig)  # noqa: S101  # for the type checker
    agent = PongAgent(replace(preset, hidden_units=hidden_units), seed=0)
    agent.export(path, {})
    return PongAgent.load(path)


def load_wrong(path: Path, agent: PongAgent) -> str | None:
    """Load a file; return what is wrong, None for a `CheckpointError` or the same weights."""
    return _load(path, agent)[1]


def _load(path: Path, agent: PongAgent) -> tuple[bool, str | None]:
    """Return whether a file was refused, and what is wrong otherwise."""
    try:
        loaded = PongAgent.load(path)
    except CheckpointError:
        return True, None
    except BaseException as error:  # noqa: BLE001  # any other kind is a failure
        return False, f"{type(error).__name__}: {error}"
    same = loaded.parameters.keys() == agent.parameters.keys() and all(
        np.array_equal(array, agent.parameters[name]) for name, array in loaded.parameters.items()
    )
    return False, None if same else "other weights were loaded"


def flip_bits(folder: Path, bits: Callable[[int], Iterator[int]]) -> Report:
    """Flip single bits of a small file, one at a time.

    Args:
        folder: where to write it.
        bits: from the number of bits in the file, those to flip.
    """
    path, report = folder / "w.npz", Report("bits flipped")
    agent = small_file(path)
    content = path.read_bytes()
    for bit in bits(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        wrong = load_wrong(path, agent)
        report.count(None if wrong is None else f"bit {bit}: {wrong}")
    return report


def truncate(folder: Path, lengths: Callable[[int], Iterator[int]]) -> Report:
    """Cut a small file off after each of some lengths, which follow from its size."""
    path, report = folder / "w.npz", Report("files cut off")
    agent = small_file(path)
    content = path.read_bytes()
    for length in lengths(len(content)):
        path.write_bytes(content[:length])
        wrong = load_wrong(path, agent)
        report.count(None if wrong is None else f"{length} bytes: {wrong}")
    return report


def hostile_files(folder: Path, number: int, seed: int) -> Report:
    """Load hostile files.

    Each must be refused or have the weights of the file it was made from, must take less than three
    times the model's memory, and no code in it may run.

    Args:
        folder: where to write them, one after the other.
        number: number of files.
        seed: seed of their contents.
    """
    path, report = folder / "w.npz", Report("hostile files")
    agent = small_file(path, hidden_units=20)  # its size dwarfs what reading any file takes
    original = path.read_bytes()
    arrays, metadata = load_arrays(path)
    marker = folder / "it-ran"
    generator = np.random.default_rng(seed)
    model = sum(array.nbytes for array in agent.parameters.values())
    highest, refused = 0, 0
    for index in range(number):
        kind = _KINDS[index % len(_KINDS)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile's about duplicate names
            path.write_bytes(kind(generator, dict(arrays), dict(metadata), original, marker))
        tracemalloc.start()
        was_refused, wrong = _load(path, agent)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        highest = max(highest, peak)
        if wrong is None and peak > 3 * model:
            wrong = f"{peak} bytes of memory, the model has {model}"
        if wrong is None and marker.exists():
            marker.unlink()
            wrong = "code in it ran"
        refused += was_refused
        report.count(None if wrong is None else f"file {index} ({kind.__name__[1:]}): {wrong}")
    report.remarks.append(
        f"{refused} refused, {number - refused} with the same weights; at most {highest / 1e3:.0f}"
        f" kB of memory for a model of {model / 1e3:.0f} kB"
    )
    return report


class _Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self._marker,)


def _file(arrays: Arrays, metadata: Metadata, *, honest: bool = True, **options: Any) -> bytes:
    """Return a file as `save_arrays` writes it, with the right digest if honest."""
    numbers = {name: one for name, one in arrays.items() if one.dtype != object}
    header = {"format": FORMAT, "format_version": FORMAT_VERSION}
    text = json.dumps({**metadata, **header, "digest": digest(numbers) if honest else "0" * 64})
    stream = io.BytesIO()
    save = np.savez_compressed if options.get("compressed") else np.savez
    save(stream, **{**arrays, "metadata": np.array(text)})
    return stream.getvalue()


def _any_name(generator: np.random.Generator, arrays: Arrays) -> str:
    return sorted(arrays)[generator.integers(len(arrays))]


def _renamed(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    name = _any_name(generator, arrays)
    arrays[name[: generator.integers(len(name))] + generator.choice(["", "x", "/..", "\0"])] = (
        arrays.pop(name)
    )
    return _file(arrays, metadata)


def _missing(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    del arrays[_any_name(generator, arrays)]
    return _file(arrays, metadata, honest=bool(generator.integers(2)))


def _duplicated(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    stream = io.BytesIO(_file(arrays, metadata))
    with zipfile.ZipFile(stream, "a") as archive:
        name = generator.choice([*arrays, "metadata"])
        archive.writestr(f"{name}.npy", archive.read(f"{generator.choice(list(arrays))}.npy"))
    return stream.getvalue()


def _wrong_dtype(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    name = _any_name(generator, arrays)
    dtype = generator.choice(["f8", "f4", ">f2", "i2", "?", "c8", "S2", "U1", "M8[s]", "V2"])
    values = np.zeros(arrays[name].shape, np.float64)
    arrays[name] = values.astype("S2").view("V2") if dtype == "V2" else values.astype(dtype)
    return _file(arrays, metadata)


def _wrong_shape(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    name = _any_name(generator, arrays)
    shape = tuple(generator.integers(0, 4, size=generator.integers(0, 5)).tolist())
    arrays[name] = np.zeros(shape, arrays[name].dtype)
    return _file(arrays, metadata)


def _not_finite(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    name = _any_name(generator, arrays)
    arrays[name] = arrays[name].copy()
    arrays[name].flat[generator.integers(arrays[name].size)] = generator.choice(
        [np.nan, np.inf, -np.inf]
    )
    return _file(arrays, metadata)


def _huge(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    """Claim a huge shape in the header of an array or in the policy."""
    if generator.integers(2):
        units = int(10 ** generator.integers(3, 18))
        return _file(arrays, {**metadata, "policy": {**metadata["policy"], "hidden_units": units}})
    header = {
        "descr": "<f2",
        "fortran_order": True,
        "shape": tuple((10 ** generator.integers(2, 12, size=2)).tolist()),
    }
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, header)
    stream = io.BytesIO(_file({}, metadata, honest=False))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("float16/W1.npy", member.getvalue() + bytes(generator.integers(999)))
    return stream.getvalue()


def _bomb(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    """Compress 16 MB of zeros to 16 kB."""
    arrays[_any_name(generator, arrays)] = np.zeros(2**23, np.float16)
    return _file(arrays, metadata, compressed=True)


def _objects(generator: Any, arrays: Arrays, metadata: Metadata, _: Any, marker: Path) -> bytes:
    arrays[_any_name(generator, arrays)] = np.array([_Payload(marker)], dtype=object)
    return _file(arrays, metadata)


def _pickled(
    generator: Any, arrays: Arrays, metadata: Metadata, original: bytes, marker: Path
) -> bytes:
    """Be a pickle, or contain one as an array, as the metadata or after the end."""
    harm = pickle.dumps(_Payload(marker), protocol=int(generator.integers(6)))
    place = generator.integers(4)
    if place == 0:
        return harm
    if place == 1:
        return original + harm
    stream = io.BytesIO()
    replaced = _any_name(generator, arrays) if place == 2 else "metadata"
    honest = io.BytesIO(_file(arrays, metadata))
    with zipfile.ZipFile(honest) as whole, zipfile.ZipFile(stream, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, harm if name == f"{replaced}.npy" else whole.read(name))
    return stream.getvalue()


def _other_metadata(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    """Replace any value of the metadata."""
    values = json.loads(json.dumps(metadata))
    inner: Any = values
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = keys[generator.integers(len(keys))]
        if isinstance(inner[key], dict | list) and inner[key] and generator.integers(4):
            inner = inner[key]
            continue
        inner[key] = _JUNK[generator.integers(len(_JUNK))]
        return _file(arrays, values)


def _deep_metadata(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    """Nest the metadata too deeply for any parser."""
    depth = int(generator.integers(900, 99_999))
    text = json.dumps({**metadata, "format": FORMAT, "format_version": FORMAT_VERSION})
    text = text[:-1] + ', "policy": ' + "[" * depth + "]" * depth + "}"
    stream = io.BytesIO()
    np.savez(stream, **{**arrays, "metadata": np.array(text)})
    return stream.getvalue()


def _another_version(generator: Any, arrays: Arrays, metadata: Metadata, *_: Any) -> bytes:
    stream = io.BytesIO()
    version = [0, 1, 4, 99, -1, "2", 2.5, None, [2], True][generator.integers(10)]
    text = json.dumps({**metadata, "format": FORMAT, "format_version": version, "digest": ""})
    np.savez(stream, **{**arrays, "metadata": np.array(text)})
    return stream.getvalue()


def _spliced(
    generator: Any, arrays: Arrays, metadata: Metadata, original: bytes, marker: Path
) -> bytes:
    """Replace, repeat or overwrite parts of a real file."""
    del arrays, metadata, marker
    content = bytearray(original)
    for _ in range(generator.integers(1, 4)):
        start, other = sorted(generator.integers(len(content), size=2).tolist())
        length = int(generator.integers(1, 300))
        piece = [content[other : other + length], b"", generator.bytes(length)]
        content[start : start + length] = piece[generator.integers(3)]
    return bytes(content)


_JUNK: list[Any] = [
    None, True, -1, 0, 10**30, 1e308, -1e-308, float("nan"), float("inf"), "", "x" * 9999, "1",
    [], [[]], [None] * 9, {}, {"a": {}}, "ppo", "reinforce", "\ud800", [1.5] * 31,
]  # fmt: skip
_KINDS = (
    _renamed, _missing, _duplicated, _wrong_dtype, _wrong_shape, _not_finite, _huge, _bomb,
    _objects, _pickled, _other_metadata, _deep_metadata, _another_version, _spliced,
    _other_metadata, _spliced,
)  # fmt: skip
