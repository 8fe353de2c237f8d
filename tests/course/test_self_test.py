"""The proof itself can fail: a check that accepts what is wrong, or rejects what is right, shows in the table."""

from types import SimpleNamespace

import numpy as np
import pytest

from minidit.course.exercise import Exercise, Numbers, by_hand
from minidit.course.self_test import Proof, all_answers, answers_in, falls_short, joined, labelled, proof_of, table
from minidit.errors import UserError
from minidit.files import places


def doubled(x):
    return 2 * x


EXERCISE = Exercise("doubled", 1, "", ("y",), doubled, (by_hand(np.arange(6.0).reshape(2, 3)),))


def answers(right=(), wrong=()):
    return SimpleNamespace(right=list(right), wrong=list(wrong))


def test_right_ones_accepted_wrong_ones_rejected_and_named():
    proof = proof_of(EXERCISE, answers([lambda x: x + x], [(lambda x: -2 * x, "sign"), (lambda x: None, None)]))
    assert (proof.right, proof.accepted, proof.wrong, proof.rejected, proof.named) == (2, 2, 2, 2, 1)
    assert proof.failures == ()


def test_a_right_answer_that_is_not_accepted():
    proof = proof_of(EXERCISE, answers([lambda x: 3 * x]))
    assert proof.accepted == 1
    assert "doubled: right answer 1 is not accepted: ✗ doubled: y has the right shape" in proof.failures[0]


def test_a_wrong_answer_that_passes_or_has_another_name():
    proof = proof_of(EXERCISE, answers([], [(doubled, None), (lambda x: -2 * x, "transposed")]))
    assert (proof.rejected, proof.named) == (1, 0)
    assert "wrong answer 1 (doubled) is not rejected" in proof.failures[0]
    assert "wrong answer 2 is called 'sign', expected 'transposed'" in proof.failures[1]


def test_a_wrong_answer_that_looks_unstarted_is_not_rejected():
    def stub(x):
        raise NotImplementedError

    assert proof_of(EXERCISE, answers([], [(stub, None)])).rejected == 0


def test_an_exercise_without_answers_fails():
    assert proof_of(EXERCISE, None).failures == ("doubled: there are no answers to try",)


def test_a_reference_that_does_not_pass_its_own_check_fails():
    exercise = Exercise("in_place", 1, "", ("y",), doubled, EXERCISE.trials, forward=lambda x: x, wrt=())
    changing = Exercise("view", 1, "", ("y",), lambda x: x, EXERCISE.trials, fresh=True)
    assert "the reference is not accepted" in proof_of(changing, answers()).failures[0]
    assert exercise.forward


def test_the_reference_of_a_task_in_place_writes():
    exercise = Exercise("ema", 1, "", ("y",), lambda y, x: y + x, (by_hand(np.ones(3), np.ones(3)),), in_place=(0,))
    assert proof_of(exercise, answers([], [(lambda y, x: y + x, "unchanged input")])).failures == ()


def test_numbers_have_answers_too():
    proof = proof_of(Numbers("n", 1, "", lambda: np.array([1, 2])), answers([[1, 2]], [([2, 1], None)]))
    assert (proof.accepted, proof.rejected, proof.failures) == (2, 1, ())


def test_answers_are_called_by_their_names():
    assert [label for label, _ in labelled("wrong", [doubled, lambda x: x, 3])] == [
        "wrong answer 1 (doubled)", "wrong answer 2", "wrong answer 3",
    ]  # fmt: skip


def test_the_table_ends_with_the_sum_of_all():
    proof = proof_of(EXERCISE, answers([], [(lambda x: -2 * x, "sign"), (lambda x: None, None)]))
    lines = table([proof, proof]).splitlines()
    assert lines[-2].split() == ["2", "exercises", "2", "2", "4", "4", "2", "0"]
    assert lines[-1] == "accepted 100.0%, rejected 100.0%, called by name 50.0%, misleading 0.0%"
    assert len({len(line) for line in lines[:-1]}) == 1


def test_answers_are_read_from_every_file(tmp_path):
    folder = tmp_path / "answers"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"lesson_0{number}.py").write_text(f"ANSWERS = {{'e{number}': {number}}}")
    assert answers_in(folder) == {"e1": 1, "e2": 2}


def test_outside_of_a_clone_one_sentence_says_where_to_be(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "site-packages" / "minidit")
    with pytest.raises(UserError, match="in a clone of minidit's repository"):
        all_answers()


def test_a_name_of_another_slip_is_misleading_and_a_fact_is_not():
    proof = proof_of(EXERCISE, answers([], [(lambda x: -2 * x, "missing transpose"), (lambda x: None, None)]))
    assert (proof.rejected, proof.named, proof.misleading) == (2, 0, 1)
    assert len(proof.failures) == 1


def test_any_of_several_names_that_are_true_will_do():
    proof = proof_of(EXERCISE, answers([], [(lambda x: -2 * x, ("all signs", "sign"))]))
    assert (proof.named, proof.misleading, proof.failures) == (1, 0, ())


def test_too_few_names_and_too_many_wrong_ones_fall_short():
    def proof(named, misleading):
        return Proof("e", 1, 1, 1000, 1000, named, misleading, ())

    assert not falls_short([proof(920, 3)])
    assert falls_short([proof(919, 3)])
    assert falls_short([proof(920, 4)])
    assert falls_short([Proof("e", 1, 0, 0, 0, 0, 0, ("not accepted",))])


def test_answers_of_several_folders_are_tried_together():
    both = joined([{"a": answers([1], [(2, None)])}, {"a": answers([3], [(4, None)]), "b": answers([5])}])
    assert (both["a"].right, both["a"].wrong, both["b"].right) == ([1, 3], [(2, None), (4, None)], [5])
