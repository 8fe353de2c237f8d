import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minidit.cli import main
from minidit.commands import lessons
from minidit.files import places

CLONE = Path(__file__).parents[2]


@pytest.fixture
def launched(monkeypatch):
    """Stands in for JupyterLab, and notes what it is started with."""
    calls = []
    application = SimpleNamespace(LabApp=SimpleNamespace(launch_instance=calls.append))
    monkeypatch.setitem(sys.modules, "jupyterlab", SimpleNamespace(labapp=application))
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", application)
    return calls


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with lessons that are not built yet."""
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "README.md").write_text("# Lessons", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_jupyterlab_opens_on_the_first_lesson_for_self_study(launched, clone):
    (clone / "lessons" / "self_study").mkdir()
    for name in ("01_second", "00_first"):
        (clone / "lessons" / "self_study" / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    assert main(["lessons"]) == 0
    assert launched == [[str(clone / "lessons"), "--LabApp.default_url=/lab/tree/self_study/00_first.ipynb"]]


def test_before_the_lessons_are_built_jupyterlab_opens_on_the_front_page(launched, clone):
    assert main(["lessons"]) == 0
    assert launched == [[str(clone / "lessons"), "--LabApp.default_url=/lab/tree/README.md"]]


def test_this_clone_has_a_first_lesson():
    assert lessons.first_page(CLONE / "lessons") == "self_study/00_start_here.ipynb"


def test_options_after_two_hyphens_are_jupyterlabs(launched, monkeypatch):
    monkeypatch.chdir(CLONE)
    assert main(["lessons", "--", "--no-browser", "--port", "9999"]) == 0
    assert launched[0][2:] == ["--no-browser", "--port", "9999"]


def test_without_jupyterlab_one_sentence_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)  # as if not installed
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert main(["lessons"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "pip install 'minidit[lessons]'" in err


def test_outside_a_clone_one_sentence_says_where_to_be(launched, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "site-packages" / "minidit")
    assert main(["lessons"]) == 2
    assert "in a clone of minidit's repository" in capsys.readouterr().err
    assert launched == []
