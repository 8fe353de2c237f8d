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
