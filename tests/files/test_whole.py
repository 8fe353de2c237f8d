import errno
import os

import pytest

from minidit.errors import UserError
from minidit.files.whole import write_whole


def test_what_is_written_is_there_and_replaces_what_was(tmp_path):
    path = tmp_path / "file"
    for data in (b"first", b"", b"third, longer"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(function, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(UserError, match=r"can't write .*file: No space left on device\. Choose another place"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_in_the_middle_of_a_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("no_such_folder/file", "there is no folder .*no_such_folder. Make it, or choose another"),
        ("a_file/file", "Choose another place, or make the folder writable"),
        ("x" * 300, "Choose another place, or make the folder writable"),
    ],
)
def test_a_place_that_cannot_be_written_is_a_users_error(place, advice, tmp_path):
    (tmp_path / "a_file").write_bytes(b"mine")
    with pytest.raises(UserError, match=f"can't write .*{advice}"):
        write_whole(tmp_path / place, b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]
    assert (tmp_path / "a_file").read_bytes() == b"mine"
