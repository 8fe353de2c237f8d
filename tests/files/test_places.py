import errno
import os
from pathlib import Path

import pytest

import minidit
from minidit.errors import UserError
from minidit.files import places
from minidit.files.places import PACKAGE, exists, in_clone, is_file, is_folder


def test_the_package_is_where_python_found_it():
    assert Path(minidit.__file__).parent == PACKAGE


def test_a_clone_is_this_folder_or_the_one_around_the_package_or_none(tmp_path, monkeypatch):
    here, package = tmp_path / "here", tmp_path / "clone" / "minidit"
    for folder in (here, package):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(places, "PACKAGE", package)
    assert in_clone("lessons") is None
    (package.parent / "lessons").mkdir()
    assert in_clone("lessons") == package.parent / "lessons"
    (here / "lessons").mkdir()
    assert in_clone("lessons") == here / "lessons"


def test_what_there_is_at_a_path(tmp_path):
    (tmp_path / "file").touch()
    assert [exists(tmp_path / name) for name in ("", "file", "none", "file/none")] == [True, True, False, False]
    assert is_folder(tmp_path) and not is_folder(tmp_path / "file") and not is_folder(tmp_path / "none")
    assert is_file(tmp_path / "file") and not is_file(tmp_path) and not is_file(tmp_path / "none")
    assert not is_file(os.devnull)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_name_that_nothing_can_have_is_a_user_error(name, tmp_path):
    with pytest.raises(UserError, match="can't use .*Give another name"):
        exists(tmp_path / name)


def use_what_is_named(name):
    """Every function of the package that looks whether there is a file of a user's."""
    from minidit.commands.bench import check_output
    from minidit.commands.making import check_outputs
    from minidit.files.reading_clips import read_clip, read_image
    from minidit.files.reading_masks import read_mask
    from minidit.generation.film import read_script
    from minidit.generation.studio import load

    return {
        "read_clip": lambda: read_clip(name),
        "read_image": lambda: read_image(name),
        "read_mask": lambda: read_mask(name, (8, 32, 32, 3)),
        "read_script": lambda: read_script(name),
        "load": lambda: load(name),
        "check_output": lambda: check_output(name, False),
        "check_outputs": lambda: check_outputs([name], False),
    }


@pytest.mark.parametrize("function", use_what_is_named(None))
def test_a_folder_that_may_not_be_searched_is_a_user_error(function, tmp_path, monkeypatch):
    locked, stat = tmp_path / "locked", os.stat

    def denied(path, *args, **options):  # root may search any folder
        if Path(path).is_relative_to(locked):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", denied)
    with pytest.raises(UserError, match="can't use .*locked.*: a folder on the way there may not be searched"):
        use_what_is_named(locked / "a.gif")[function]()
