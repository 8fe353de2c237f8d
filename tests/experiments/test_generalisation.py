import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minidit.evaluation.cases import draw_real
from minidit.experiments import generalisation
from minidit.experiments.generalisation import (
    COUNTS,
    composition,
    draw,
    measure_small,
    measure_trained,
    note,
    sentences,
    small_models,
    tables,
    tasks,
    trained_model,
)
from minidit.experiments.tally import share
from minidit.experiments.tasks import Options
from minidit.world import HELD_OUT, SEEN
from minidit.world.split import first_seen

RIGHT, NO_SHAPE = "1111111", "0010111"


def counts(right, of=500):
    return {RIGHT: right, NO_SHAPE: of - right}


def made_up(seen=490, held_out=480, nearest=(0.11, 0.12), unseen=(50, 300), fall=0.0):
    """Results with so many of 500 clips right, and a fidelity that falls by so many dB on held-out combinations."""
    decibels = np.linspace(30, 32, 99)
    near = {
        kind: {"count": 100, "mean": mean, "std": 0.02, "least": 0.05}
        for kind, mean in zip(("made", "real"), nearest, strict=True)
    }
    found = {
        "generalisation/trained/seen/part 0": {
            "split": "seen", "made": counts(seen), "nearest": near, "fidelity": decibels.tolist(),
        },
        "generalisation/trained/held_out/part 0": {
            "split": "held_out", "made": counts(held_out), "nearest": None, "fidelity": (decibels - fall).tolist(),
        },
    }  # fmt: skip
    for combinations, right in zip((27, 321), unseen, strict=True):
        found[f"generalisation/{combinations} combinations/seed 0"] = {
            "combinations": combinations, "steps": 1000, "seen": counts(400), "unseen": counts(right),
            "fidelity": {"seen": [30.0], "unseen": [20 + right / 100, 21 + right / 100]},
        }  # fmt: skip
    return found


def test_small_models_see_more_and_more_and_all_are_asked_for_what_none_saw(tmp_path):
    found = [task for task in tasks(Options(tmp_path, tmp_path, "")) if task.codec]
    numbers = [task.arguments[1].combinations for task in found]
    assert numbers == sorted(numbers) == list(COUNTS)
    assert numbers[-1] == len(SEEN)
    assert all(not set(first_seen(number)) & set(HELD_OUT) for number in numbers)


def test_the_trained_model_is_measured(tiny_checkpoint):
    result = measure_trained(tiny_checkpoint, 4, "seen", [0, 0, 0])
    assert sum(result["made"].values()) == len(result["fidelity"]) == 4
    assert result == measure_trained(tiny_checkpoint, 4, "seen", [0, 0, 0]) | {"core_seconds": result["core_seconds"]}
    assert result["nearest"]["made"]["count"] == result["nearest"]["real"]["count"] == 4
    assert measure_trained(tiny_checkpoint, 4, "held_out", [0, 1, 0])["nearest"] is None


def test_fidelity_is_that_of_the_models_clips_beside_what_was_asked_for(tiny_checkpoint, monkeypatch):
    def perfect(model, part, sampling):
        return draw_real(part.attributes, np.random.default_rng(0), model.settings)

    monkeypatch.setattr(generalisation, "make", perfect)
    result = measure_trained(tiny_checkpoint, 3, "seen", [0, 0, 0])
    assert result["made"] == {RIGHT: 3}
    assert min(result["fidelity"]) > 60


def test_a_small_model_is_trained_on_what_it_is_told(smallest_settings, short_training, codec_file, tmp_path):
    training = replace(short_training, combinations=27)
    result = measure_small(smallest_settings, training, 0, codec_file, tmp_path / "state", 5)
    assert (result["combinations"], result["steps"]) == (27, 4)
    assert sum(result["seen"].values()) == sum(result["unseen"].values()) == 5
    assert len(result["fidelity"]["unseen"]) == 5


def test_parts_and_seeds_are_put_together():
    found = made_up()
    found["generalisation/trained/seen/part 1"] = found["generalisation/trained/seen/part 0"]
    found["generalisation/27 combinations/seed 1"] = found["generalisation/27 combinations/seed 0"]
    tallies, fidelities, nearest = trained_model(found)
    assert (len(fidelities["seen"]), len(fidelities["held_out"])) == (198, 99)
    assert sum(tallies["seen"].values()) == 1000
    assert nearest["made"]["count"] == 200
    (few, _, unseen, decibels), (many, *_) = small_models(found)
    assert decibels == [20.5, 21.5] * 2
    assert (few, many, sum(unseen.values())) == (27, 321, 1000)
    assert share(unseen) == 0.1


@pytest.mark.parametrize(
    ("held_out", "said"), [(480, "Confirmed"), (300, "Refuted"), (440, "Undecided"), (430, "Undecided")]
)
def test_the_verdict_follows_from_what_is_lost_on_held_out_combinations(held_out, said):
    assert sentences(made_up(held_out=held_out))[0].startswith(f"{said}: ")


@pytest.mark.parametrize(("fall", "said"), [(0.1, "Confirmed"), (5, "Refuted"), (1.0, "Undecided")])
def test_a_loss_of_fidelity_counts_where_right_says_nothing(fall, said):
    first, *_ = sentences(made_up(seen=500, held_out=500, fall=fall))
    assert first.startswith(f"{said}: ")
    assert f", a loss of {fall:.2f} [" in first


@pytest.mark.parametrize(("unseen", "said"), [((50, 300), " grows:"), ((200, 210), "does not surely grow")])
def test_growth_with_what_was_seen_is_said_only_where_it_is_sure(unseen, said):
    assert said in sentences(made_up(unseen=unseen))[2]


@pytest.mark.parametrize(("nearest", "said"), [((0.11, 0.12), "are not copies"), ((0.02, 0.12), "are copies")])
def test_copies_are_called_so(nearest, said):
    assert said in sentences(made_up(nearest=nearest))[3]


def test_what_a_difference_from_the_product_means():
    meanings = [composition(ends) for ends in ([0.1, 0.2], [-0.2, -0.1], [-0.1, 0.1])]
    assert meanings[0].endswith("in the same clips")
    assert meanings[1].startswith("a combination is harder")
    assert "independently" in meanings[2]


def test_the_tables_have_every_line():
    trained, small, distances = tables(made_up())
    assert "| held out | 96.0" in trained
    assert "| 27 (7%) | 80.0" in small and "| 321 (86%) |" in small
    assert "| generated | 0.1100 [0.1061, 0.1139] | 0.0500 | 100 |" in distances
    assert "1,000 steps" in note(made_up())
    assert all(table.splitlines()[0].endswith("fidelity, dB | worst tenth, dB |") for table in (trained, small))


def test_the_figure_has_the_shares_where_they_were_measured(monkeypatch):
    drawn = []
    monkeypatch.setattr(generalisation, "png_bytes", lambda figure: drawn.append(figure) or b"")
    draw(made_up())
    left, middle, right = drawn[0].axes
    joint = next(c for c in middle.containers if c.get_label() == "all four").lines[0]
    assert np.allclose(joint.get_xdata(), [27, 321]) and np.allclose(joint.get_ydata(), [10, 60])
    held_out = next(c for c in left.containers if c.get_label() == "held out").lines[0]
    assert held_out.get_ydata()[1] == pytest.approx(96)
    assert len(right.containers) == 2


def test_the_figure_is_a_png():
    assert Image.open(io.BytesIO(draw(made_up()))).size == (1950, 720)


def test_composition_is_judged_on_held_out_combinations():
    found = made_up()
    assert "independently" in sentences(found)[1]
    found["generalisation/trained/held_out/part 0"]["made"] = {RIGHT: 300, NO_SHAPE: 100, "0001111": 100}
    assert "a combination is harder than its attributes" in sentences(found)[1]


def test_a_small_model_is_asked_for_what_it_saw_and_for_what_none_saw(
    smallest_settings, short_training, codec_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(generalisation, "asked", lambda model, splits, count, seed, stream: splits)
    training = replace(short_training, combinations=27)
    result = measure_small(smallest_settings, training, 0, codec_file, tmp_path / "state", 5)
    assert result["seen"] == first_seen(27)
    assert result["unseen"] is HELD_OUT
