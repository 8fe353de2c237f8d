"""The checks teach: each accepts what is right however it is written, rejects what is wrong, and mostly says why."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from minidit.course.comparing import is_off
from minidit.course.exercise import Numbers
from minidit.course.exercises import LESSONS, all_exercises
from minidit.course.outcome import named
from minidit.course.self_test import FOLDERS, MISLED_AT_MOST, NAMED_AT_LEAST, answers_in, joined, proof_of

ANSWERS = joined(answers_in(Path(__file__).parent / folder.name) for folder in FOLDERS)
EXERCISES = all_exercises()
FUNCTIONS = [name for name, exercise in EXERCISES.items() if not isinstance(exercise, Numbers)]


@pytest.fixture(scope="module")
def proofs():
    """Of all exercises, by name."""
    return {name: proof_of(exercise, ANSWERS.get(name)) for name, exercise in EXERCISES.items()}


@pytest.mark.parametrize("name", EXERCISES)
def test_its_answers_are_taken_as_they_should_be(name, proofs):
    """Stub, reference, right and wrong answers, and the names of the slips."""
    assert not proofs[name].failures, "\n".join(proofs[name].failures)


@pytest.mark.parametrize("name", EXERCISES)
def test_it_has_answers_enough(name):
    answers = ANSWERS[name]
    assert len(answers.right) >= 1
    assert len(answers.wrong) >= (2 if isinstance(EXERCISES[name], Numbers) else 4)


def test_no_answers_are_left_over():
    assert set(ANSWERS) == set(EXERCISES)


def test_most_wrong_answers_are_called_by_name_and_next_to_none_by_a_wrong_one(proofs):
    wrong, named_ones, misleading = (
        sum(getattr(proof, what) for proof in proofs.values()) for what in ("wrong", "named", "misleading")
    )
    assert named_ones >= NAMED_AT_LEAST * wrong, f"{named_ones} of {wrong}"
    assert misleading <= MISLED_AT_MOST * wrong, f"{misleading} of {wrong}"


@pytest.mark.parametrize("name", EXERCISES)
def test_it_belongs_to_a_lesson_and_says_what_it_takes(name):
    exercise = EXERCISES[name]
    assert 0 <= exercise.lesson < len(LESSONS)
    assert exercise.title
    assert exercise.difficulty in (1, 2, 3)
    assert exercise.minutes > 0
    assert exercise.points > 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_slip_can_be_made_and_is_a_mistake(name):
    exercise = EXERCISES[name]
    for slip in exercise.slips:
        differs = False
        for trial in exercise.trials:
            inputs = trial.inputs(np.random.default_rng(0))
            with np.errstate(all="ignore"):
                expected = exercise.reference(*deepcopy(inputs))
                right = named(exercise.outputs, expected, expected)
                try:
                    slipped = named(exercise.outputs, slip.wrong(*deepcopy(inputs)), expected)
                except (ValueError, IndexError, ZeroDivisionError):  # shapes that don't meet, on these inputs
                    continue
            differs |= any(is_off(a, b) for (_, a), (_, b) in zip(slipped, right, strict=True))
        assert differs, f"{slip.name!r} computes what is right, or nothing at all"


@pytest.mark.parametrize("name", EXERCISES)
def test_what_a_slip_says_reads_as_the_end_of_a_sentence(name):
    for slip in EXERCISES[name].slips:
        assert slip.says and not slip.says.endswith("."), slip.name
        assert slip.because.endswith((".", "?", "!", ")")), slip.name
