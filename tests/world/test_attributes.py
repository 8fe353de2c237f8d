import pytest

from minidit.errors import UserError
from minidit.world import ALL_ATTRIBUTES, COLORS, MOTIONS, PLAIN_SKIES, SHAPES, SKIES, Attributes
from minidit.world.attributes import NO_VALUE, attribute_indices


def test_the_world_has_every_combination_once():
    assert len(ALL_ATTRIBUTES) == len(set(ALL_ATTRIBUTES)) == 5 * 5 * 5 * 3


def test_no_name_means_two_things():
    names = COLORS + SHAPES + MOTIONS + SKIES
    assert len(names) == len(set(names))


def test_indices_point_at_the_names():
    for attributes, (color, shape, motion, sky) in zip(
        ALL_ATTRIBUTES, attribute_indices(ALL_ATTRIBUTES), strict=True
    ):
        assert attributes == (COLORS[color], SHAPES[shape], MOTIONS[motion], SKIES[sky])


def test_a_plain_sky_has_no_value_for_the_rest():
    indices = attribute_indices(PLAIN_SKIES)
    assert (indices[:, :3] == NO_VALUE).all() and indices[:, 3].tolist() == [0, 1, 2]


def test_no_attributes_give_an_empty_table():
    assert attribute_indices([]).shape == (0, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        Attributes("purple", "circle", "right", "day"),
        Attributes("red", None, "right", "day"),
        Attributes(None, None, None, None),
        ("red", "circle"),
        "a red circle",
        None,
    ],
)
def test_attributes_the_world_lacks_are_named(wrong):
    with pytest.raises(UserError, match="the toy world has no .*red, green, blue, yellow, white"):
        attribute_indices([ALL_ATTRIBUTES[0], wrong])
