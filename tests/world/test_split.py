from itertools import combinations, product

from minidit.world import ALL_ATTRIBUTES, COLORS, HELD_OUT, MOTIONS, SEEN, SHAPES, SKIES, Attributes

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
