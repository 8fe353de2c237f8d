"""Formulas find the slips that can be made in them, and say what was computed."""

from copy import deepcopy

import numpy as np
import pytest

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.course.exercises import all_exercises
from minidit.course.formulas import Formula, Slips, pretty
from minidit.course.outcome import named

FEW = 6  # trials of a stage, of which the first few are different enough
WITH_FORMULAS = [name for name, exercise in all_exercises().items() if isinstance(exercise.slips, Slips)]


def mix(a, b, weight):
    """What the examples below should compute."""
    return weight * a + (1 - weight) * b


def numbers(rng, count):
    return rng.normal(size=count), rng.normal(size=count), float(rng.uniform(0.1, 0.9))


def formula(**more):
    return Formula(
        "weight * a + (1 - weight) * b",
        lambda wrong: lambda a, b, weight: wrong(a=a, b=b, weight=weight),
        ({"a": np.array([1.0, 2.0, -3.0]), "b": np.array([4.0, -1.0, 2.0]), "weight": 0.3},),
        **more,
    )


def exercise(*slips):
    trials = (by_hand(np.array([1.0, 2.0, -3.0]), np.array([4.0, -1.0, 2.0]), 0.5), *for_each((4, 5), numbers))
    return Exercise("mix", 0, "a mixture", ("y",), mix, trials, Slips(*slips))


@pytest.mark.parametrize(
    ("answer", "slip", "says"),
    [
        (lambda a, b, weight: weight * a - (1 - weight) * b, "sign of a term", "(1 − weight) · b has the wrong sign"),
        (lambda a, b, weight: weight * a + (1 + weight) * b, "sign of a term", "weight has the wrong sign"),
        (lambda a, b, weight: weight * a, "a term missing", "(1 − weight) · b is missing"),
        (lambda a, b, weight: a + (1 - weight) * b, "a factor missing", "weight is missing as a factor"),
        (lambda a, b, weight: weight * a + 1 - weight * b, "brackets", "1 should stand in brackets with the rest"),
        (lambda a, b, weight: a / weight + (1 - weight) * b, "divided or multiplied", "it is divided by weight"),
        (lambda a, b, weight: weight * b + (1 - weight) * b, "another variable", "b stands where a should"),
        (lambda a, b, weight: weight**2 * a + (1 - weight) * b, "a factor too many", "weight is in it once too often"),
        (lambda a, b, weight: weight + a + (1 - weight) * b, "added instead of multiplied", "weight and a are added"),
    ],
)  # fmt: skip
def test_a_changed_formula_is_called_by_what_was_changed(answer, slip, says):
    report = examine(exercise(formula()), answer)
    assert report.slip == slip, str(report)
    assert says in report.says
    assert any(line.startswith("It comes out as ") for line in report.details)


def test_what_is_said_of_a_change_comes_before_what_is_found():
    said = (("a", "a copy", "it is a copy of a", "Mix it with b."),)
    report = examine(exercise(formula(said=said)), lambda a, b, weight: a)
    assert (report.slip, report.details[-1]) == ("a copy", "Mix it with b.")


def test_two_changes_with_the_same_results_are_one_slip():
    found = formula(said=(("b * (1 - weight)", "a is missing", "a is missing", "Both count."),)).slips()
    results = [slip.wrong(np.array([1.0, 2.0, -3.0]), np.array([4.0, -1.0, 2.0]), 0.3) for slip in found]
    assert not any(np.allclose(a, b) for i, a in enumerate(results) for b in results[:i])
    assert found[0].name == "a is missing"


def test_inside_a_function_its_shape_stays():
    def within(flag):
        swap = {"T": lambda x: x.swapaxes(-1, -2)}
        sample = {"q": np.ones((2, 3)) * np.arange(3), "k": np.arange(12.0).reshape(4, 3)}
        return {slip.says for slip in Formula("q @ T(k)", lambda wrong: wrong, (sample,), swap, within=flag).slips()}

    assert within(True) < within(False)


def test_slips_are_found_only_when_they_are_asked_for():
    asked = []

    class Asking(Formula):
        def slips(self):
            asked.append(self.text)
            return super().slips()

    slips = Slips(Slip("one", mix, "it is one", "Why?"), Asking("a + b", lambda wrong: wrong, ({"a": 1.0, "b": 2.0},)))
    assert not asked
    assert len(slips) == len([*slips]) > 1
    assert asked == ["a + b"]


def test_formulas_are_written_as_on_paper():
    assert pretty("0.5 * x ** 2 - T(k) @ total(q)") == "½ · x² − kᵀ @ sum(q)"


@pytest.mark.parametrize("name", WITH_FORMULAS)
def test_every_change_that_is_put_into_words_can_be_made(name):
    for part in all_exercises()[name].slips.parts:
        if isinstance(part, Formula):
            found = {(slip.name, slip.says) for slip in part.slips()}
            assert {said[1:3] for said in part.said} <= found


def results(exercise, slip, inputs):
    """What a slip gives for these inputs, in a form that can be compared; None if it gives nothing, or no number."""
    try:
        with np.errstate(all="ignore"):
            expected = exercise.reference(*deepcopy(inputs))
            arrays = [value.astype(float) for _, value in named(exercise.outputs, slip.wrong(*inputs), expected)]
    except (ValueError, TypeError, IndexError, ZeroDivisionError):
        return None
    if not all(np.isfinite(array).any() for array in arrays):
        return None
    return tuple((array.shape, *(f"{x:.7g}" if abs(x) > 1e-9 else "0" for x in array.flat)) for array in arrays)


@pytest.mark.parametrize("name", [name for name in WITH_FORMULAS if not isinstance(all_exercises()[name], Numbers)])
def test_slips_of_different_names_can_be_told_apart(name):
    it = all_exercises()[name]
    stages = {trial.stage: [one for one in it.trials if one.stage == trial.stage][:FEW] for trial in it.trials}
    inputs = [trial.inputs(np.random.default_rng(0)) for trials in stages.values() for trial in trials]
    names = {}
    for slip in it.slips:
        given = tuple(results(it, slip, one) for one in inputs)
        other = names.setdefault(given, slip)
        assert other.name == slip.name or not any(given), f"{slip.says} ({slip.because}) is {other.says}"
