import io

import pytest
from PIL import Image

from minidit.experiments.ablation import (
    ALT,
    GROUPS,
    attributes_right,
    by_variant,
    cell,
    columns,
    differences,
    draw,
    gains,
    mean_over_seeds,
    note,
    of_group,
    sentences,
    tables,
    tasks,
)
from minidit.experiments.tasks import Options
from minidit.experiments.variants import BASE, PATCHES, TARGET, VARIANTS


def test_the_interval_of_three_seeds_by_hand():
    mean, half = mean_over_seeds([1.0, 2.0, 3.0])  # standard deviation 1
    assert (mean, half) == (2, pytest.approx(4.303 / 3**0.5))
    assert mean_over_seeds([5.0]) == (5, None)
    assert (cell([1.0, 2.0, 3.0], 2), cell([5.0], 1)) == ("2.00 ± 2.48", "5.0")


@pytest.mark.parametrize(("count", "student"), [(2, 12.706), (11, 2.228), (31, 2.042), (121, 1.980)])
def test_students_t_for_any_number_of_seeds(count, student):
    values = [0.0, 1.0] * (count // 2) + [0.5] * (count % 2)
    deviation = (sum((value - 0.5) ** 2 for value in values) / (count - 1)) ** 0.5
    assert mean_over_seeds(values)[1] == pytest.approx(student * deviation / count**0.5, rel=2e-3)


def test_results_are_sorted_by_variant_and_seed(results):
    shuffled = dict(reversed(results.items()))
    found = by_variant(shuffled)
    assert list(found) == list(VARIANTS)
    assert all(list(seeds) == [0, 1, 2] for seeds in found.values())
    assert found["rope"][2] is results["rope/seed 2"]


def test_attributes_are_the_mean_of_the_four():
    # right, strict, colour, shape, motion, sky, whole: eight clips right in all, two in half of the attributes
    assert attributes_right({"1111111": 8, "0011001": 2}) == pytest.approx(0.9)


def test_differences_are_between_equal_seeds():
    seeds = {0: {"loss": 2.0}, 1: {"loss": 5.0}, 2: {"loss": 7.0}}
    assert differences(seeds, {0: {"loss": 1.0}, 1: {"loss": 10.0}}) == [100, -50]


def test_gains_are_between_medians_of_all_clips_with_equal_seeds():
    of = lambda *values: {"fidelity": {"seen": [values[0]], "held_out": list(values[1:])}}  # noqa: E731
    assert gains({0: of(20, 30, 40), 1: of(1, 1), 2: of(9, 9)}, {0: of(20, 28, 90), 1: of(4, 6)}) == [2, -4]


def by_title(tables):
    """Title -> table."""
    return dict(table.removeprefix("## ").split("\n\n") for table in tables)


def test_a_table_for_the_block_one_for_the_time_and_one_for_target_and_patch(results):
    found = by_title(tables(results))
    assert list(found) == ["The block", "Where the time of known latents enters", "Target and patch"]
    rows = {title: [line.split(" | ") for line in table.splitlines()[2:]] for title, table in found.items()}
    assert len(rows["The block"]) == 11
    base, rms = rows["The block"][:2]
    assert base[0] == "| base: the paper's block" and base[4].startswith("2.0000 ± ") and base[5] == ""
    assert rms[4].startswith("2.1000") and rms[5].startswith("6.1 ± ")  # of 0.1 by 1, 2 and 3
    assert (base[6], base[7]) == ("29.67 ± 0.72", "") and rms[7].startswith("-0.07 ± ")
    times = rows["Where the time of known latents enters"]
    assert [row[5] == "" for row in times] == [True, False, False]
    assert times[0][4].startswith(f"{columns(by_variant(results)['time-channels'], 'known_loss')['loss'][1]:.4f}")
    assert [row[0] for row in rows["Target and patch"]] == ["| patch 2x1x1", "| patch 4x1x1"]
    assert rows["Target and patch"][0][1] == base[4]


def test_what_was_not_trained_is_left_out_or_empty(results):
    few = {key: value for key, value in results.items() if key.startswith(("base/", "noise-4x1x1/"))}
    found = by_title(tables(few))
    assert list(found) == ["The block", "Target and patch"]
    first, second = found["Target and patch"].splitlines()[2:]
    assert [bool(cell.strip()) for cell in first.split("|")[2:-1]] == [True] * 3 + [False] * 6
    assert [bool(cell.strip()) for cell in second.split("|")[2:-1]] == [False] * 3 + [True] * 3 + [False] * 3


def test_the_sentences_say_what_is_surely_better_or_worse():
    losses = {BASE: (1.0, 1.1, 1.2), "rope": (2.0, 2.3, 2.3), "swiglu": (0.5, 0.52, 0.61), "qk-norm": (0.9, 1.2, 1.2)}
    decibels = {BASE: (20, 21, 22), "rope": (20, 21, 22), "swiglu": (24, 25, 26.5), "qk-norm": (18, 19, 20.5)}
    counts = {"1111111": 8, "0011110": 2}
    found = {
        f"{name}/seed {seed}": {
            "loss": loss, "seen": counts, "held_out": counts,
            "fidelity": {"seen": [decibels[name][seed]], "held_out": [decibels[name][seed]]},
        }
        for name, seeds in losses.items()
        for seed, loss in enumerate(seeds)
    }
    assert sentences(found) == [
        "The block: compared with “base: the paper's block”, the loss is surely lower for “SwiGLU”; surely higher for "
        "“RoPE”; not surely different for “QK-norm”. The fidelity is surely lower for “QK-norm”; surely higher for "
        "“SwiGLU”; not surely different for “RoPE”."
    ]
    one_seed = {name: result for name, result in found.items() if name.endswith("0")}
    assert "not surely different for “QK-norm”, “RoPE” and “SwiGLU”" in sentences(one_seed)[0]


def test_the_sentences_name_the_best_target(results):
    results["velocity-4x1x1/seed 0"]["loss"] = -10
    said = sentences(results)[-1]
    assert said.startswith("Target and patch: the loss is lowest for “velocity, patch 4x1x1”. ")
    assert said.endswith(" The fidelity is highest for “base: the paper's block”, 29.7 ± 0.7 dB.")
    assert len(sentences(results)) == 3


def test_the_note_says_how_much_was_measured(results):
    assert "1.6 G multiply-accumulates" in note(results) and "10 clips for seen and 10 for held-out" in note(results)


def test_the_seeds_of_a_variant_have_the_same_plan_but_for_the_seed(tmp_path):
    one, two, *others = tasks(Options(tmp_path, seeds=2, variants=("cross", "data-" + "x".join(map(str, PATCHES[1])))))
    assert (one.name, two.name) == ("cross/seed 0", "cross/seed 1")
    assert one.plan == two.plan | {"seed": 0}
    assert one.plan["settings"]["dit"]["prompt"] == "cross"
    assert one.plan["training"]["steps"] < 800 < others[0].plan["training"]["steps"]
    assert one.state != two.state and one.codec


def size(png):
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.size


def test_each_group_has_its_rows(results):
    found = by_variant(results)
    rows = [name for group in GROUPS for name in of_group(found, group)]
    assert sorted(rows) == sorted([*VARIANTS, BASE])  # the base once more, beside the targets
    assert next(iter(of_group(found, TARGET))) == BASE
    few = {name: found[name] for name in (BASE, "rope")}
    assert of_group(few, TARGET) == {}


@pytest.mark.parametrize("seeds", [1, 3])
def test_it_grows_with_the_variants_and_needs_not_all_of_them(results, seeds):
    results = {key: value for key, value in results.items() if int(key[-1]) < seeds}
    few = {key: value for key, value in results.items() if key.startswith(("base/", "rope/"))}
    (width, height), (few_width, few_height) = size(draw(results)), size(draw(few))
    assert width == few_width and few_height < height / 2


def test_other_results_make_another_figure(results):
    before = draw(results)
    results["rope/seed 1"]["loss"] += 1
    assert draw(results) != before


def test_its_alt_text_says_what_is_seen():
    assert "95 % intervals" in ALT and "seeds" in ALT
