"""The spreadsheet says what NumPy says, before and after its numbers were changed; LibreOffice does the calculating."""

import io
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from openpyxl.utils import range_boundaries

from minidit import worksheet
from minidit.errors import UserError
from minidit.figures import draw_figures, spreadsheet, worksheet_xlsx
from minidit.figures.board import PRINTED
from minidit.figures.spreadsheet import RIGHT, WRONG, Sheet, area, each, product, row_sums
from minidit.figures.worksheet_xlsx import BY_HAND, COLUMNS, GIVEN, ROWS, SOLVED, workbook
from minidit.worksheet import STEPS, WEIGHTS, Gradients, Weights, Worksheet, solve

FILE = Path(__file__).parents[2] / "figures" / worksheet_xlsx.FILE
SHARED = {  # functions that LibreOffice, Excel and Google Sheets have, without an array among their results
    "ABS", "COUNTIF", "HLOOKUP", "IF", "INT", "ISBLANK", "ISNUMBER", "MAX", "MOD", "SUM", "SUMSQ", "SUMXMY2",
}  # fmt: skip
SOFFICE = shutil.which("soffice")
needs_office = pytest.mark.skipif(not SOFFICE, reason="needs LibreOffice: apt-get install libreoffice-calc-nogui")


def opened(data, values=False):
    """The file, with its formulas or with the values that are stored beside them."""
    return openpyxl.load_workbook(io.BytesIO(data), data_only=values)


def cells(page, columns=COLUMNS):
    """What stands in a sheet's cells, hidden ones only if asked for: address -> value."""
    rows = page.iter_rows(max_col=columns)
    return {cell.coordinate: cell.value for row in rows for cell in row if cell.value is not None}


def blanks(page):
    return [cell.coordinate for row in page.iter_rows(max_col=COLUMNS) for cell in row if not cell.protection.locked]


@pytest.fixture(scope="module")
def data():
    return workbook()


@pytest.fixture(scope="module")
def stored(data):
    return opened(data, values=True)


@pytest.fixture(scope="module")
def formulas(data):
    return opened(data)


@pytest.fixture(scope="module")
def placed(data):
    """All calls of Sheet.matrix: (sheet, name, values, look, formulas, addresses)."""
    calls, original = [], Sheet.matrix

    def noted(self, name, values, row, column, look="result", formulas=None, *rest, **more):
        places = original(self, name, values, row, column, look, formulas, *rest, **more)
        calls.append((self.name, name, values, look, formulas, places))
        return places

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sheet, "matrix", noted)
        assert workbook() == data
    return calls


# ------------------------------------------------------------------------------------------------ what is on it


def test_every_matrix_of_the_worksheet_is_solved(placed):
    s, shown = solve(), [values for name, _, values, *_ in placed if name == SOLVED]
    elsewhere = {"weights", "gradients", "prompt", "t", "learning_rate", "text", "time", "scale", "shift"}
    elsewhere |= {"perfect_denoised", "perfect_as_told"}  # within the formulas of the frames
    wanted = {field.name: getattr(s, field.name) for field in fields(Worksheet) if field.name not in elsewhere}
    wanted |= {f"frame {i}": frame for i, frame in enumerate((*s.generated, *s.perfect_video, *s.as_told_video))}
    wanted |= {f"weight {field.name}": getattr(s.weights, field.name) for field in fields(Weights)}
    wanted |= {f"gradient {field.name}": getattr(s.gradients, field.name) for field in fields(Gradients)}
    for name, value in wanted.items():
        value = np.atleast_2d(value)
        if value.ndim == 2:
            assert any(value.shape == other.shape and (value == other).all() for other in shown), name


@pytest.mark.parametrize("name", [BY_HAND, SOLVED])
def test_all_fourteen_steps_are_there(stored, name):
    found = [str(value) for value in cells(stored[name]).values()]
    for number, title in enumerate(STEPS, start=1):
        assert str(number) in found and any(text.startswith(title) for text in found)


def test_every_number_of_the_solved_sheet_is_a_formula(formulas):
    typed = [value for value in cells(formulas[SOLVED], None).values() if not isinstance(value, str)]
    assert sorted(typed) == list(range(1, 15))  # of the steps


def test_only_the_given_numbers_are_taken_from_the_given_sheet_and_they_are_all_used(formulas, placed):
    used = {place for text in cells(formulas[SOLVED]).values() for place in re.findall(r"Given!(\w+)", str(text))}
    given = {place for name, _, _, _, _, places in placed if name == GIVEN for place in places.ravel()}
    ranges = {"Z6", "AB7"}  # of the words, looked up
    words = {place for name, title, _, _, _, places in placed if name == GIVEN and title in ("words", "")
             for place in places.ravel()}  # fmt: skip
    assert used - ranges == given - words
    assert ranges <= words


def test_formulas_are_plain_and_every_program_knows_their_functions(formulas):
    text = [value for page in formulas for value in cells(page, None).values() if str(value).startswith("=")]
    assert all(isinstance(formula, str) for formula in text)  # no array formula
    bare = [re.sub(r'"[^"]*"', "", formula) for formula in text]
    assert {name for formula in bare for name in re.findall(r"([A-Z]\w*)\(", formula)} == SHARED
    assert not any(sign in formula for formula in bare for sign in "{};@#")


def test_a_formula_reads_as_the_arithmetic_does(formulas):
    page = formulas[SOLVED]
    assert page["J19"].value == "=B19*J12+C19*J13+D19*J14+E19*J15+H19"
    assert page["J22"].value == "=MAX(0,J19)"


def test_what_a_viewer_shows_that_does_not_calculate_is_right(stored, placed):
    for name, _, values, look, _, places in placed:
        for place, value in zip(places.ravel(), values.ravel(), strict=True):
            if name != BY_HAND or look in PRINTED:
                assert stored[name][place].value == (value if isinstance(value, str) else pytest.approx(float(value)))


def test_the_sheet_to_fill_in_gives_nothing_away(data, formulas, stored, placed):
    empty = blanks(formulas[BY_HAND])
    assert len(empty) == len(set(empty)) == 307
    assert all(formulas[BY_HAND][place].value is None for place in empty)
    given = [values.ravel() for name, _, values, look, _, _ in placed if name == BY_HAND and look in PRINTED]
    given = Counter(np.concatenate(given).astype(float).tolist())
    shown = Counter(float(value) for value in cells(stored[BY_HAND]).values() if not isinstance(value, str))
    assert shown == given + Counter(range(1, 15))
    hidden = {value for value in cells(stored[BY_HAND], None).values() if value not in cells(stored[BY_HAND]).values()}
    assert hidden <= {0}
    comments = [cell for page in formulas for row in page.iter_rows() for cell in row if cell.comment]
    assert comments == []


def test_the_two_sheets_have_the_same_layout(placed):
    by_hand = [(name, area(places)) for page, name, _, _, _, places in placed if page == BY_HAND]
    solved = [(name, area(places)) for page, name, _, _, _, places in placed if page == SOLVED]
    assert [entry for entry in solved if entry not in by_hand] == [
        ("with the actual noise", "P32:S33"), ("with the actual noise", "U32:X33"),
        ("as told", "P35:S36"), ("as told", "U35:X36"),
    ]  # fmt: skip   # frames to compare with, of which no step depends


def test_no_matrix_lies_on_another_and_no_text_is_cut(formulas, placed):
    for name in (BY_HAND, GIVEN, SOLVED):
        places = [place for page, _, _, _, _, found in placed if page == name for place in found.ravel()]
        assert len(places) == len(set(places))
        page = formulas[name]
        for row in page.iter_rows(max_col=COLUMNS):
            texts = [cell for cell in row if isinstance(cell.value, str) and not cell.value.startswith("=")]
            for cell, following in zip(texts, texts[1:], strict=False):
                room = sum(width(page, column) for column in range(cell.column, following.column))
                assert len(cell.value) * 4.6 < room, (name, cell.coordinate, cell.value)  # pixels, of 8 or 9 points


def width(page, column):
    """Of a column, in pixels."""
    found = [d.width for d in page.column_dimensions.values() if d.min <= column <= d.max]
    return 7 * found[0]  # stored in digits of the default font


@pytest.mark.parametrize("name", [BY_HAND, GIVEN, SOLVED])
def test_a_sheet_fits_a_screen_of_1280_pixels_and_prints_on_one_page_of_a3(formulas, name):
    page = formulas[name]
    assert sum(width(page, column) for column in range(1, COLUMNS + 1)) < 1280 - 60  # row numbers and scroll bar
    assert page.page_setup.paperSize == 8  # A3
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert (page.page_setup.fitToWidth or 1, page.page_setup.fitToHeight or 1) == (1, 1)
    left, top, right, bottom = range_boundaries(page.print_area.replace("$", "").rpartition("!")[2])
    assert (left, top, right) == (1, 1, COLUMNS)
    assert bottom >= max(int(re.sub(r"\D", "", place)) for place in cells(page))


def test_the_looks_are_those_of_the_page_to_print(formulas, placed):
    for name, _, _, look, _, places in placed:
        ground = spreadsheet.LOOKS[look][0]
        shown = formulas[name][places[0, 0]].fill.fgColor.rgb
        assert shown == f"FF{ground.removeprefix('#')}".replace("white", "FFFFFF")


# ------------------------------------------------------------------------------------------------------ the file


def test_the_same_numbers_give_the_same_bytes(data):
    assert workbook() == data
    assert workbook(solve(t=2)) != data


def test_the_file_in_the_folder_of_figures_is_what_the_code_makes(data):
    committed = FILE.read_bytes()
    for name in (BY_HAND, GIVEN, SOLVED):
        for values in (False, True):
            found, made = opened(committed, values)[name], opened(data, values)[name]
            assert cells(found, None) == cells(made, None), "run `minidit figures worksheet`"
        assert looks(found) == looks(made), "run `minidit figures worksheet`"


def looks(page):
    """How a sheet looks and what it refuses, as far as no release of XlsxWriter may change it."""
    look = {
        cell.coordinate: (cell.fill.fgColor.rgb, cell.font.b, cell.font.sz, cell.number_format, cell.protection.locked)
        for row in page.iter_rows() for cell in row
    }  # fmt: skip
    look |= {str(rules.sqref): [rule.formula for rule in rules.rules] for rules in page.conditional_formatting}
    look |= {f"list {rule.sqref}": rule.formula1 for rule in page.data_validations.dataValidation}
    return look | {letter: column.width for letter, column in page.column_dimensions.items()}


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(spreadsheet, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"worksheet.xlsx: spreadsheets need XlsxWriter.*minidit\[figures\]"):
        workbook()
    with pytest.raises(UserError, match="need XlsxWriter"):
        draw_figures(["worksheet"], tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


def test_words_and_t_are_chosen_from_lists(formulas):
    rules = {str(rule.sqref): rule for rule in formulas[GIVEN].data_validations.dataValidation}
    assert rules["B10:D10"].formula1 == "$Z$6:$AB$6"
    assert rules["J10"].formula1 == '"0,1,2,3"'
    assert (rules["Z18"].formula1, rules["Z18"].formula2) == ("0.001", "1")  # the learning rate


# ------------------------------------------------------------------------------------------- formulas of matrices


def test_formulas_of_matrices():
    a, b = np.array([["A1", "B1"], ["A2", "B2"]], object), np.array([["D1"], ["D2"]], object)
    assert product(a, b).tolist() == [["A1*D1+B1*D2"], ["A2*D1+B2*D2"]]
    assert product(b.T, a).tolist() == [["D1*A1+D2*A2", "D1*B1+D2*B2"]]
    assert each("{}-{}", a, b).tolist() == [["A1-D1", "B1-D1"], ["A2-D2", "B2-D2"]]
    assert row_sums(a).tolist() == [["SUM(A1:B1)"], ["SUM(A2:B2)"]]
    assert (area(a), area(a, absolute=True), area(b[:1])) == ("A1:B2", "$A$1:$B$2", "D1")
    assert area(each("Given!{}", a)) == "Given!A1:B2"


# ---------------------------------------------------------------------------------------------- as it calculates


def changed(rng):
    """The worksheet solved from other numbers."""
    draw = {field.name: rng.integers(-3, 4, getattr(WEIGHTS, field.name).shape) for field in fields(Weights)}
    return solve(
        video=rng.integers(0, 10, (2, 2, 4)), prompt=" ".join(rng.choice(list(worksheet.WORDS), 3)),
        t=int(rng.integers(4)), noise=rng.integers(-4, 5, (2, 4)), weights=replace(WEIGHTS, **draw),
        learning_rate=Fraction(int(rng.integers(5, 100)), 4096),
    )  # fmt: skip


def with_given(data, other):
    """The file, with the given numbers of another typed in."""
    book = opened(data)
    for place, value in cells(opened(other)[GIVEN]).items():
        if not str(book[GIVEN][place].value).startswith("="):
            book[GIVEN][place].value = value
    return book


def fill_in(book, answers, change=lambda value: value):
    for place in blanks(book[BY_HAND]):
        book[BY_HAND][place].value = change(answers[place].value)
    return book


@pytest.fixture(scope="module")
def calculated(data, stored, tmp_path_factory):
    """What LibreOffice makes of the file after it was changed: name -> (file of values, its page as HTML, expected)."""
    rng, folder = np.random.default_rng(18), tmp_path_factory.mktemp("spreadsheet")
    cases = {f"changed {i}": workbook(changed(rng)) for i in range(8)}
    with pytest.MonkeyPatch.context() as patch:
        words = {"cat": 2, "on": -3, "mat": 1}
        patch.setattr(worksheet, "WORDS", words)
        patch.setattr(worksheet_xlsx, "WORDS", words)
        cases["words"] = workbook(changed(rng))
    books = {name: with_given(data, other) for name, other in cases.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worksheet_xlsx, "row_sums", lambda matrix: matrix[:, :1])
        books["slip"], cases["slip"] = with_given(workbook(), cases["changed 0"]), cases["changed 0"]
    cases |= dict.fromkeys(("right", "rounded", "wrong", "text", "near"), data)
    solved = stored[SOLVED]
    books["right"] = fill_in(opened(data), solved)
    books["rounded"] = fill_in(opened(data), solved, lambda value: round(value, 3))
    books["wrong"] = fill_in(opened(data), solved, lambda value: value + 1)
    books["text"] = fill_in(opened(data), solved, lambda value: f"{value} or so")
    books["near"] = fill_in(opened(data), solved, lambda value: value - 0.001)
    cases["then changed"] = cases["changed 0"]
    books["then changed"] = fill_in(with_given(data, cases["changed 0"]), solved)
    for name, book in books.items():
        book.save(folder / f"{name}.xlsx")
    for kind in ("xlsx", "html"):
        command = [SOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
        command += ["--convert-to", kind, "--outdir", folder / kind, *folder.glob("*.xlsx")]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return {
        name: (
            openpyxl.load_workbook(folder / "xlsx" / f"{name}.xlsx", data_only=True),
            (folder / "html" / f"{name}.html").read_text(encoding="utf-8"),
            opened(cases[name], values=True),
        )
        for name in books
    }


def differences(found, expected):
    wrong = {}
    for place, value in expected.items():
        same = found.get(place) == value if isinstance(value, str) else found.get(place) == pytest.approx(value, 1e-9)
        if not same:
            wrong[place] = found.get(place), value
    return wrong


@needs_office
@pytest.mark.parametrize("name", [*(f"changed {i}" for i in range(8)), "words"])
def test_after_any_change_every_cell_is_what_numpy_computes(calculated, stored, name):
    found, _, expected = calculated[name]
    solved = cells(expected[SOLVED])
    assert differences(cells(found[SOLVED]), solved) == {}
    assert len(differences(cells(stored[SOLVED]), solved)) > 250  # else it would show nothing
    assert differences(cells(found[BY_HAND]), {p: v for p, v in cells(expected[BY_HAND]).items() if v != ""}) == {}


@needs_office
def test_a_wrong_formula_is_found(calculated):
    found, _, expected = calculated["slip"]
    wrong = differences(cells(found[SOLVED]), cells(expected[SOLVED]))
    assert {"V47", "V48", "V50", "V51", "AD73", "AD74"} <= set(wrong)  # of dscale, dshift and db
    assert not {"P50", "J73", "Z73"} & set(wrong)  # what does not depend on these


def verdicts(page):
    """How many of the blanks have which, and how many of the steps: 2 where all of it is right."""
    beside = COLUMNS + 2
    steps = [
        page.cell(cell.row, cell.column + beside).value for row in page.iter_rows(max_row=ROWS, max_col=COLUMNS)
        for cell in row if cell.value in range(1, 15) and cell.font.color and cell.font.color.rgb == "FFFFFFFF"
    ]  # fmt: skip
    return Counter(page[place].offset(0, beside).value for place in blanks(page)), Counter(steps)


@needs_office
@pytest.mark.parametrize(
    ("name", "verdict", "step", "color"),
    [
        ("right", 1, 2, RIGHT), ("rounded", 1, 2, RIGHT),
        ("wrong", -1, 0, WRONG), ("text", -1, 0, WRONG), ("near", -1, 0, WRONG),
        ("changed 0", 0, 0, None),
    ],
)  # fmt: skip
def test_what_is_filled_in_turns_green_where_it_is_right_and_red_elsewhere(calculated, name, verdict, step, color):
    book, page, _ = calculated[name]
    blank, steps = verdicts(book[BY_HAND])
    assert blank == {verdict: 307}
    assert steps == {step: 13, None: 1}  # the first has no blanks
    assert book[BY_HAND]["P1"].value == f"{307 if verdict == 1 else 0} of 307 right"
    for shade in (RIGHT, WRONG):
        assert page.count(f'bgcolor="{shade}"') == (307 if shade == color else 0) + warned(page, shade)


def warned(page, shade):
    """How many numbers of the given noise are told to be too large."""
    return 0 if shade == RIGHT else page.split("<table", 3)[2].count(f'bgcolor="{shade}"')


@needs_office
def test_copies_follow_what_was_filled_in(calculated, formulas, stored):
    kept = cells(formulas[BY_HAND])  # all but blanks
    solved = {place: value for place, value in cells(stored[SOLVED]).items() if place in kept and value != kept[place]}
    numbers = {place: value for place, value in solved.items() if not isinstance(value, str)}
    assert len(numbers) > 100
    assert differences(cells(calculated["right"][0][BY_HAND]), numbers) == {}
    assert "P9" not in cells(calculated["changed 0"][0][BY_HAND])  # a copy of blanks


@needs_office
def test_what_was_filled_in_stays_when_given_numbers_change(calculated, stored):
    book, _, expected = calculated["then changed"]
    answers = {place: stored[SOLVED][place].value for place in blanks(book[BY_HAND])}
    assert len(answers) == 307
    assert differences(cells(book[BY_HAND]), answers) == {}
    still = sum(abs(value - expected[SOLVED][place].value) < 1e-9 for place, value in answers.items())
    assert verdicts(book[BY_HAND])[0] == {1: still, -1: 307 - still}
    assert 0 < still < 100
