import sys
from pathlib import Path

import pytest

from minidit.cli import main
from minidit.course import builder

sys.path.append(str(Path(__file__).parents[1] / "course"))  # the tests are not a package
from made_up import EXERCISES, NAME, SOURCE, write_lesson


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Lessons to build: the folder beneath the one that the command runs in."""
    monkeypatch.setattr(builder, "all_exercises", lambda: EXERCISES)
    monkeypatch.chdir(tmp_path)
    return write_lesson(tmp_path)


def test_all_three_editions_are_written_and_named(folder, capsys):
    assert main(["build-lessons", "--no-execute"]) == 0
    written = [folder / edition / f"{NAME}.ipynb" for edition in ("self_study", "classroom", "solutions")]
    assert all(path.is_file() for path in written)
    assert capsys.readouterr().out.split("\n") == [*map(str, written), ""]


def test_a_lesson_is_chosen_by_its_number(folder):
    (folder / "source" / "07_other.py").write_text("# %% [markdown]\n# # Lesson 7 · Other\n")
    assert main(["build-lessons", "--no-execute", "7"]) == 0
    assert [path.name for path in (folder / "classroom").iterdir()] == ["07_other.ipynb"]


def test_check_writes_nothing_and_answers_a_difference_with_one_line_and_status_2(folder, capsys):
    assert main(["build-lessons", "--check", "--no-execute"]) == 2
    assert not (folder / "classroom").exists()
    assert main(["build-lessons", "--no-execute"]) == 0
    assert main(["build-lessons", "--check", "--no-execute"]) == 0
    capsys.readouterr()
    (folder / "source" / f"{NAME}.py").write_text(SOURCE.replace("Means and doubles", "Means"))
    before = (folder / "classroom" / f"{NAME}.ipynb").read_bytes()
    assert main(["build-lessons", "--check", "--no-execute"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"lessons/self_study/{NAME}.ipynb lacks the cell" in err
    assert (folder / "classroom" / f"{NAME}.ipynb").read_bytes() == before


def test_a_lesson_that_fails_leaves_its_notebooks_as_they_were(folder, capsys):
    assert main(["build-lessons"]) == 0
    before = (folder / "classroom" / f"{NAME}.ipynb").read_bytes()
    (folder / "source" / f"{NAME}.py").write_text(SOURCE + "\n# %%\nundefined\n")
    assert main(["build-lessons"]) == 2
    assert "raised NameError: name 'undefined' is not defined" in capsys.readouterr().err
    assert (folder / "classroom" / f"{NAME}.ipynb").read_bytes() == before


def test_without_jupytext_one_sentence_says_how_to_get_it(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupytext", None)  # as if not installed
    assert main(["build-lessons"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "pip install 'minidit[lessons]'" in err
