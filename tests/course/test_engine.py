"""Right answers pass whatever they look like; wrong ones are told what is wrong, in the order of the stages."""

import gc
import sys
import threading
import time

import numpy as np
import pytest

from minidit.course import engine
from minidit.course.engine import examine
from minidit.course.exercise import (
    LEADING,
    SEEDS,
    Exercise,
    Numbers,
    Slip,
    Trial,
    at_random,
    by_hand,
    for_each,
    lengths,
)  # fmt: skip
from minidit.course.report import NOT_STARTED, PASSED, WRONG

# T = tokens, D = width


def scaled(x, scale):
    return x * scale


def scaled_backward(dy, x, scale):
    return dy * scale, (dy * x).sum(axis=0)


def random_inputs(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=3)  # T, D; T, D; D


HAND = (np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([2.0, 3.0]))
BACKWARD = Exercise(
    name="scaled_backward",
    lesson=7,
    title="scale, backward",
    outputs=("dx", "dscale"),
    reference=scaled_backward,
    trials=(by_hand(*HAND), at_random(random_inputs)),
    slips=(
        Slip(
            "mean instead of sum",
            lambda dy, x, scale: (dy * scale, (dy * x).mean(axis=0)),
            "its values are the mean over tokens, not their sum",
            "Each token used the same scale.",
        ),
        Slip("one scale", lambda dy, x, scale: (dy * scale, (dy * x).sum()), "all were summed", "There is one each."),
    ),
    sizes=lambda dy, x, scale: {"tokens": len(x), "channels": len(scale)},
    forward=scaled,
    wrt=(0, 1),
)


def total(x):
    return x.sum()


TOTAL = Exercise("total", 1, "a sum", ("y",), total, (by_hand(np.arange(6.0).reshape(2, 3)),))


def doubled(x):
    return 2 * x


DOUBLED = Exercise("doubled", 1, "twice", ("y",), doubled, (by_hand(np.array([1.0, 2.0, 4.0])),), fresh=True)


def pair(x):
    return x + 1, (x * 2, 3.0)


CACHED = Exercise("pair", 1, "with a cache", ("y", "cache"), pair, (by_hand(np.array([[1.0, 2.0], [4.0, 7.0]])),))


def said(exercise, answer):
    """What is said about a wrong answer."""
    report = examine(exercise, answer)
    assert report.verdict == WRONG, report
    return str(report)


def test_a_right_answer_passes_every_stage():
    report = examine(BACKWARD, scaled_backward)
    assert str(report) == "✓ scaled_backward: shapes, hand numbers, random inputs, gradient, inputs untouched."
    assert report.share == 1


def test_a_right_answer_may_use_loops_and_lists():
    def looped(dy, x, scale):
        dx, dscale = np.zeros_like(x), np.zeros_like(scale)
        for t in range(len(x)):
            dx[t] = dy[t] * scale
            dscale += dy[t] * x[t]
        return [dx, dscale]

    assert examine(BACKWARD, looped).passed


@pytest.mark.parametrize("value", [15.0, np.float64(15), np.array(15.0), 15])
def test_a_number_may_be_of_any_kind(value):
    assert examine(TOTAL, lambda x: value).passed


def test_rounding_is_not_a_mistake_even_where_zeros_are_expected():
    zeros = Exercise("zeros", 1, "", ("y",), lambda x: x - x, (by_hand(np.ones(4)),))
    assert examine(zeros, lambda x: x - x + 1e-16).passed


def test_the_stub_is_not_started():
    def stub(dy, x, scale):
        raise NotImplementedError

    report = examine(BACKWARD, stub)
    assert report.verdict == NOT_STARTED
    assert str(report) == "○ scaled_backward: not started. Write it, and run this cell again."
    assert report.share == 0


@pytest.mark.parametrize("answer", [None, ..., lambda dy, x, scale: ...])
def test_what_holds_a_place_is_not_started(answer):
    assert examine(BACKWARD, answer).verdict == NOT_STARTED


def test_a_stub_that_an_answer_calls_is_named():
    def earlier(x):
        raise NotImplementedError

    report = examine(TOTAL, lambda x: earlier(x))
    assert report.verdict == NOT_STARTED
    assert "it calls earlier, which is not written yet" in str(report)


def test_the_worst_entry_and_the_diagnosis_of_a_known_slip():
    text = said(BACKWARD, lambda dy, x, scale: (dy * scale, (dy * x).mean(axis=0)))
    assert text.splitlines() == [
        "✗ scaled_backward: dscale has the right shape, but its values are the mean over tokens, not their sum.",
        "  worst at [0]: got 3.5, expected 7",
        "  Each token used the same scale.",
    ]


def test_a_slip_that_changes_the_shape_says_so():
    text = said(BACKWARD, lambda dy, x, scale: (dy * scale, (dy * x).sum()))
    assert text.startswith("✗ scaled_backward: dscale has shape (); expected (2,): all were summed.")


def test_other_values_without_a_diagnosis_are_counted():
    text = said(BACKWARD, lambda dy, x, scale: (dy * scale + (dy > 0) * np.sqrt(x * x + 3), (dy * x).sum(0)))
    assert "dx has the right shape, but other values than expected" in text
    assert "worst at [1, 0]: got 8.64575, expected 6" in text
    assert "4 of 4 entries are off" in text


def test_what_is_right_by_accident_of_equal_axes_is_caught_by_the_random_trial():
    def accident(x):
        return x / len(x)  # the width, on a square

    def right(x):
        return x / x.shape[1]

    trials = (by_hand(np.array([[1.0, 2.0], [3.0, 4.0]])), at_random(lambda rng: (rng.normal(size=(4, 3)),)))
    report = examine(Exercise("mean", 1, "", ("y",), right, trials), accident)
    assert report.verdict == WRONG
    assert report.stages == ("shapes", "hand numbers")
    assert report.share == 0.5


def test_a_changed_input_is_named_after_all_else_is_right():
    def in_place(dy, x, scale):
        dscale = (dy * x).sum(axis=0)
        dy *= scale
        return dy, dscale

    report = examine(BACKWARD, in_place)
    assert "the numbers are right, but it changed its input dy." in str(report)
    assert report.slip == "changed its input"
    assert report.stages[-1] == "gradient"


def test_a_changed_input_is_blamed_for_wrong_numbers():
    def in_place(dy, x, scale):
        dy *= scale
        return dy, (dy * x).sum(axis=0)

    report = examine(BACKWARD, in_place)
    assert "it changed its input dy, and dscale has other values than expected." in str(report)
    assert report.slip == "changed its input"


def test_a_changed_cache_is_noticed():
    def answer(x, cache):
        cache[1][0] = 0
        return x + 1

    trials = (by_hand(np.ones(3), (np.ones(2), np.ones(2))),)
    assert "changed its input cache" in said(Exercise("e", 1, "", ("y",), lambda x, c: x + 1, trials), answer)


def test_a_random_generator_among_the_inputs_is_not_a_changed_input():
    noise = Exercise("noise", 4, "", ("y",), lambda rng: rng.normal(size=3), (Trial("hand numbers", lambda r: (r,)),))
    assert examine(noise, lambda rng: rng.normal(size=3)).passed


def test_float32_where_float64_came_in():
    report = examine(BACKWARD, lambda *a: tuple(g.astype(np.float32) for g in scaled_backward(*a)))
    assert "dx is float32; expected float64, like the inputs." in str(report)
    assert report.slip == "another dtype than the inputs"


def test_a_view_of_an_input_where_a_new_array_is_asked_for():
    def view(x):
        x *= 2
        return x[:]

    report = examine(DOUBLED, view)
    assert "y has the right numbers, but lies in the memory of an input." in str(report)
    assert report.slip == "a view of an input"


def test_a_cache_is_compared_part_by_part():
    assert examine(CACHED, pair).passed
    assert "cache[0] has the right shape, but it is 2 times too large" in said(CACHED, lambda x: (x + 1, (4 * x, 3.0)))
    assert "cache holds 1 thing; expected 2" in said(CACHED, lambda x: (x + 1, (2 * x,)))
    assert "cache is an array (2, 2); expected a tuple of 2" in said(CACHED, lambda x: (x + 1, x))


def test_what_an_array_cannot_hold_is_said():
    halves = by_hand(np.array([0.5, -1.0, 2.5]), np.array([1.0, 1.0, 1.0]))
    exercise = Exercise("product", 0, "", ("y",), scaled, (halves,))
    assert "y holds whole numbers only: its dtype is int" in said(exercise, lambda x, s: (x * s).astype(int))
    assert "y holds True and False, not numbers: its dtype is bool." in said(exercise, lambda x, s: x * s > 0)


def test_the_reference_may_not_be_changed_by_the_answer():
    """A trial's inputs are the same arrays every time; an answer gets copies."""
    before = [a.copy() for a in HAND]

    def destroy(dy, x, scale):
        for array in (dy, x, scale):
            array[:] = 0
        return dy, scale

    examine(BACKWARD, destroy)
    assert all(np.array_equal(a, b) for a, b in zip(HAND, before, strict=True))


# What a trial draws is tried with several seeds; what it doesn't, once.


def drawn(make, **options):
    return Exercise("drawn", 1, "", ("y",), lambda x: 1.0 * x, (at_random(make),), **options)


def test_a_mistake_that_one_seed_does_not_show_is_found_by_another():
    seen = []

    def limited(x):
        seen.append(float(np.max(x)))
        return np.minimum(x, 1)

    report = examine(drawn(lambda rng: (rng.normal(size=1),)), limited)
    assert seen[0] < 1, "the first seed shows it already"
    assert report.verdict == WRONG


def test_what_draws_nothing_is_tried_once():
    calls = []
    assert examine(drawn(lambda rng: (np.ones(3),)), lambda x: calls.append(1) or x).passed
    assert len(calls) == 1
    calls.clear()
    assert examine(drawn(lambda rng: (rng.normal(size=3),)), lambda x: calls.append(1) or x).passed
    assert len(calls) == SEEDS


def test_each_value_of_a_list_is_tried_with_other_numbers():
    found = []
    trials = for_each(LEADING, lambda rng, leading: (rng.normal(size=(*leading, 3)),))
    exercise = Exercise("any", 1, "", ("y",), lambda x: 1.0 * x, trials)
    assert examine(exercise, lambda x: found.append(x) or x).passed
    assert [x.shape[:-1] for x in found] == list(LEADING)
    assert len({float(x.flat[0]) for x in found}) == len(LEADING)
    assert examine(exercise, lambda x: x if x.ndim < 4 else 2 * x).verdict == WRONG


def test_lengths_are_never_equal():
    for seed in range(50):
        drawn_lengths = lengths(np.random.default_rng(seed), 4)
        assert len(set(drawn_lengths)) == 4
        assert min(drawn_lengths) >= 2 and max(drawn_lengths) < 8


def test_a_stage_counts_as_passed_when_all_its_trials_are():
    trials = for_each((1, 2), lambda rng, k: (rng.normal(size=(3, k)),))
    exercise = Exercise("any", 1, "", ("y",), lambda x: 1.0 * x, (by_hand(np.ones((2, 2))), *trials))
    report = examine(exercise, lambda x: x if x.shape != (3, 2) else 0 * x)
    assert report.stages == ("shapes", "hand numbers")


def test_two_numbers_that_differ_look_different():
    exercise = Exercise("near", 1, "", ("y",), lambda x: x + 10.0, (by_hand(np.zeros(4)),))
    text = said(exercise, lambda x: x + 10 + 1e-6 * np.arange(2.0, 6) ** 2)
    assert "got 10.00003, expected 10\n" in text


def test_what_it_raises_for_other_inputs_explains_what_is_wrong_with_the_first():
    """Times without further axes broadcast along the last axis, where that happens to be as long."""
    trials = (
        by_hand(np.arange(4.0).reshape(2, 2), np.array([1.0, 3.0])),
        at_random(lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=3))),
    )
    exercise = Exercise("times", 1, "", ("y",), lambda x, t: x * t[:, None], trials)
    text = said(exercise, lambda x, t: x * t + 0.125 * np.array([[1.0, 2], [3, 5]]))
    assert "With other inputs it raised ValueError: operands could not be broadcast together" in text


def test_a_print_in_place_of_a_return_is_told():
    report = examine(TOTAL, lambda x: print(x.sum()))
    assert report.slip == "printed, not returned"
    assert "it printed something, but returned None." in str(report)
    assert "It printed:\n    15.0" in str(report)
    assert examine(TOTAL, lambda x: None).slip == "returned nothing"


# Bad input: each gets one sentence that helps, and no traceback of ours.


def raises(dy, x, scale):
    return dy @ np.ones(5)


def deep(dy, x, scale):
    return deep(dy, x, scale)


def greedy(dy, x, scale):
    return np.zeros((2**30, 2**28)), scale  # two exabytes


def quits(dy, x, scale):
    sys.exit(1)


BAD = {
    "None": (lambda dy, x, s: None, "it returned None; expected dx, dscale. Does it end with `return`?"),
    "one thing": (lambda dy, x, s: dy * s, "returned one thing, an array (2, 2); expected 2 things, in this order:"),
    "three": (lambda dy, x, s: (dy, s, s), "it returned 3 things; expected 2 things, in this order: dx, dscale."),
    "a list": (lambda dy, x, s: ((dy * s).tolist(), s), "dx is a list; expected a NumPy array. Put np.array(…)"),
    "jagged": (lambda dy, x, s: ([[1.0], [2.0, 3.0]], s), "dx is a list that makes no array: its rows differ in"),
    "NaN": (lambda dy, x, s: (dy * np.nan, s), "dx has NaN at [0, 0]: something was divided by zero, or infinity"),
    "a string": (lambda dy, x, s: ("dx", s), "dx is a str; expected a NumPy array."),
    "a function": (lambda dy, x, s: (np.sum, s), "dx is a function; expected a NumPy array."),
    "None inside": (lambda dy, x, s: (dy * s, None), "dscale is None; expected a NumPy array."),
    "complex": (lambda dy, x, s: (dy * 1j, s), "dx holds values of type complex128; expected numbers."),
    "objects": (lambda dy, x, s: (dy.astype(object), s), "dx holds values of type object; expected numbers."),
    "a generator": (lambda dy, x, s: ((row for row in dy), s), "dx is a generator; expected a NumPy array."),
    "more memory than there is": (greedy, "it asked for more memory than there is."),
    "too many arguments": (lambda dy, x: dy, "it takes 2 arguments (dy, x); expected 3 (dy, x, scale)."),
    "no argument": (lambda: 1, "it takes 0 arguments (none); expected 3 (dy, x, scale)."),
    "not a function": (
        np.ones(3), "this is an array (3,), not a function. Did you use the name for something else too?",
    ),
    "raises": (raises, "it raised ValueError: matmul"),
    "shapes that don't meet": (lambda dy, x, s: (dy + np.ones(5), s), "it raised ValueError: operands could not"),
    "recursion": (deep, "it calls itself endlessly."),
    "quits": (quits, "it raised SystemExit: 1"),
    "a name it doesn't know": (lambda dy, x, s: nothing, "it raised NameError: name 'nothing' is not"),  # noqa: F821
}


@pytest.mark.parametrize("case", BAD)
def test_bad_answers_get_one_sentence(case):
    answer, sentence = BAD[case]
    text = said(BACKWARD, answer)
    assert sentence in text
    assert "Traceback" not in text
    assert "minidit" not in text
    assert len(text.splitlines()) <= 4


def test_an_error_shows_the_line_of_the_answer_that_raised_it():
    text = said(BACKWARD, raises)
    assert "return dy @ np.ones(5)" in text
    assert "the last axis of a has to be as long" in text
    broadcast = said(BACKWARD, lambda dy, x, s: (dy + np.ones(5), s))
    assert "Shapes are matched from their last axis on" in broadcast


def test_a_very_large_result_costs_no_time():
    """Its shape is wrong, so its 10¹² entries are never looked at."""
    lazy = np.broadcast_to(0.0, (10**6, 10**6))
    assert "dx has shape (1000000, 1000000); expected (2, 2)." in said(BACKWARD, lambda dy, x, s: (lazy, s))


@pytest.fixture
def short_time(monkeypatch):
    """Half a second, of which none goes into collecting what hundreds of other tests left behind."""
    monkeypatch.setattr(engine, "SECONDS", 0.5)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def endless(dy, x, scale):
    while True:
        pass


def swallows(dy, x, scale):
    while True:
        try:
            for i in range(1000):
                i * i
        except:  # noqa: E722  what a student writes
            continue


def sleeps(dy, x, scale):
    time.sleep(100)


@pytest.mark.parametrize("answer", [endless, swallows, sleeps])
def test_a_loop_without_end_is_stopped(answer, short_time):
    text = said(BACKWARD, answer)
    assert "did not finish in 0.5 seconds" in text
    assert "line " in text


@pytest.mark.parametrize("answer", [endless, scaled_backward])
def test_outside_of_the_main_thread_too(answer, short_time):
    reports = []
    threads = set(threading.enumerate())
    thread = threading.Thread(target=lambda: reports.append(examine(BACKWARD, answer)))
    thread.start()
    thread.join(10)
    assert reports[0].verdict == (PASSED if answer is scaled_backward else WRONG)
    for left in set(threading.enumerate()) - threads:  # told to stop, it does
        left.join(10)
        assert not left.is_alive()


def test_numpys_own_state_is_left_as_it_was():
    def changes(dy, x, scale):
        np.random.seed(1)  # noqa: NPY002
        np.random.rand(3)  # noqa: NPY002
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        return scaled_backward(dy, x, scale)

    np.random.seed(5)  # noqa: NPY002
    state, errors, options = np.random.get_state()[1].copy(), np.geterr(), np.get_printoptions()  # noqa: NPY002
    assert examine(BACKWARD, changes).passed
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert np.geterr() == errors
    assert np.get_printoptions() == options


def test_what_numpy_was_told_before_does_not_matter():
    with np.errstate(all="raise"):
        assert "NumPy warned: divide by zero encountered in divide" in said(
            BACKWARD, lambda dy, x, s: (dy / np.zeros(2) * 0, s)
        )


def test_what_is_printed_comes_after_the_verdict_and_not_all_of_it(capsys):
    def prints(x):
        for i in range(100_000):
            print("value", i)
        return 2 * x

    text = str(examine(DOUBLED, prints))
    assert text.splitlines()[:3] == [
        "✓ doubled: shapes, hand numbers, inputs untouched.", "  It printed:", "    value 0",
    ]  # fmt: skip
    assert text.endswith("    … and more")
    assert len(text.splitlines()) < 15
    assert capsys.readouterr().out == ""


def test_a_check_takes_at_most_two_seconds_all_calls_together(monkeypatch):
    limits = []
    monkeypatch.setattr(engine, "within", lambda seconds, work: limits.append(seconds) or work())
    assert examine(BACKWARD, scaled_backward).passed
    assert limits == [2.0]


def test_numbers_are_examined_by_the_same_door():
    numbers = Numbers("step", 2, "", lambda: np.array([[1, 2], [3, 4]]))
    assert str(examine(numbers, ((1, 2), (3, 4)))) == "✓ step: right."
    assert examine(numbers, ...).verdict == NOT_STARTED
