import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation import wordings
from minidit.evaluation.wordings import (
    LEFT_OUT,
    WITHOUT,
    kinds,
    measure_wordings,
    relative_entropy,
    scores,
    wordings_table,
)
from minidit.world import (
    ALL_ATTRIBUTES,
    COLORS,
    HELD_OUT,
    SEEN,
    VOCABULARY,
    Attributes,
    Reading,
    attributes_in,
    render_batch,
)
from minidit.world import wordings as captions_of
from minidit.world.prompts import read_prompt, words_of

KNOWN = frozenset(VOCABULARY)


def test_every_prompt_is_read_as_what_it_is_judged_by():
    for kind, cases in kinds(200, 3).items():
        for prompt, attributes in zip(cases.prompts, cases.attributes, strict=True):
            assert attributes_in(read_prompt(prompt, KNOWN)) == attributes, (kind, prompt)


def test_prompts_are_no_captions_and_of_the_splits_they_are_named_after():
    drawn = kinds(60, 0)
    for split, combinations in (("seen", SEEN), ("held_out", HELD_OUT)):
        cases = drawn[f"outside_{split}"]
        assert set(cases.attributes) <= set(combinations)
        for prompt, attributes in zip(cases.prompts, cases.attributes, strict=True):
            assert prompt not in captions_of(attributes) and set(prompt.split()) <= KNOWN


def test_prompts_without_an_attribute_are_a_few_asked_often():
    drawn = kinds(40, 0)
    for case in WITHOUT:
        cases = drawn[f"without_{case}"]
        assert 4 <= len(set(cases.prompts)) <= 5 and len(set(cases.seeds)) == 40
        for name in LEFT_OUT[case]:
            assert {getattr(a, name) for a in cases.attributes} == {None}


def test_synonyms_are_other_words_than_those_of_the_captions():
    for prompt in kinds(50, 0)["synonyms"].prompts:
        assert not any(attributes_in(" ".join(words_of(prompt)))), prompt


def test_the_entropy_of_even_draws_is_the_worlds_and_that_of_one_value_is_none(rng):
    even = [relative_entropy([COLORS[i] for i in rng.integers(5, size=40)], COLORS) for _ in range(300)]
    assert 0.97 < np.mean(even) <= 1.0
    assert relative_entropy(["red"] * 40, COLORS) == 0.0 == relative_entropy([None] * 9, COLORS)
    assert relative_entropy(["red", "blue"] * 20, COLORS) == pytest.approx(np.log(2) / np.log(5), abs=0.01)
    assert relative_entropy(["red", "blue", None, None], COLORS) < relative_entropy(["red", "blue"], COLORS)


class Asked:
    """What `scores` needs of Cases."""

    def __init__(self, attributes, prompts):
        self.attributes, self.prompts = attributes, prompts


def test_what_is_named_must_be_shown_and_the_rest_may_be_anything():
    wanted = Attributes("red", "circle", None, "day")
    shown = [
        Reading("red", "circle", "up", "day", 0.9),
        Reading("red", "circle", "left", "day", 0.9),
        Reading("blue", "circle", "left", "day", 0.9),
        Reading("red", "circle", "left", "day", 0.9, ("a fault",)),
        Reading(None, None, None, "day", 1.0),
    ]
    result = scores(shown, Asked([wanted] * 5, ["a"] * 5), ["motion"])
    assert result["right"] == 0.4 and result["clips"] == 5
    assert 0 < result["entropy"]["motion"] < 1
    assert "entropy" not in scores(shown, Asked([wanted] * 5, ["a"] * 5))


def test_entropy_is_within_a_prompt_not_between_prompts():
    shown = [Reading(color, "circle", "up", "day", 0.9) for color in COLORS for _ in range(4)]
    asked = Asked([Attributes(None, "circle", "up", "day")] * 20, [f"{n // 4}" for n in range(20)])
    assert scores(shown, asked, ["color"])["entropy"]["color"] == 0.0


def test_a_model_that_draws_the_world_has_all_points(tiny_model, monkeypatch, rng):
    def real(model, cases, sampling):
        full = []
        for a in cases.attributes:
            fits = [b for b in ALL_ATTRIBUTES if all(x in (None, y) for x, y in zip(a, b, strict=True))]
            full.append(fits[rng.integers(len(fits))])
        return render_batch(full, rng, 32, 8)

    monkeypatch.setattr(wordings, "make", real)
    report = measure_wordings(tiny_model, 100, progress=False)
    assert all(scored["right"] >= 0.97 for scored in report.values())
    assert all(share > 0.85 for scored in report.values() for share in scored.get("entropy", {}).values())
    table = wordings_table(report)
    assert len(table.splitlines()) == 1 + len(report) and "without color" in table


def test_an_untrained_model_is_measured_too(tiny_model):
    report = measure_wordings(tiny_model, 20, steps=1, progress=False)
    assert report.keys() == kinds(20, 0).keys() and report["synonyms"]["right"] < 0.3


@pytest.mark.parametrize("prompts", [0, 19, 20.5, None])
def test_too_few_prompts_are_refused(tiny_model, prompts):
    with pytest.raises(UserError, match="at least 20"):
        measure_wordings(tiny_model, prompts)
