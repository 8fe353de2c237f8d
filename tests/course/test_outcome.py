"""What a call brings back: named arrays, or a sentence."""

from types import SimpleNamespace

import numpy as np
import pytest

from minidit import layers
from minidit.course.exercise import Exercise
from minidit.course.outcome import Complaint, argument_names, as_array, call, kind, leaves, named, own_lines, same


def exercise(reference, *outputs):
    return Exercise("made_up", 1, "", outputs, reference, ())


def test_results_get_the_names_of_outputs_and_of_their_parts():
    x = np.ones(2)
    expected = (x, ((x, 2), {"w": x}), (2, 3))
    pairs = named(("y", "cache", "shape"), (x, [(x, 2), {"w": x}], (2, 3)), expected)
    assert [name for name, _ in pairs] == ["y", "cache[0][0]", "cache[0][1]", "cache[1]['w']", "shape[0]", "shape[1]"]


def test_parts_that_hold_no_numbers_have_to_be_the_same():
    assert leaves("c", ("gelu", None), ("gelu", None)) == []
    with pytest.raises(Complaint, match="is 'relu'; expected 'gelu'"):
        leaves("c", ("relu",), ("gelu",))
    with pytest.raises(Complaint, match="is 3; expected None"):
        leaves("c", (3,), (None,))


def test_keys_have_to_be_the_same():
    with pytest.raises(Complaint, match="grads is a dict; expected a dict with the keys 'w', 'b'"):
        leaves("grads", {"w": 1.0}, {"w": 1.0, "b": 2.0})


def test_one_output_may_be_a_tuple_by_itself():
    assert named(("shape",), (2, 3), (2, 3)) == [("shape[0]", 2), ("shape[1]", 3)]
    with pytest.raises(Complaint, match="returned a tuple of 2; expected y by itself"):
        named(("y",), (1.0, 2.0), 1.0)


@pytest.mark.parametrize("value", [[1, 2], (1.0,), [[1], [2, 3]], "1", {1}, None, np.sum, np.array(["a"]), 1j])
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(Complaint, match="^y "):
        as_array("y", value)


def test_a_subclass_comes_as_a_plain_array():
    assert type(as_array("y", np.ma.array([1.0, 2.0]))) is np.ndarray


def test_the_answer_works_on_copies_and_its_changes_are_told_by_its_own_names():
    x = np.ones(3)

    def answer(apple, *pears):
        apple += 1
        pears[0][0] = 5
        return apple

    outcome = call(exercise(lambda x, y, z: x, "y"), answer, (x, x.copy(), x.copy()), x)
    assert outcome.changed == ("apple", "pears[0]")
    assert x.tolist() == [1, 1, 1]


def test_a_function_that_does_not_tell_its_arguments_is_called_all_the_same():
    assert call(exercise(np.multiply, "y"), np.multiply, (2.0, 3.0), 6.0).results == [("y", 6.0)]


def test_defaults_may_be_left_out():
    assert argument_names(lambda x, eps=1e-6: x, lambda x: x, (1.0,)) == ["x"]


def test_numpys_warning_is_kept(recwarn):
    outcome = call(exercise(np.log, "y"), lambda x: np.log(x), (np.zeros(2),), np.zeros(2))
    assert outcome.warned == "divide by zero encountered in log"
    assert not recwarn


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([1.0]), np.array([2.0]), False),
        ((np.ones(2), {"a": np.ones(1)}), (np.ones(2), {"a": np.ones(1)}), True),
        ({"a": np.ones(1)}, {"a": np.zeros(1)}, False),
        ([1.0], [1.0, 2.0], False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (SimpleNamespace(params={"w": np.ones(1)}, cache=1), SimpleNamespace(params={"w": np.ones(1)}, cache=2), True),
        (SimpleNamespace(params={"w": np.ones(1)}), SimpleNamespace(params={"w": np.zeros(1)}), False),
    ],
)
def test_changes_are_found_in_tuples_too(old, new, equal):
    assert same(old, new) is equal


def test_only_the_students_lines_are_shown():
    def answer(x):
        return np.linalg.inv(x)  # the student's

    with pytest.raises(Complaint) as caught:
        call(exercise(lambda x: x, "y"), answer, (np.zeros((2, 2)),), np.zeros((2, 2)))
    assert caught.value.says == "it raised LinAlgError: Singular matrix"
    assert len(caught.value.details) == 1
    assert caught.value.details[0].endswith("return np.linalg.inv(x)  # the student's")
    assert own_lines(ValueError()) == []


def test_only_a_list_is_to_be_made_an_array():
    with pytest.raises(Complaint) as caught:
        as_array("cache[0]", (4, 2))
    assert caught.value.says == "cache[0] is a tuple; expected a NumPy array."
    with pytest.raises(Complaint, match=r"expected a NumPy array\. Put np\.array\(…\) around it\."):
        as_array("y", [4, 2])


def test_an_error_inside_of_minidit_is_about_what_was_passed():
    def answer(x):
        return layers.silu_backward(x, (x, x))

    with pytest.raises(Complaint) as caught:
        call(exercise(lambda x: x, "y"), answer, (np.ones(2),), np.ones(2))
    *_, line, because = caught.value.details
    assert line.endswith("return layers.silu_backward(x, (x, x))")
    assert because == "That came up inside of minidit's silu_backward: what was passed to it doesn't fit."


def test_a_product_that_fails_says_which_sizes_do_not_meet():
    with pytest.raises(Complaint, match=r"it raised ValueError: matmul: the shapes don't meet: size 3 is different"):
        call(exercise(lambda x: x, "y"), lambda x: x @ np.ones(3), (np.ones(2),), 1.0)


def test_a_long_message_is_cut():
    def answer(x):
        raise ValueError("x" * 1000 + "\nsecond line")

    with pytest.raises(Complaint) as caught:
        call(exercise(lambda x: x, "y"), answer, (1.0,), 1.0)
    assert len(caught.value.says) < 250
    assert "second" not in caught.value.says


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "None"), (3, "an int"), ("a", "a str"), (print, "a function"), (np.ones((2, 3)), "an array (2, 3)")],
)
def test_what_something_is_in_words(value, words):
    assert kind(value) == words
