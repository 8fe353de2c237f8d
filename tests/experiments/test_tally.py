import numpy as np
import pytest

from minidit.evaluation.intervals import wilson_interval
from minidit.evaluation.scores import JUDGED
from minidit.experiments.tally import (
    difference,
    interval,
    joint_beside_product,
    mean_interval,
    merged,
    merged_moments,
    moments,
    product_of_shares,
    share,
    successes,
    tally,
    total,
)

# right, strict, color, shape, motion, sky, whole
ALL, NO_COLOR, NO_SHAPE, TORN = "1111111", "0001111", "0010111", "0011110"


def test_judged_clips_are_counted_by_pattern():
    judged = np.array([[digit == "1" for digit in pattern] for pattern in (ALL, NO_COLOR, ALL)])
    assert tally(judged) == {ALL: 2, NO_COLOR: 1}
    assert judged.shape[1] == len(JUDGED)


def test_shares_follow_from_the_counts():
    counts = {ALL: 6, NO_COLOR: 3, TORN: 1}
    assert total(counts) == 10
    assert [share(counts, name) for name in ("right", "color", "shape", "whole")] == [0.6, 0.7, 1.0, 0.9]
    assert interval(counts) == wilson_interval(6, 10)


def test_all_four_attributes_don_t_ask_for_a_whole_object():
    assert successes({ALL: 6, TORN: 1, NO_COLOR: 3}, "joint") == 7


def test_the_product_of_the_marginals_of_a_case_by_hand():
    # Colour right in 8 of 10, shape in 5, the others always; both at once in 3: apart they would come to 4.
    counts = {ALL: 3, NO_SHAPE: 5, NO_COLOR: 2}
    assert product_of_shares(counts) == pytest.approx(0.8 * 0.5)
    found, (low, high) = joint_beside_product(counts)
    assert found == pytest.approx(0.3 - 0.4)
    assert low < found < high


def test_attributes_that_go_wrong_by_themselves_are_no_different_from_the_product():
    apart = {ALL: 360, NO_COLOR: 40, NO_SHAPE: 540, "0000111": 60}  # 90 % times 40 %
    found, (low, high) = joint_beside_product(apart)
    assert found == pytest.approx(0)
    assert low < 0 < high


@pytest.mark.parametrize(
    ("counts", "sign"), [({ALL: 500, "0000111": 500}, 1), ({NO_COLOR: 500, NO_SHAPE: 500}, -1)], ids=["with", "against"]
)
def test_attributes_that_go_wrong_together_or_never_together_are_told_apart(counts, sign):
    found, ends = joint_beside_product(counts)
    assert found == pytest.approx(0.25 * sign)
    assert all(np.sign(end) == sign for end in ends)


def test_the_difference_of_two_shares_has_newcombes_interval():
    # Newcombe 1998, table II, example (a): 56 of 70 and 48 of 80; method 10 gives 0.0524 to 0.3339.
    found, (low, high) = difference({ALL: 56, NO_COLOR: 14}, {ALL: 48, NO_COLOR: 32})
    assert found == pytest.approx(0.2)
    assert (low, high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_tallies_add_up():
    assert merged([{ALL: 2}, {ALL: 1, TORN: 1}]) == {ALL: 3, TORN: 1}


def test_moments_of_parts_are_those_of_the_whole(rng):
    values = rng.normal(size=30)
    parts = merged_moments([moments(values[:7]), moments(values[7:])])
    assert parts == pytest.approx(moments(values))
    assert parts["least"] == values.min()
    low, high = mean_interval(parts)
    assert high - low == pytest.approx(2 * 1.96 * values.std(ddof=1) / 30**0.5, rel=1e-3)


def test_an_object_in_pieces_is_no_attribute_that_goes_wrong():
    found, _ = joint_beside_product({ALL: 5, TORN: 5})
    assert found == 0
