import io

import numpy as np
import pytest
from PIL import Image

from minidit.experiments import expressiveness
from minidit.experiments.expressiveness import KINDS, SPLITS, compared, draw, measure, pooled, sentences, tables, tasks
from minidit.experiments.tasks import Options
from minidit.world import HELD_OUT, SEEN

NAMES = ("x", "y", "speed", "size", "brightness")


def made_up(squeezed=None, clips=150):
    """Uniform draws for generated and real clips alike, but for a quantity that generated ones draw from a tenth of."""
    rng, found = np.random.default_rng(0), {}
    for split in SPLITS:
        result = {"split": split}
        for kind in KINDS:
            drawn = rng.random((len(NAMES), clips))
            values = {name: values.tolist() for name, values in zip(NAMES, drawn, strict=True)}
            if kind == "made" and squeezed:
                values[squeezed] = [0.5 + 0.1 * value for value in values[squeezed]]
            result[kind] = values
        found[f"expressiveness/{split}/part 0"] = result
    return found


def test_both_splits_are_measured(tmp_path):
    names = {task.name for task in tasks(Options(tmp_path, tmp_path, ""))}
    assert {name.split("/")[1] for name in names} == set(SPLITS)


def test_clips_of_a_model_and_two_different_sets_of_real_ones_are_measured(tiny_checkpoint):
    result = measure(tiny_checkpoint, 4, "seen", [0, 0])
    assert all(len(result[kind][name]) == 4 for kind in KINDS for name in NAMES)
    assert result["real"]["size"] != result["more_real"]["size"]
    assert None not in result["real"]["size"]


def test_all_parts_are_pooled_and_nothing_stands_for_nothing():
    found = made_up(clips=5)
    found["expressiveness/seen/part 0"]["made"]["x"][0] = None
    values = pooled(found)
    assert len(values["made"]["x"]) == 10
    assert np.isnan(values["made"]["x"]).sum() == 1
    assert len(pooled(found, ("seen",))["real"]["y"]) == 5


def test_variety_like_that_of_real_clips_is_said_to_be_covered():
    assert sentences(made_up())[0].startswith("Confirmed: ")
    assert len(sentences(made_up())) == 2


def test_what_is_covered_too_little_is_named():
    said = sentences(made_up("speed"))
    assert said[0].startswith("Refuted: ")
    assert "(least: distance travelled)" in said[0]
    assert said[1] == "Covered, but in other proportions than in real clips: distance travelled."
    assert "that of distance travelled: Kolmogorov-Smirnov 0.5" in said[2]
    assert said[3].startswith("Covered too little: distance travelled (")


def test_a_claim_is_partly_confirmed_if_all_is_covered_in_other_proportions():
    found = made_up()
    for result in found.values():  # nine in ten of the clips are in the lower half
        result["made"]["size"] = [v if i % 10 == 0 else v / 2 for i, v in enumerate(result["made"]["size"])]
    said = sentences(found)
    assert said[0].startswith("Partly confirmed: ")
    assert said[1] == "Covered, but in other proportions than in real clips: radius."


def test_a_model_that_shows_no_objects_covers_nothing():
    found = made_up(clips=5)
    for result in found.values():
        result["made"] = {name: [None] * 5 for name in NAMES}
    assert compared(found) is None
    assert sentences(found) == ["Refuted: no generated clip shows an object."]
    assert tables(found)[0].count("\n") == 1
    assert draw(found).startswith(b"\x89PNG")


def test_the_table_has_each_quantity_for_all_and_for_each_split():
    (table,) = tables(made_up())
    assert table.count("\n") == 1 + 3 * (len(NAMES) + 1)
    assert "| radius, held out | 150 |" in table


def test_the_figure_is_a_png():
    assert Image.open(io.BytesIO(draw(made_up()))).size == (2100, 560)
    assert draw(made_up()) != draw(made_up("speed"))


def test_the_control_is_compared_with_the_same_real_clips():
    made, control = compared(made_up("size"))
    assert made["size"]["coverage"] < 0.4 < control["size"]["coverage"]
    assert control["x"]["ks"] > 0  # others, not the same ones once more
    assert made["x"]["coverage"] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("split", "combinations"), [("seen", SEEN), ("held_out", HELD_OUT)])
def test_it_is_the_models_clips_of_the_split_that_are_measured(split, combinations, tiny_checkpoint, monkeypatch):
    asked = []

    def dark(model, part, sampling):
        asked.extend(part.attributes)
        return np.zeros((len(part.attributes), 8, 16, 16, 3), np.float32)

    monkeypatch.setattr(expressiveness, "make", dark)
    result = measure(tiny_checkpoint, 4, split, [0, 0])
    assert set(asked) <= set(combinations)
    assert result["made"]["x"] == [None] * 4  # there is no object in the dark
