import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minidit.cli import main
from minidit.commands import lessons

CLONE = Path(__file__).parents[2]


@pytest.fixture
def launched(monkeypatch):
    """Stands in for JupyterLab, and notes what it is started with."""
    calls = []
    application = SimpleNamespace(LabApp=SimpleNamespace(launch_instance=calls.append))
    monkeypatch.setitem(sys.modules, "jupyterlab", SimpleNamespace(labapp=application))
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", application)
    return calls


def test_jupyterlab_opens_on_the_first_page(launched, monkeypatch):
    monkeypatch.chdir(CLONE)
    assert main(["lessons"]) == 0
    assert launched == [[str(CLONE / "lessons"), "--LabApp.default_url=/lab/tree/README.md"]]


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
    monkeypatch.setattr(lessons.minidit, "__file__", str(tmp_path / "site-packages" / "minidit" / "__init__.py"))
    assert main(["lessons"]) == 2
    assert "in a clone of minidit's repository" in capsys.readouterr().err
    assert launched == []
