from pathlib import Path

import minidit
from minidit.files import places
from minidit.files.places import PACKAGE, in_clone


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
