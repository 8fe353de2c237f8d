from itertools import combinations, product

import pytest

from minidit.world import ALL_ATTRIBUTES, COLORS, HELD_OUT, MOTIONS, SEEN, SHAPES, SKIES, Attributes
from minidit.world.split import first_seen

VALUES = (COLORS, SHAPES, MOTIONS, SKIES)


def values_at(attributes, columns):
    return {tuple(a[column] for column in columns) for a in attributes}


def test_every_combination_is_either_seen_or_held_out():
    assert set(SEEN) | set(HELD_OUT) == set(ALL_ATTRIBUTES)
    assert not set(SEEN) & set(HELD_OUT)
    assert len(SEEN) + len(HELD_OUT) == len(ALL_ATTRIBUTES)


def test_at_least_twelve_percent_are_held_out():
    assert 0.12 <= len(HELD_OUT) / len(ALL_ATTRIBUTES) <= 0.16


def test_every_value_pair_and_triple_is_seen():
    for order in (1, 2, 3):
        for columns in combinations(range(4), order):
            assert values_at(SEEN, columns) == set(product(*(VALUES[column] for column in columns)))


def test_every_value_and_every_pair_of_sky_and_motion_is_held_out_somewhere():
    for column in range(4):
        assert values_at(HELD_OUT, (column,)) == {(value,) for value in VALUES[column]}
    assert values_at(HELD_OUT, (2, 3)) == set(product(MOTIONS, SKIES))


def test_the_rule_never_moves():
    # A checkpoint's honesty depends on it: what it was trained on must stay seen.
    for index, attributes in enumerate(product(*VALUES)):
        color, shape, motion, sky = index // 75, index // 15 % 5, index // 3 % 5, index % 3
        held_out = (color + 2 * shape + 3 * motion + 4 * sky) % 7 == 0
        assert (Attributes(*attributes) in HELD_OUT) == held_out


def test_the_first_combinations_are_seen_ones_and_more_of_them_begin_with_fewer():
    assert set(first_seen(321)) == set(SEEN) == set(first_seen())
    assert first_seen() is SEEN
    for fewer, more in ((27, 54), (54, 107), (107, 321)):
        assert first_seen(more)[:fewer] == first_seen(fewer)
        assert len(set(first_seen(fewer))) == fewer


@pytest.mark.parametrize("count", [27, 54, 107, 214])
def test_of_few_combinations_every_value_is_seen_about_equally_often(count):
    for column, values in enumerate(VALUES):
        times = [sum(a[column] == value for a in first_seen(count)) for value in values]
        assert max(times) - min(times) <= 3 and min(times) > 0


def test_54_combinations_have_all_pairs_and_no_triple_twice():
    for columns in combinations(range(4), 2):
        assert values_at(first_seen(54), columns) == set(product(*(VALUES[column] for column in columns)))
    for columns in combinations(range(4), 3):
        assert len(values_at(first_seen(54), columns)) == 54


@pytest.mark.parametrize("count", [0, 322])
def test_an_impossible_number_of_combinations_is_refused(count):
    with pytest.raises(ValueError, match=f"the number of combinations was {count}: give 1 to 321"):
        first_seen(count)
