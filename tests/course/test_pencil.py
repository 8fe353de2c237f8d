"""Numbers that were typed in: which entry is off, and not what it should be."""

import numpy as np
import pytest

from minidit.course.engine import examine
from minidit.course.exercise import Numbers, Slip
from minidit.course.report import NOT_STARTED, WRONG

RIGHT = [[1, 2, 3], [4, 5, 7]]
MATRIX = Numbers(
    "step",
    2,
    "",
    lambda: np.array(RIGHT),
    explain=lambda index: f"Row {index[0]} comes from frame {index[0]}.",
    slips=(
        Slip("frame by frame", lambda: np.array([[1, 4, 2], [5, 3, 7]]), "it runs down the columns", "Read on."),
        Slip("one row", lambda: np.array([1, 2, 3]), "the second frame is missing", "There are two."),
    ),
)
NUMBER = Numbers("loss", 11, "", lambda: 6)


@pytest.mark.parametrize(
    "answer",
    [RIGHT, ((1, 2, 3), (4, 5, 7)), np.array(RIGHT), np.array(RIGHT, np.float32), [np.array(r) for r in RIGHT]],
)
def test_the_right_numbers_pass_in_any_form(answer):
    assert str(examine(MATRIX, answer)) == "✓ step: right."


@pytest.mark.parametrize("answer", [6, 6.0, np.int64(6), np.array(6)])
def test_a_single_number(answer):
    assert examine(NUMBER, answer).passed


@pytest.mark.parametrize("answer", [..., None, [[1, 2, ...], [4, 5, 7]], [..., ...], ([1, None, 3], [4, 5, 7])])
def test_what_is_still_open_is_not_wrong(answer):
    assert examine(MATRIX, answer).verdict == NOT_STARTED


@pytest.mark.parametrize(
    ("answer", "says", "slip"),
    [
        ([[1, 2, 3], [4, 5, 6]], "the entry at [1, 2] is not 6.\n  Row 1 comes from frame 1.", "off by 1"),
        ([[1, 2, 4], [4, 5, 6]], "the entry at [0, 2] is not 4; 2 of 6 entries are off.", "off by 1"),
        ([[1, 4, 2], [5, 3, 7]], "not yet: it runs down the columns.", "frame by frame"),
        ([1, 2, 3], "you have a row of 3; expected 2 × 3 numbers: the second frame is missing.", "one row"),
        (np.array(RIGHT).T, "you have 3 × 2 numbers; expected 2 × 3 numbers: rows and columns", "missing transpose"),
        (-np.array(RIGHT), "Every sign is reversed.", "sign"),
        (2 * np.array(RIGHT), "Every number is 2 times what it should be.", "constant factor"),
        ([[7, 5, 4], [3, 2, 1]], "The numbers are right, but in other places.", "wrong places"),
        (5, "you have a single number; expected 2 × 3 numbers.", "other number of entries"),
        (np.ones((1, 2, 3)), "you have shape (1, 2, 3); expected 2 × 3 numbers.", "other number of entries"),
        ([[1, 2], [3]], "the rows are of different lengths, or not all entries are numbers.", None),
        ([["a", 2, 3], [4, 5, 7]], "not all entries are numbers.", None),
        ("1 2 3", "this is a str; expected numbers, such as [[1, 2], [3, 4]].", None),
        (sum, "this is a function; expected numbers", None),
        ({1: 2}, "this is a dict; expected numbers", None),
        (np.array(RIGHT, object), "your answer holds values of type object; expected numbers.", "not an array"),
        (np.array(RIGHT) * 1j, "your answer holds values of type complex128; expected numbers.", "not an array"),
        ([[np.nan, 2, 3], [4, 5, 7]], "the entry at [0, 0] is not nan.", None),
        ([[10**400, 2, 3], [4, 5, 7]], "not all entries are numbers.", None),
    ],
)
def test_wrong_numbers_get_a_sentence(answer, says, slip):
    report = examine(MATRIX, answer)
    assert report.verdict == WRONG
    assert says in str(report)
    assert report.slip == slip


def test_the_right_number_is_never_given_away():
    secret = Numbers("secret", 1, "", lambda: np.array([[12345, 2], [3, 4]]))
    for answer in ([[1, 2], [3, 4]], [[1, 2]], 7, [[-12, 2], [3, 4]]):
        assert "12345" not in str(examine(secret, answer))
    assert "the number is not 5." in str(examine(NUMBER, 5))


UPSIDE_DOWN = Slip("upside down", lambda: np.array([[4], [2], [1]]), "it is upside down", "Turn it round.")
COLUMN = Numbers("column", 6, "", lambda: np.array([[1], [2], [4]]), slips=(UPSIDE_DOWN,))
ROW = Numbers("row", 5, "", lambda: np.array([1, 2, 4]))


@pytest.mark.parametrize("exercise", [COLUMN, ROW])
@pytest.mark.parametrize("answer", [[1, 2, 4], [[1, 2, 4]], [[1], [2], [4]], np.array([[1.0], [2], [4]])])
def test_a_vector_may_lie_or_stand(exercise, answer):
    assert examine(exercise, answer).passed


def test_the_slip_of_a_vector_is_found_either_way():
    assert examine(COLUMN, [4, 2, 1]).slip == examine(COLUMN, [[4], [2], [1]]).slip == "upside down"
    assert examine(ROW, [1, 2]).slip == "other number of entries"


@pytest.mark.parametrize(
    ("answer", "slip", "says"),
    [
        ([[-1, 2, 3], [4, 5, 7]], "sign of an entry", "Is the sign right there?"),
        ([[1, 2, 3], [4, 0, 0]], "zeros", "Can it really be 0 there?"),
        ([[1, 2, 3, 4, 5, 7]], "another shape", "you have 1 × 6 numbers; expected 2 × 3 numbers: the numbers are"),
    ],
)
def test_what_is_off_in_an_entry_is_asked(answer, slip, says):
    report = examine(MATRIX, answer)
    assert report.slip == slip
    assert says in str(report)


def test_whole_numbers_in_place_of_fractions():
    thirds = Numbers("thirds", 1, "", lambda: np.array([1 / 3, 4 / 3, 2]))
    assert examine(thirds, [0, 1, 2]).slip == "cut off"
    assert examine(thirds, [0.333333333, 1.33333333, 2]).passed
    assert "the entry at [0] is not 0.333;" in str(examine(thirds, [0.333, 1.333, 2]))
