"""Two arrays are equal up to rounding; their kinds of numbers count where the function makes them."""

import numpy as np
import pytest

from minidit.course.comparing import close, errors, is_off
from minidit.course.engine import examine
from minidit.course.exercise import Exercise, by_hand


@pytest.mark.parametrize(
    ("got", "right", "off"),
    [
        (np.ones(3), np.ones(3), ""),
        (np.ones(3), np.ones((3, 1)), "shape"),
        (np.array([1, 1e9 + 5]), np.array([1.0, 1e9]), ""),
        (np.array([1 + 1e-5, 1e9]), np.array([1.0, 1e9]), ""),  # relative to the largest
        (np.array([1 + 1e-5, 1.0]), np.array([1.0, 1.0]), "values"),
        (np.array([1 + 1e-5, 1.0], np.float32), np.array([1.0, 1.0], np.float32), ""),
        (np.array([1e-16]), np.array([0.0]), ""),
        (np.array([np.nan, 1]), np.array([np.nan, 1]), ""),
        (np.array([np.nan, 1]), np.array([1.0, 1]), "values"),
        (np.array([np.inf, 1]), np.array([np.inf, 1]), ""),
        (np.array([-np.inf, 1]), np.array([np.inf, 1]), "values"),
        (np.array([True, False]), np.array([1, 0]), ""),
    ],
)
def test_what_is_off(got, right, off):
    assert is_off(got, right) == off
    assert close(got, right) == (off == "")


def test_how_far_off_is_relative_to_the_largest_number():
    assert errors(np.array([1.0, 9.0]), np.array([2.0, 10.0])).tolist() == [0.1, 0.1]
    assert close(1.001, 1.0, 1e-2) and not close(1.001, 1.0, 1e-4)


def doubled(x):
    return 2 * x


DOUBLED = Exercise("doubled", 1, "twice", ("y",), doubled, (by_hand(np.array([1.0, 2.0, 4.0])),), fresh=True)

AS_BYTES = Exercise("bytes", 1, "", ("y",), lambda x: x.round().astype(np.uint8), (by_hand(np.array([1.2, 3.7])),))
POSITIVE = Exercise("positive", 1, "", ("y", "cache"), lambda x: (x, (x > 0,)), (by_hand(np.array([1.2, -3.7])),))
PLACES = Exercise("places", 1, "", ("y",), lambda text: np.array([text.find(c) for c in "ab"]), (by_hand("cba"),))
KEEPS_IDS = Exercise("keeps", 1, "", ("y",), lambda ids: ids[::-1] + 0, (by_hand(np.array([2, 5])),))


@pytest.mark.parametrize(
    ("exercise", "answer", "slip"),
    [
        (AS_BYTES, lambda x: x.round().astype("uint8"), None),
        (AS_BYTES, lambda x: x.round(), "another dtype than asked for"),
        (AS_BYTES, lambda x: x.round().astype(int), "another dtype than asked for"),
        (POSITIVE, lambda x: (x, (x > 0,)), None),
        (POSITIVE, lambda x: (x, ((x > 0) * 1.0,)), "another dtype than asked for"),
        (POSITIVE, lambda x: (x, ((x > 0) * 1,)), "another dtype than asked for"),
        (PLACES, lambda text: np.array([2, 1], np.int8), None),
        (PLACES, lambda text: np.array([2.0, 1.0]), None),
        (KEEPS_IDS, lambda ids: ids[::-1] * 1.0, None),
        (DOUBLED, lambda x: np.array([2, 4, 8]), None),
        (DOUBLED, lambda x: np.float32(2) * x.astype(np.float32), "another dtype than the inputs"),
    ],
)
def test_a_kind_of_numbers_is_asked_for_where_the_reference_makes_it(exercise, answer, slip):
    report = examine(exercise, answer)
    assert report.slip == slip, report
    assert report.passed == (slip is None)
