import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation import examined
from minidit.evaluation.examined import classified, examine_batch, quantiles, summarize_examined
from minidit.world import ALL_ATTRIBUTES, render_batch


def test_median_and_worst_tenth_have_intervals_around_them(rng):
    values = rng.permutation(np.arange(101.0))
    found = quantiles(values)
    assert (found["median"], found["worst_tenth"], found["clips"]) == (50, 10, 101)
    assert 37 < found["median_interval"][0] < 46 and 54 < found["median_interval"][1] < 63
    assert found["worst_tenth_interval"][0] < 8 and 13 < found["worst_tenth_interval"][1] < 22
    assert quantiles(values) == found


def test_each_kind_is_examined_and_summed_up(rng):
    asked = [ALL_ATTRIBUTES[n] for n in (0, 100, 200)]
    clips = {kind: render_batch(asked, rng, 16, 3) for kind in ("made", "real", "codec", "reference")}
    clips["made"][0] = render_batch(asked[1:2], rng, 16, 3)[0]
    batch = examine_batch(clips, asked, asked[1:] + asked[:1], (1, 8, 8))
    report = summarize_examined({"seen": batch, "held_out": batch})
    fidelity = report["fidelity"]
    assert list(fidelity) == ["generated_seen", "generated_held_out", "real", "codec", "shuffled"]
    assert fidelity["generated_seen"]["right"] == 2 / 3 and fidelity["real"]["right"] == 1
    assert fidelity["generated_seen"]["clips"] == 3 and fidelity["real"]["clips"] == 6
    assert fidelity["generated_seen"]["worst_tenth"] > 45
    assert batch["fidelity"]["shuffled"][0] > 45 and batch["fidelity"]["shuffled"][1:].max() < 25
    assert report["seam_ratio"]["real"] > 0 and "shuffled" not in report["seam_ratio"]
    assert report["two_sample"]["real"]["clips"] == 12 and report["two_sample"]["generated_seen"]["accuracy"] is None


def test_what_is_missing_is_said_in_the_report(monkeypatch):
    def refuse(*features):
        raise UserError("nothing to classify with.")

    monkeypatch.setattr(examined, "told_apart", refuse)
    assert classified(np.zeros((20, 2)), np.zeros((20, 2))) == {"missing": "nothing to classify with."}


def test_no_number_is_none():
    assert examined.finite(float("nan")) is None and examined.finite(1.5) == 1.5


@pytest.mark.parametrize("name", ["median", "worst_tenth"])
def test_a_single_clip_has_an_interval(name):
    assert quantiles(np.array([30.0]))[f"{name}_interval"] == [30, 30]
