"""Folders and archives as strangers make them."""

import io
import os
import stat
import zipfile

import pytest

from minidit.course.grading import archives
from minidit.course.grading.archives import Unreadable, decoded, files_of, readable
from minidit.errors import UserError


def zipped(**files):
    """The bytes of a zip file; a name's dots are given as they are."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def seen(path, **options):
    files, _, left_out = files_of(path, **options)
    return {file.path: file.read() for file in files}, dict(left_out)


def test_files_of_a_folder_and_of_the_archives_in_it(tmp_path):
    (tmp_path / "ada" / "deep").mkdir(parents=True)
    (tmp_path / "ada" / "deep" / "a.ipynb").write_bytes(b"1")
    inner = zipped(**{"b.ipynb": b"2"})
    (tmp_path / "bob.zip").write_bytes(zipped(**{"x/b.zip": inner, "x/c.ipynb": b"3"}))
    expected = {"ada/deep/a.ipynb": b"1", "bob.zip/x/b.zip/b.ipynb": b"2", "bob.zip/x/c.ipynb": b"3"}
    assert seen(tmp_path) == (expected, {})
    whole = tmp_path / "whole.ZIP"
    whole.write_bytes(zipped(**{"ada/a.ipynb": b"1"}))
    assert seen(whole) == ({"ada/a.ipynb": b"1"}, {})
    assert ("ada",) in files_of(tmp_path)[1]


def test_what_is_left_out_is_said(tmp_path):
    for folder in (".ipynb_checkpoints", "__MACOSX", "kept"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.ipynb").write_bytes(b"1")
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "kept" / "a.ipynb")
    (tmp_path / "folder").symlink_to(tmp_path / "kept")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "ours.csv").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.ipynb")
    member = zipfile.ZipInfo("link.ipynb")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    (tmp_path / "z.zip").write_bytes(
        zipped(**{"__MACOSX/._a.ipynb": b"", "x/.ipynb_checkpoints/a.ipynb": b"", "a": b"1"})
    )
    with zipfile.ZipFile(tmp_path / "z.zip", "a") as archive:
        archive.writestr(member, "/etc/passwd")
    files, left_out = seen(tmp_path, ignored=[tmp_path / "ours.csv"])
    assert files == {"kept/a.ipynb": b"1", "z.zip/a": b"1"}
    assert left_out == {
        ".ipynb_checkpoints": archives.NOBODYS, "__MACOSX": archives.NOBODYS, "link.ipynb": "a link",
        "folder": "a link", "broken.zip": "is not a zip file, or was cut off", "pipe.ipynb": "not a file",
        "z.zip/__MACOSX": archives.NOBODYS, "z.zip/x/.ipynb_checkpoints": archives.NOBODYS,
        "z.zip/link.ipynb": "a link",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/a.ipynb", "etc/a.ipynb"), ("/etc/a.ipynb", "etc/a.ipynb"), ("C:\\x\\a.ipynb", "x/a.ipynb"),
        ("x\\..\\a.ipynb", "x/a.ipynb"), ("./a.ipynb", "a.ipynb"), ("a\x1b[31m.ipynb", "a [31m.ipynb"),
    ],
)  # fmt: skip
def test_names_in_an_archive_lead_nowhere(tmp_path, name, path):
    (tmp_path / "a.zip").write_bytes(zipped(**{name: b"1"}))
    assert seen(tmp_path / "a.zip") == ({path: b"1"}, {})
    assert list(tmp_path.iterdir()) == [tmp_path / "a.zip"]


def test_what_is_read_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 1000)
    (tmp_path / "large.ipynb").write_bytes(bytes(1001))
    (tmp_path / "bomb.zip").write_bytes(zipped(**{"large.ipynb": bytes(10**6)}))
    for file in files_of(tmp_path)[0]:
        with pytest.raises(Unreadable, match="is larger than 0 MB"):
            file.read()
    monkeypatch.setattr(archives, "MOST", 1500)
    (tmp_path / "many.zip").write_bytes(zipped(**{f"{i}": bytes(900) for i in range(2)}))
    first, second = files_of(tmp_path / "many.zip")[0]
    assert len(first.read()) == 900
    with pytest.raises(Unreadable, match="holds too much"):
        second.read()
    nested = b""
    for _ in range(6):
        nested = zipped(**{"x.zip": nested or zipped(a=b"")})
    (tmp_path / "nested.zip").write_bytes(nested)
    assert "is an archive in too many others" in seen(tmp_path / "nested.zip")[1].values()
    monkeypatch.setattr(archives, "MOST_FILES", 1)
    with pytest.raises(UserError, match="holds too many files"):
        files_of(tmp_path / "many.zip")


def test_an_archive_may_lie_about_itself_or_be_damaged(tmp_path):
    data = bytearray(zipped(**{"a.ipynb": bytes(range(256))}))
    data[100:110] = bytes(10)
    (tmp_path / "a.zip").write_bytes(data)
    (file,) = files_of(tmp_path / "a.zip")[0]
    with pytest.raises(Unreadable, match="can't be unpacked"):
        file.read()


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp1252"])
@pytest.mark.parametrize("name", ["Zoë Müller", "André", "Jürgen Größe", "Ada"])
def test_names_in_any_encoding_are_read(encoding, name, tmp_path):
    data = name.encode(encoding)
    assert decoded(data) == name
    try:
        os.mkdir(os.path.join(os.fsencode(tmp_path), data))
    except OSError:  # macOS takes none but UTF-8
        return
    assert [readable(one) for one in os.listdir(tmp_path)] == [name]
    os.rmdir(os.path.join(os.fsencode(tmp_path), data))
    marked = zipped(**{"x" * len(data): b"1"}).replace(b"x" * len(data), data)  # without the mark of UTF-8
    (tmp_path / "a.zip").write_bytes(marked)
    assert seen(tmp_path / "a.zip") == ({name: b"1"}, {})


def test_what_is_not_there_or_no_archive_is_said(tmp_path):
    (tmp_path / "file.txt").write_bytes(b"")
    for path, says in (("no", "there is no folder or zip file"), ("file.txt", "there is no folder or zip file")):
        with pytest.raises(UserError, match=says):
            files_of(tmp_path / path)
    (tmp_path / "a.zip").write_bytes(b"x")
    with pytest.raises(UserError, match="a.zip is not a zip file, or was cut off"):
        files_of(tmp_path / "a.zip")
