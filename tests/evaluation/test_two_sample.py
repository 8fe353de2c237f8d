import sys

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation.two_sample import looks, told_apart
from minidit.world import ALL_ATTRIBUTES, render_batch

PATCH = (1, 8, 8)


def test_equal_sets_are_told_apart_by_chance_alone(rng):
    told = told_apart(*rng.normal(size=(2, 200, 10)))
    assert told["accuracy"] == pytest.approx(0.5, abs=0.1) and told["clips"] == 400
    assert told["interval"][0] < told["accuracy"] < told["interval"][1]


def test_a_shift_is_found_as_far_as_it_can_be(rng):
    first, second = rng.normal(size=(2, 400, 3))
    second[:, 1] += 2  # the best answer is right for the share of a normal number below 1: 84 %
    assert told_apart(first, second)["accuracy"] == pytest.approx(0.84, abs=0.04)


def test_a_clip_is_never_judged_by_what_saw_its_partner(rng):
    """Equal pairs, with more features than clips: a classifier that had seen one would take the other for it."""
    pairs = rng.normal(size=(60, 200))
    assert told_apart(pairs, pairs)["accuracy"] == pytest.approx(0.5, abs=0.01)


def test_too_few_clips_have_no_accuracy(rng):
    assert told_apart(*rng.normal(size=(2, 9, 3))) == {"accuracy": None, "interval": None, "clips": 18}


def test_without_scikit_learn_one_sentence_says_how_to_get_it(rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(UserError, match=r"needs scikit-learn: pip install 'minidit\[evaluate\]'"):
        told_apart(*rng.normal(size=(2, 20, 3)))


def test_looks_see_noise_and_seams_but_not_what_no_screen_shows(rng):
    asked = [ALL_ATTRIBUTES[7 * n] for n in range(40)]
    real, other = (render_batch(asked, rng, 16, 4) for _ in range(2))
    seam = other.copy()
    seam[:, :, :, 7] += 0.04
    kinds = {
        "real": other,
        "invisible": np.round(other * 255) / 255 + rng.uniform(-0.001, 0.001, other.shape),
        "noise": other + rng.normal(0, 0.02, other.shape),
        "seam": seam,
    }
    accuracy = {kind: told_apart(looks(clips, PATCH), looks(real, PATCH))["accuracy"] for kind, clips in kinds.items()}
    assert accuracy["real"] == accuracy["invisible"] == pytest.approx(0.5, abs=0.17)
    assert accuracy["noise"] > 0.95 and accuracy["seam"] > 0.95


def test_looks_of_a_single_frame(rng):
    assert np.isfinite(looks(rng.random((3, 1, 16, 16, 3)), PATCH)).all()
