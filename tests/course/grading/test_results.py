import csv
import io
import unicodedata

import pytest

from minidit.course.grading.results import COLUMNS, Grade, Sheet, as_csv, harmless, lessons_in_csv, table

PASSED = Grade("07", "modulate_forward", "7.2 Scale and shift", 1.0, 1, "passed", "shapes.")
HALF = Grade("07", "modulate_backward", "7.4 Scale and shift, backward", 0.5, 1, "wrong", "dx is off.", ("line 1: x",))
FORMULAS = [
    "=1+1", "  =1+1", "\t=1+1", "\xa0=1+1", "\u200b=1+1", "\ufeff=1+1", "＝1+1", "　＝1+1", "+1", "＋1", "-1", "－1",
    "@SUM(A1)", "＠SUM(A1)", "\r=1+1", "\n=1+1", "﹦1+1", "a;=1+1", "a; =1+1", "a\t=1+1", "a\n=1+1",
]  # fmt: skip


def cells_as_spreadsheets_read_them(data, separator):
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator)
    return [part.strip('"') for row in rows for cell in row for part in cell.splitlines()]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_takes_no_text_for_a_formula(text):
    """In no column, with no separator, with whatever it passes over."""
    one = Grade(text, text, text, 1.0, 1, text, text, (), text)
    data = as_csv([Sheet(text, text, (one,), {text: text})])
    for separator in ",;\t":
        for cell in cells_as_spreadsheets_read_them(data, separator):
            seen = [c for c in cell if c.isprintable() and not c.isspace()]
            assert not seen or unicodedata.normalize("NFKC", seen[0])[0] not in "=+-@", (separator, cell)


@pytest.mark.parametrize(
    "text", ["Ada Lovelace", "O'Hara", "Jean-Luc", "x = 1", "got [1, -2]; expected 3", "", "é", "李"]
)
def test_other_text_stays_as_it_is(text):
    assert harmless(text) == text


def test_the_csv_has_a_row_for_each_exercise_and_any_name():
    rows = list(
        csv.DictReader(
            io.StringIO(as_csv([Sheet("Zoë\udcff", "42", (PASSED, HALF), {"07": "x.ipynb"})]).decode("utf-8-sig"))
        )
    )
    assert tuple(rows[0]) == COLUMNS
    assert [row["title"] for row in rows] == ["7.2 Scale and shift", "7.4 Scale and shift, backward"]
    assert {(row["student"], row["id"], row["notebook"]) for row in rows} == {("Zoë?", "42", "x.ipynb")}
    assert [row["points"] for row in rows] == ["1", "0.5"]
    assert {(row["student_points"], row["student_of"]) for row in rows} == {("1.5", "2")}


def test_a_csv_tells_whose_grades_it_has():
    sheets = [Sheet("=ada", "", (PASSED, HALF), {}), Sheet("zoë", "", (HALF,), {})]
    assert lessons_in_csv(as_csv(sheets)) == {("'=ada", "07"), ("zoë", "07")}


def test_the_table_has_a_line_for_each_student_and_the_mean():
    lines = table([Sheet("ada", "", (PASSED, HALF), {}), Sheet("zoë", "", (HALF, HALF), {})]).splitlines()
    assert lines[0].split() == ["student", "07", "all"]
    assert lines[1].split() == ["ada", "1.5", "1.5"]
    assert lines[3].split() == ["mean", "1.25", "1.25"]
    assert lines[4].split() == ["of", "2", "2"]
