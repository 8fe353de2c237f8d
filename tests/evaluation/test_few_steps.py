from dataclasses import replace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation import measure
from minidit.evaluation.few_steps import measure_steps, steps_table
from minidit.evaluation.intervals import wilson_interval
from minidit.models import VideoModel
from minidit.world import HELD_OUT, SEEN, render_batch


@pytest.fixture
def asked(monkeypatch):
    """Replaces sampling by real clips, right from 2 steps on, of another combination before; notes what was asked.

    A row for each clip: steps, guidance, attributes, prompt, seed.
    """
    noted = []

    def made(model, cases, sampling):
        rows = zip(cases.attributes, cases.prompts, cases.seeds, strict=True)
        noted.extend((sampling.steps, sampling.guidance, *row) for row in rows)
        shown = cases.attributes if sampling.steps > 1 else cases.attributes[1:] + cases.attributes[:1]
        return render_batch(shown, np.random.default_rng(0), 32, 8)

    monkeypatch.setattr(measure, "make", made)
    return noted


def test_every_number_of_steps_is_judged_on_both_splits_with_intervals(asked, tiny_model):
    measured = measure_steps({"a": tiny_model}, steps=(1, 2), prompts=6, progress=False)
    assert (measured["prompts"], measured["seed"], measured["steps"]) == (6, 0, [1, 2])
    (model,) = measured["models"]
    assert (model["name"], model["guidance"], model["shift"]) == ("a", 1.5, 3.0)
    for split in ("seen", "held_out"):
        wrong, right = model[split]
        assert (wrong["right"], right["right"], right["strict"]) == (0.0, 1.0, 1.0)
        assert right["right_interval"] == wilson_interval(6, 6)
        assert wrong["strict_interval"] == wilson_interval(0, 6)


def test_all_models_and_steps_get_the_same_prompts_and_noise_and_their_own_guidance(asked, tiny_model):
    student = VideoModel(replace(tiny_model.settings, guidance=1.0))
    measure_steps({"before": tiny_model, "after": student}, steps=(1, 4), prompts=3, progress=False)
    cases = [[row[2:] for row in asked[first : first + 3]] for first in range(0, len(asked), 3)]
    seen, held_out = cases[0], cases[2]
    assert cases == [seen, seen, held_out, held_out] * 2
    assert {row[0] for row in seen} <= set(SEEN) and {row[0] for row in held_out} <= set(HELD_OUT)
    assert [row[0] for row in asked[::3]] == [1, 4, 1, 4] * 2
    assert [row[1] for row in asked] == [1.5] * 12 + [1.0] * 12


def test_the_numbers_follow_from_the_seed(tiny_model):
    first, again, other = (
        measure_steps({"a": tiny_model}, steps=(1,), prompts=4, seed=seed, progress=False) for seed in (0, 0, 1)
    )
    assert first == again and other["seed"] == 1


def test_the_table_has_a_row_for_each_model_split_and_verdict(asked, tiny_model):
    text = steps_table(measure_steps({"a": tiny_model, "b": tiny_model}, steps=(1, 2), prompts=6, progress=False))
    lines = text.splitlines()
    assert lines[0].split() == ["percent,", "by", "steps", "1", "2"]
    assert [line.partition("  ")[0] for line in lines[1:9]] == [
        f"{model}, {split}: {name}"
        for model in "ab"
        for name in ("right", "strict")
        for split in ("seen", "held-out")
    ]
    assert lines[1].endswith("0.0 [0.0, 39.0]  100.0 [61.0, 100.0]")
    assert "6 prompts of each split" in lines[-1]


def test_a_model_that_makes_nan_is_refused(tiny_model):
    broken = VideoModel(tiny_model.settings)
    broken.dit.params.flat[...] = np.nan
    with pytest.raises(UserError, match="NaN"):
        measure_steps({"a": broken}, steps=(1,), prompts=2, progress=False)
