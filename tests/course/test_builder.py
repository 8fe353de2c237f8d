"""From one source to three editions: what is in each, what never is, and that building twice gives the same bytes."""

import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from minidit.course import builder
from minidit.course.builder import as_bytes, build_lessons, check_lessons, editions_of, outline
from minidit.course.editions import CLASSROOM, EDITIONS, SELF_STUDY, SOLUTIONS
from minidit.course.source import read_lesson
from minidit.errors import UserError

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_up import EXERCISES, NAME, SOURCE, write_lesson

MEAN_STUB = "def mean_forward(x):\n    # x is (T, D)\n    raise NotImplementedError"
EXECUTED = pytest.mark.usefixtures("made_up_exercises")


@pytest.fixture
def made_up_exercises(monkeypatch):
    """The course has the made-up lesson's exercises and no others."""
    monkeypatch.setattr(builder, "all_exercises", lambda: EXERCISES)


def built(tmp_path, source=SOURCE, executing=False):
    """The editions of a source."""
    folder = write_lesson(tmp_path, source)
    return editions_of(read_lesson(folder / "source" / f"{NAME}.py"), folder, executing, EXERCISES)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The editions of the made-up lesson, the solutions executed."""
    return built(tmp_path_factory.mktemp("executed"), executing=True)


def texts(notebook):
    return {cell.id: cell.source for cell in notebook.cells}


# ------------------------------------------------------------------------------------------- what is in each


def test_student_editions_have_stubs_and_a_check_in_a_cell_of_its_own(executed):
    for edition in (SELF_STUDY, CLASSROOM):
        cells = texts(executed[edition])
        assert cells["mean_forward-answer"] == MEAN_STUB
        assert cells["mean_forward"] == "check.mean_forward(mean_forward)"
        assert "doubled = ...  # your numbers here" in cells["doubled-answer"]


def test_the_solution_is_folded_away_beneath_the_check_for_self_study_alone(executed):
    ids = list(texts(executed[SELF_STUDY]))
    assert ids[ids.index("mean_forward") + 1] == "mean_forward-solution"
    folded = texts(executed[SELF_STUDY])["mean_forward-solution"]
    assert re.fullmatch(r"<details><summary>.*</summary>\n\n```python\n.*\n```\n\n</details>", folded, re.DOTALL)
    assert "return x.sum(axis=0) / T" in folded
    assert "### BEGIN" not in folded
    assert not [identity for identity in texts(executed[CLASSROOM]) if identity.endswith("-solution")]


def test_hints_stay_in_all_editions(executed):
    for edition in EDITIONS:
        every = "\n".join(texts(executed[edition]).values())
        assert "<summary>Shapes pass, numbers don't</summary>Which axis?</details>" in every


def test_the_solutions_keep_nbgraders_markers_and_end_with_the_points(executed):
    cells = texts(executed[SOLUTIONS])
    assert "    ### BEGIN SOLUTION\n    T = x.shape[0]\n    return x.sum(axis=0) / T\n    ### END SOLUTION" in (
        cells["mean_forward-answer"]
    )
    assert cells["mean_forward"].split("\n") == [
        "check.mean_forward(mean_forward)",
        "### BEGIN HIDDEN TESTS",
        'check.points("mean_forward", mean_forward)',
        "### END HIDDEN TESTS",
    ]
    for edition in (SELF_STUDY, CLASSROOM):
        assert not any("HIDDEN" in text or "points" in text for text in texts(executed[edition]).values())


def test_graders_find_the_answer_and_the_points(executed):
    for edition in EDITIONS:
        roles = {cell.id: cell.metadata.nbgrader for cell in executed[edition].cells if "nbgrader" in cell.metadata}
        assert list(roles) == ["doubled-answer", "doubled", "mean_forward-answer", "mean_forward"]
        answer, graded = roles["mean_forward-answer"], roles["mean_forward"]
        assert (answer.solution, answer.grade, answer.locked) == (True, False, False)
        assert (graded.solution, graded.grade, graded.locked, graded.points) == (False, True, True, 4)
        assert {role.schema_version for role in roles.values()} == {3}
        assert [role.grade_id for role in roles.values()] == list(roles)


def test_student_editions_have_no_outputs_and_the_solutions_do(executed):
    for edition in (SELF_STUDY, CLASSROOM):
        code = [cell for cell in executed[edition].cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    outputs = {cell.id: cell.get("outputs") for cell in executed[SOLUTIONS].cells}
    assert outputs["mean_forward"][0].text.startswith("✓ mean_forward: shapes")
    assert len(outputs["mean_forward"]) == 1  # not the points


def test_every_edition_is_a_valid_notebook_with_little_metadata(executed):
    for notebook in executed.values():
        read = nbformat.reads(as_bytes(notebook).decode(), as_version=nbformat.NO_CONVERT)
        nbformat.validate(read)
        assert (read.nbformat, read.nbformat_minor) == (4, 5)
        assert set(read.metadata) == {"kernelspec", "language_info"}
        assert {key for cell in read.cells for key in cell.metadata} <= {
            "nbgrader", "deletable", "editable", "jupyter", "tags",
        }  # fmt: skip


# ----------------------------------------------------------------------------------------------- the same every time


def test_building_again_gives_the_same_bytes(executed, tmp_path):
    again = built(tmp_path, executing=True)
    assert {edition: as_bytes(again[edition]) == as_bytes(executed[edition]) for edition in EDITIONS} == (
        dict.fromkeys(EDITIONS, True)
    )


def test_a_cell_has_the_same_id_in_all_editions(executed):
    common = set(texts(executed[CLASSROOM]))
    for edition in EDITIONS:
        assert common <= set(texts(executed[edition]))


@pytest.mark.parametrize(
    ("old", "new", "others"),
    [
        ("# Means and doubles.", "# Doubles and means.", 1),
        ("    return x.sum(axis=0) / T\n", "    return x.mean(axis=0)\n", 0),
        ("# %% [markdown]\n# ### 42.2", "# %%\ny = 3\n\n# %% [markdown]\n# ### 42.2", 1),
        ("import numpy as np\n", "import numpy as np\n\nx = 1\n", 1),
    ],
)
def test_a_change_in_one_cell_leaves_the_ids_of_the_others(old, new, others, tmp_path):
    before, after = built(tmp_path), built(tmp_path, SOURCE.replace(old, new))
    for edition in EDITIONS:
        assert len(set(texts(after[edition])) - set(texts(before[edition]))) == others
        kept = [identity for identity in texts(after[edition]) if identity in texts(before[edition])]
        assert kept == [identity for identity in texts(before[edition]) if identity in texts(after[edition])]


def test_two_cells_alike_have_ids_of_their_own(tmp_path):
    notebook = built(tmp_path, SOURCE + "\n# %%\nx = 1\n\n# %%\nx = 1\n")[CLASSROOM]
    assert len(set(texts(notebook))) == len(notebook.cells)


# --------------------------------------------------------------------------------------------------- nothing leaks


@pytest.mark.parametrize("edition", [SELF_STUDY, CLASSROOM])
@pytest.mark.parametrize(
    "leak",
    [
        "# %%\ny = lambda x, T: [\n    x.sum(axis=0) / T\n]\nreturn_value = 1\n# return x.sum(axis=0) / T\n",
        "# %% [markdown]\n# It is `return  x.sum(axis=0) / T`, by the way.\n",
        "# %%\nhalf, rest = doubled / 2, 0   # as before\n",
    ],
)
def test_a_solution_that_shows_elsewhere_is_not_built(edition, leak, tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "EDITIONS", (edition,))
    monkeypatch.setattr(builder, "with_points", lambda *_: None)
    with pytest.raises(UserError, match=f"the solution of (mean_forward|doubled) shows in the edition {edition}, in"):
        editions_of(read(tmp_path, SOURCE + "\n" + leak), tmp_path, False, EXERCISES)


def read(tmp_path, source):
    return read_lesson(write_lesson(tmp_path, source) / "source" / f"{NAME}.py")


def test_a_solution_in_a_hint_is_folded_away_for_self_study_and_refused_in_the_classroom(tmp_path):
    hint = "\n# %% [markdown]\n# <details><summary>Stuck</summary>return x.sum(axis=0) / T</details>\n"
    with pytest.raises(UserError, match="shows in the edition classroom"):
        built(tmp_path, SOURCE + hint)


@pytest.mark.parametrize(
    "line", ["T = x.shape[0]", "x, scale = cache", "return y, (x, scale)", "T, D = x.shape", "number = 3"]
)
def test_lines_that_only_hand_values_on_give_nothing_away(line, tmp_path):
    solution = SOURCE.replace("    T = x.shape[0]\n", f"    T = x.shape[0]\n    if False:\n        {line}\n")
    built(tmp_path, solution + f"\n# %%\ndef other(x, cache, y, scale):\n    {line}\n")


# ---------------------------------------------------------------------------------------------------- what can be wrong


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("print(", "1 / 0\nprint(", r"the cell 42-\w+ \(1 / 0\) raised ZeroDivisionError: division by zero"),
        ("np.array([2, 4, 6])", "np.array([2, 4, 7])", "the solution of doubled doesn't pass its check, which says: ✗"),
        ("/ T\n", "/ (T + 1)\n", "the solution of mean_forward doesn't pass its check, which says: ✗"),
        ("print(", "import os\nos._exit(1)\nprint(", "Python itself ended"),
        (
            "print(",
            "from IPython.display import Image, display\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint(",
            "shows a picture without alt text",
        ),
        (
            "from checks import check",
            "import sys\n\nfrom checks import check\n\ncheck.mean_forward = lambda f: sys.stderr.write('!')",
            r"the cell mean_forward \(check.mean_forward\(mean_forward\)\) writes to standard error",
        ),
    ],
)  # fmt: skip
def test_a_lesson_that_does_not_work_is_told_in_one_sentence(old, new, said, tmp_path):
    with pytest.raises(UserError, match=said) as error:
        built(tmp_path, SOURCE.replace(old, new), executing=True)
    assert str(error.value).startswith(f"lesson {NAME}: ")
    assert "\n" not in str(error.value)


def test_a_player_leaves_its_picture_and_not_its_script(tmp_path):
    code = """
from IPython.display import HTML, display
display(HTML('<div><img id="a" alt="It moves." src="data:image/gif;base64,R0=="></div><script>play()</script>'))
print("""
    cells = built(tmp_path, SOURCE.replace("\nprint(", code), executing=True)[SOLUTIONS].cells
    shown = cells[-1].outputs[0].data["text/html"]
    assert shown == '<img id="a" alt="It moves." src="data:image/gif;base64,R0==">'


def test_html_with_a_picture_without_alt_text_is_refused(tmp_path):
    code = "\nfrom IPython.display import HTML, display\ndisplay(HTML('<img src=\"a.png\" alt=\"\">'))\nprint("
    with pytest.raises(UserError, match="shows a picture without alt text"):
        built(tmp_path, SOURCE.replace("\nprint(", code), executing=True)


def test_an_exercise_that_the_course_does_not_have_is_named(tmp_path):
    lesson = read(tmp_path, SOURCE)
    with pytest.raises(UserError, match="no exercise called doubled in minidit.course.exercises"):
        editions_of(lesson, tmp_path, False, {"mean_forward": SimpleNamespace(points=1)})


def test_the_same_exercise_twice_is_refused(tmp_path):
    again = SOURCE[SOURCE.index('# %% exercise="doubled"') :]
    with pytest.raises(UserError, match="two exercises called doubled"):
        built(tmp_path, SOURCE + "\n" + again)


def test_building_does_not_touch_the_progress_of_whoever_builds(tmp_path, own_progress):
    note = "\nfrom minidit.course.progress import progress_file\n\nprogress_file().write_text('x')\nprint("
    cells = built(tmp_path, SOURCE.replace("\nprint(", note), executing=True)[SOLUTIONS].cells
    assert cells[-1].outputs[0].text == "an object <object object>\n"
    assert not own_progress.exists()


# ------------------------------------------------------------------------------------------ files, and comparing them


@EXECUTED
def test_what_was_built_is_written_and_found_to_be_the_same(tmp_path):
    folder = write_lesson(tmp_path)
    written = build_lessons(folder, progress=False)
    assert written == [folder / edition / f"{NAME}.ipynb" for edition in EDITIONS]
    check_lessons(folder, progress=False)
    check_lessons(folder, executing=False, progress=False)


@pytest.fixture
def folder(tmp_path, executed, made_up_exercises):
    """A folder of lessons, built."""
    folder = write_lesson(tmp_path)
    for edition, notebook in executed.items():
        (folder / edition).mkdir()
        (folder / edition / f"{NAME}.ipynb").write_bytes(as_bytes(notebook))
    return folder


def refused(folder, executing=False):
    with pytest.raises(UserError) as error:
        check_lessons(folder, executing=executing, progress=False)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_missing_notebook_is_named(folder):
    (folder / "classroom" / f"{NAME}.ipynb").unlink()
    assert refused(folder) == f"lessons/classroom/{NAME}.ipynb is missing. Build it: minidit build-lessons {NAME}"


def test_a_file_that_is_no_notebook_is_named(folder):
    (folder / "classroom" / f"{NAME}.ipynb").write_text("{}")
    assert f"classroom/{NAME}.ipynb is not a notebook" in refused(folder)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("check.doubled(doubled)", "check.doubled([2, 4, 6])", "in the cell doubled (check.doubled(doubled))"),
        ("Lesson 42", "Lesson 43", "(# Lesson 42 · Made up)"),
        ("mean_forward-answer", "mean_forward-text", "lacks the cell mean_forward-answer"),
        ('"points": 4', '"points": 5', "in the cell mean_forward"),
        ('"display_name": "Python 3 (ipykernel)"', '"display_name": "mine"', "has other outputs or metadata"),
    ],
)
def test_a_notebook_that_was_edited_by_hand_is_named_with_its_cell(edition, old, new, said, folder):
    path = folder / edition / f"{NAME}.ipynb"
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    message = refused(folder)
    assert message.startswith(f"lessons/{edition}/{NAME}.ipynb ")
    assert said in message


def test_outputs_in_a_student_edition_are_found(folder):
    path = folder / "classroom" / f"{NAME}.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace('"execution_count": null', '"execution_count": 7', 1))
    assert "has other outputs" in refused(folder)


def test_words_of_outputs_are_compared_and_their_numbers_are_not(folder):
    path = folder / "solutions" / f"{NAME}.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("✓ doubled: right.", "✓ doubled: yes, right."), encoding="utf-8")
    check_lessons(folder, executing=False, progress=False)
    assert "outputs that its source no longer gives, in the cell doubled " in refused(folder, executing=True)


def test_extremes_of_a_curve_may_lie_elsewhere_where_training_is_cut_short():
    def described(text):
        output = nbformat.v4.new_output("display_data", {"text/plain": text})
        return outline(nbformat.v4.new_code_cell(outputs=[output]))

    whole = described("loss against step. a: from 1.6 at 2 to 0.4 at 60.")
    assert described("loss against step. a: from 1.6 at 2 to 1.2 at 9, lowest 0.8 at 4, highest 2 at 6.") == whole
    assert described("loss against step. a: from 1.18 at 66 to 0.4 at 1.98e+03.") == whole
    assert described("loss against time. a: from 1.6 at 2 to 0.4 at 60.") != whole


def test_a_notebook_without_a_source_is_named(folder):
    shutil.copy(folder / "classroom" / f"{NAME}.ipynb", folder / "classroom" / "41_gone.ipynb")
    assert refused(folder) == "lessons/classroom/41_gone.ipynb no longer has a source. Delete it."


def test_an_unknown_lesson_is_answered_with_the_known_ones(folder):
    with pytest.raises(UserError, match=f'no lesson "43". Choose from: {NAME}'):
        build_lessons(folder, ["43"], progress=False)


def test_without_sources_there_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="there are no lessons in"):
        build_lessons(tmp_path, progress=False)
