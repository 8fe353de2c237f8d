"""What the grader and a student's process say to each other."""

import numpy as np
import pytest

from minidit.course.grading.wire import BadMessage, decode, encode


@pytest.mark.parametrize(
    "message",
    [
        {"array": ["<f8", [1 << 50], 0]}, {"array": ["<f8", [-1], 0]}, {"array": ["<f8", [2], 5]},
        {"view": ["<f8", [9], 0, 0, [8]]}, {"view": ["<f8", [1], 0, -8, [8]]}, {"view": ["<f8", [2], 0, 0, [-8]]},
        {"array": ["O", [1], 0]}, {"array": [["<f8"], [1], 0]}, {"tuple": 3}, {"dict": [[{"list": []}, 1]]},
        {"unknown": 1}, {}, {"a": 1, "b": 2}, [1],
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(message):
    with pytest.raises(BadMessage):
        decode(message, [b"12345678"], [np.zeros(3)])


def test_values_survive_the_way():
    base = np.arange(6.0).reshape(2, 3)
    values = [
        None, ..., True, 3, 2.5, float("inf"), "é", (1, [2, (3,)], {"a": np.int8(4), 5: ()}), base.T, np.float32(0.5),
        np.zeros((0, 3)), np.array(1.0), np.array([True]), np.array([1j]), base[:, ::-1],
    ]  # fmt: skip
    for value in values:
        blocks = []
        back = decode(encode(value, blocks), blocks)
        assert type(back) is type(value)
        assert repr(back) == repr(value)


def test_a_view_of_an_input_is_a_view_of_ours():
    theirs, ours = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)
    for view in (theirs[1, ::-1], theirs.T, np.broadcast_to(theirs[0], (4, 3))):
        blocks = []
        back = decode(encode(view, blocks, [theirs]), blocks, [ours])
        assert np.shares_memory(back, ours) and not blocks
        assert np.array_equal(back, view)
