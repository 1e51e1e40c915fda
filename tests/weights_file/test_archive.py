import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from pong_agent import CheckpointError, PongAgent
from pong_agent.weights_file.archive import load_arrays, save_arrays
from pong_agent.whole_file import replacing

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b/c": np.zeros(0, np.int64)}


def test_arrays_and_metadata_come_back(tmp_path):
    """What is saved is loaded, names, dtypes and memory order included."""
    arrays = {**ARRAYS, "fortran": np.asfortranarray(np.eye(3)[:2])}
    save_arrays(tmp_path / "w.npz", arrays, {"n": 2**100, "s": "é"})
    loaded, metadata = load_arrays(tmp_path / "w.npz")
    assert set(loaded) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert loaded["fortran"].flags.f_contiguous
    assert (metadata["n"], metadata["s"]) == (2**100, "é")


def test_a_name_without_npz_is_kept(tmp_path):
    """The file has exactly the name that was given."""
    save_arrays(tmp_path / "weights", ARRAYS, {})
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """An exception while writing keeps the file as it was and leaves nothing beside it."""
    path = tmp_path / "file"
    path.write_text("old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("half of the new")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        write_half()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_one_error(tmp_path):
    """Writing to a full device gives a CheckpointError that names the file."""
    (tmp_path / "w.npz").symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match=r"w\.npz: cannot be written: .*No space left"):
        PongAgent("reinforce").save(tmp_path / "w.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_an_unwritable_folder_is_one_error(tmp_path):
    """A folder that does not exist, or is a file, is named."""
    (tmp_path / "file").touch()
    for folder in ("file", "missing"):
        with pytest.raises(CheckpointError, match=rf"{folder}/w\.npz: cannot be written"):
            save_arrays(tmp_path / folder / "w.npz", ARRAYS, {})


def npy(path, array):
    with path.open("wb") as file:
        np.save(file, array)


def npz(path, **arrays):
    np.savez(path, **arrays)


def zipped(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata", content)


def metadata(**values):
    return np.array(
        json.dumps({"format": "pong_agent", "format_version": 3, "digest": "", **values})
    )


FOREIGN = {
    "no file": (lambda path: None, "no such file"),
    "an empty file": (lambda path: path.write_bytes(b""), "truncated or foreign file"),
    "a text": (lambda path: path.write_text("hello" * 100), "truncated or foreign file"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps({"W1": 0})), "truncated or foreign"),
    "a single array": (lambda path: npy(path, np.eye(3)), "truncated or foreign"),
    "somebody's .npz": (lambda path: npz(path, w=np.eye(3)), "without its metadata"),
    "a zip": (lambda path: zipped(path, b"x"), "its member 'metadata' is not an array"),
    "objects": (
        lambda path: npz(path, metadata=metadata(), w=np.array([{}], object)),
        "its member 'w': expected numbers, found object",
    ),
    "metadata that is no JSON": (lambda path: npz(path, metadata=np.array("{")), "is not JSON"),
    "another format": (
        lambda path: npz(path, metadata=np.array('{"format": "x"}')),
        "does not name the format",
    ),
    "a newer format": (
        lambda path: npz(path, metadata=metadata(format_version=4)),
        "expected format version 2 to 3, found 4; a newer pong_agent may read it",
    ),
    "an older format": (
        lambda path: npz(path, metadata=metadata(format_version=1)),
        "expected format version 2 to 3, found 1; an older pong_agent may read it",
    ),
    "no configuration": (
        lambda path: save_arrays(path, ARRAYS, {}),
        r"not a valid agent: KeyError\('policy'\)",
    ),
    "no digest": (lambda path: npz(path, metadata=metadata(digest=None)), "names no digest"),
    "another digest": (
        lambda path: npz(path, metadata=metadata(), w=np.eye(3)),
        "do not match its digest: it was damaged",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_files_are_refused(tmp_path, case):
    """Each gives one CheckpointError that names the file and the reason."""
    write, message = FOREIGN[case]
    path = tmp_path / "w.npz"
    write(path)
    with pytest.raises(CheckpointError, match=rf"w\.npz: .*({message})"):
        PongAgent.load(path)


def test_a_pipe_is_refused_at_once(tmp_path):
    """Reading one would wait for a writer."""
    os.mkfifo(tmp_path / "w.npz")
    with pytest.raises(CheckpointError, match="expected a file, found a device or a pipe"):
        load_arrays(tmp_path / "w.npz")


def test_truncated_files_are_refused(tmp_path):
    """A weights file cut anywhere is refused, at 30 places from its first byte to its last."""
    path = tmp_path / "w.npz"
    PongAgent("reinforce").save(path)
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 30, dtype=int):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"w\.npz"):
            PongAgent.load(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("parameters/W1", lambda array: array[:, :100], r"W1: expected .*\(200, 6400\), found"),
        ("parameters/W2", lambda array: array.astype(np.float32), "expected float64 .* float32"),
        ("parameters/W2", lambda array: array * np.nan, "W2: expected finite numbers"),
        ("optimizer/W2", lambda array: array[1:], r"W2: expected .*\(200,\), found"),
        ("optimizer/W2", None, r"expected arrays named \['W1', 'W2'\], found \['W1'\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, name, change, message):
    """A missing array, a wrong shape or dtype and a NaN are each named."""
    path = tmp_path / "w.npz"
    PongAgent("reinforce").save(path)
    arrays, metadata = load_arrays(path)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    save_arrays(path, arrays, metadata)
    with pytest.raises(CheckpointError, match=rf"w\.npz: not a valid agent: .*{message}"):
        PongAgent.load(path)
