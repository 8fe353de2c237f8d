from minidit.world import Attributes
from minidit.world.reading import STRICT_OVERLAP, Reading

RED_CIRCLE = Attributes("red", "circle", "right", "day")


def test_right_needs_all_four_attributes_and_no_fault():
    assert Reading(*RED_CIRCLE, iou=0.6).right(RED_CIRCLE)
    assert not Reading(*RED_CIRCLE, iou=0.9, faults=("the object is cut by the edge",)).right(RED_CIRCLE)
    for field, other in zip(RED_CIRCLE._fields, ("blue", "ring", "still", "night"), strict=True):
        assert not Reading(*RED_CIRCLE, iou=0.9).right(RED_CIRCLE._replace(**{field: other}))


def test_strict_needs_right_and_more_overlap_than_the_bound():
    assert Reading(*RED_CIRCLE, iou=STRICT_OVERLAP + 0.01).strict(RED_CIRCLE)
    assert not Reading(*RED_CIRCLE, iou=STRICT_OVERLAP).strict(RED_CIRCLE)
    assert not Reading(*RED_CIRCLE, iou=0.9).strict(RED_CIRCLE._replace(color="blue"))
    assert not Reading(*RED_CIRCLE, iou=0.9, faults=("no sky that the world has",)).strict(RED_CIRCLE)


def test_whole_means_without_fault():
    assert Reading(*RED_CIRCLE, iou=0.9).whole
    assert not Reading(*RED_CIRCLE, iou=0.9, faults=("no sky that the world has",)).whole


def test_the_motion_counts_only_where_it_is_asked_for_and_can_be_seen():
    picture = RED_CIRCLE._replace(motion=None)
    for reading in (Reading(*picture, iou=0.9), Reading(*RED_CIRCLE, iou=0.9)):
        assert reading.right(picture) and reading.strict(picture)
        assert not reading.right(picture._replace(shape="ring"))
    assert Reading(*picture, iou=0.9).right(RED_CIRCLE)
    assert not Reading(*picture, iou=0.9).right(RED_CIRCLE._replace(color="blue"))
    assert not Reading(*picture, iou=0.9, faults=("the object is cut by the edge",)).right(RED_CIRCLE)


def test_a_plain_sky_is_right_for_itself_alone():
    sky = Attributes(None, None, None, "day")
    assert Reading(*sky, iou=1.0).strict(sky)
    assert not Reading(*sky, iou=1.0).right(sky._replace(sky="night"))
    assert not Reading(*sky, iou=1.0).right(RED_CIRCLE)
    assert not Reading(*sky, iou=1.0).right(RED_CIRCLE._replace(motion=None))
    assert not Reading(*RED_CIRCLE, iou=0.9).right(sky)
