import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from pong_agent.errors import ConfigError
from pong_agent.whole_file import absolute_path, read_text, replacing, temporary_path, write_text


def test_paths_are_resolved_once(tmp_path, monkeypatch):
    """A tilde is the home folder, and a relative path does not follow a change of directory."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert absolute_path("~/runs") == tmp_path / "home" / "runs"
    assert absolute_path("runs") == tmp_path / "runs"


@pytest.mark.parametrize("path", ["", "a\0b", None, 3, b"runs", "~nobody-of-this-name/runs"])
def test_what_is_no_path_is_refused(path):
    """One ConfigError names the argument."""
    with pytest.raises(ConfigError, match=r"^folder: "):
        absolute_path(path, "folder")


def test_a_missing_current_directory_is_told(tmp_path, monkeypatch):
    """A relative path in a deleted directory is an error of this package's."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ConfigError, match="cannot be resolved"):
        absolute_path("runs")


def test_a_failed_block_leaves_the_old_file(tmp_path):
    """The old contents stay, and nothing is left beside them."""
    path = tmp_path / "notes.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text(f"half {1 // 0}")
    assert read_text(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_name_do_not_meet(tmp_path):
    """Temporary names differ within a process, and the last writer's whole file stays."""
    path = tmp_path / "notes.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert read_text(path) == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_long_names_fit(tmp_path):
    """A name of the longest length that file systems take can be written."""
    path = tmp_path / ("a" * 255)
    write_text(path, "text")
    assert read_text(path) == "text"


@pytest.mark.parametrize("exists", [True, False])
def test_symbolic_links_stay(tmp_path, exists):
    """The end of a chain of links is written, on its own disk, also if it does not exist yet."""
    target, middle, link = tmp_path / "disk" / "target", tmp_path / "middle", tmp_path / "link"
    target.parent.mkdir()
    middle.symlink_to("disk/target")
    link.symlink_to(middle)
    if exists:
        write_text(target, "old")
    assert temporary_path(link).parent == target.parent
    write_text(link, "new")
    assert link.is_symlink()
    assert middle.is_symlink()
    assert read_text(target) == "new"


def test_pipes_are_written_into(tmp_path):
    """A named pipe stays one, and its reader gets the contents."""
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "contents")
    reader.join(10)
    assert received == ["contents"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_devices_are_written_into():
    """/dev/null is still a device after a file was written there."""
    write_text("/dev/null", "contents")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_standard_output_is_appended_to(tmp_path, capfd):
    """/dev/stdout continues what was printed, also where it is redirected to a file."""
    sys.stdout.write("before\n")
    write_text("/dev/stdout", "contents\n")
    sys.stdout.write("after\n")
    assert capfd.readouterr().out == "before\ncontents\nafter\n"


def test_permissions_stay(tmp_path):
    """A file that others may write keeps its permissions; a new one follows the umask."""
    path = tmp_path / "shared.json"
    write_text(path, "old")
    path.chmod(0o664)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_folders_that_cannot_be_flushed(tmp_path, monkeypatch, code):
    """File systems without fsync of folders are used; a disk's failure is not passed over."""
    fsync = os.fsync

    def failing(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    if code == errno.EIO:
        with pytest.raises(OSError, match="Input/output"):
            write_text(tmp_path / "notes.txt", "text")
    else:
        write_text(tmp_path / "notes.txt", "text")
        assert read_text(tmp_path / "notes.txt") == "text"


def test_text_is_utf_8(tmp_path):
    """Files are UTF-8 with or without a byte order mark."""
    path = tmp_path / "notes.txt"
    write_text(path, "Spiel: 結果")
    assert path.read_bytes().decode() == "Spiel: 結果"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_text(path) == "Spiel: 結果"
    write_text(path, "weights: " + os.fsdecode(b"w\xe9.npz"))  # hours of work may be in the rest
    assert read_text(path) == r"weights: w\udce9.npz"
