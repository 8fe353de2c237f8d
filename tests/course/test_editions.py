import importlib.util
from types import SimpleNamespace

import nbformat
import pytest

from minidit.course import editions
from minidit.course.editions import EDITIONS, edition_of
from minidit.course.source import Code, Lesson, Text

LESSON = Lesson("04_add_noise", (Text("# Lesson 4 · Add noise"), Code("import numpy"), Text("Next: lesson 5.")))


def cells_of(edition="classroom"):
    notebook = edition_of(LESSON, edition, {})
    nbformat.validate(notebook)
    return notebook.cells


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_installs_minidit_stands_folded_behind_the_title(edition):
    title, setup, code, end = cells_of(edition)
    assert (title.source, code.source, end.source) == tuple(cell.text for cell in LESSON.cells)
    assert (setup.id, setup.metadata.jupyter.source_hidden) == ("04-setup", True)


def test_it_is_silent_where_minidit_is(capsys):
    exec(cells_of()[1].source, {})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("found", [None, SimpleNamespace(origin=None)])  # the second: a folder that is called minidit
@pytest.mark.parametrize(
    ("repository", "says"),
    [("", r'-m pip install -e ".\[lessons\]"'), ("anna/dit", r'%pip install "minidit @ git\+https://github.com/anna/dit"')],
)
def test_it_says_how_to_install_minidit_where_it_is_missing(found, repository, says, monkeypatch):
    monkeypatch.setattr(editions, "REPOSITORY", repository)
    setup = next(cell for cell in cells_of() if cell.id == "04-setup")
    assert max(map(len, setup.source.split("\n"))) <= 88
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ModuleNotFoundError, match=says):
        exec(setup.source, {})


def test_a_badge_opens_this_notebook_in_colab_once_there_is_an_address(monkeypatch):
    assert not any("colab.research" in cell.source for cell in cells_of())
    monkeypatch.setattr(editions, "REPOSITORY", "anna/dit")
    badge = cells_of("self_study")[1].source
    assert "research.google.com/github/anna/dit/blob/main/lessons/self_study/04_add_noise.ipynb)" in badge
