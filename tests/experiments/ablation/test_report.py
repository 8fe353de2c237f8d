import pytest

from minidit.experiments.ablation.report import (
    attributes_right,
    by_variant,
    cell,
    differences,
    mean_interval,
    measures,
    tables,
)
from minidit.experiments.ablation.variants import VARIANTS


def test_the_interval_of_three_seeds_by_hand():
    mean, half = mean_interval([1.0, 2.0, 3.0])  # standard deviation 1
    assert (mean, half) == (2, pytest.approx(4.303 / 3**0.5))
    assert mean_interval([5.0]) == (5, None)
    assert (cell([1.0, 2.0, 3.0], 2), cell([5.0], 1)) == ("2.00 ± 2.48", "5.0")


@pytest.mark.parametrize(("count", "student"), [(2, 12.706), (11, 2.228), (31, 2.042), (121, 1.980)])
def test_students_t_for_any_number_of_seeds(count, student):
    values = [0.0, 1.0] * (count // 2) + [0.5] * (count % 2)
    deviation = (sum((value - 0.5) ** 2 for value in values) / (count - 1)) ** 0.5
    assert mean_interval(values)[1] == pytest.approx(student * deviation / count**0.5, rel=2e-3)


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


def test_a_table_for_the_block_one_for_the_time_and_one_for_target_and_patch(results):
    found = tables(results)
    assert list(found) == ["The block", "Where the time of what is given enters", "Target and patch"]
    rows = {title: [line.split(" | ") for line in table.splitlines()[2:]] for title, table in found.items()}
    assert len(rows["The block"]) == 10
    base, rms = rows["The block"][:2]
    assert base[0] == "| base: the paper's block" and base[4].startswith("2.0000 ± ") and base[5] == ""
    assert rms[4].startswith("2.1000") and rms[5].startswith("6.1 ± ")  # of 0.1 by 1, 2 and 3
    times = rows["Where the time of what is given enters"]
    assert [row[5] == "" for row in times] == [True, False, False]
    assert times[0][4].startswith(f"{measures(by_variant(results)['time-marks'], 'given_loss')['loss'][1]:.4f}")
    assert [row[0] for row in rows["Target and patch"]] == ["| patch 2x1x1", "| patch 4x1x1"]
    assert rows["Target and patch"][0][1] == base[4]


def test_what_was_not_trained_is_left_out_or_empty(results):
    few = {key: value for key, value in results.items() if key.startswith(("base/", "noise-4x1x1/"))}
    found = tables(few)
    assert list(found) == ["The block", "Target and patch"]
    first, second = found["Target and patch"].splitlines()[2:]
    assert [bool(cell.strip()) for cell in first.split("|")[2:8]] == [True, True, False, False, False, False]
    assert [bool(cell.strip()) for cell in second.split("|")[2:8]] == [False, False, True, True, False, False]
