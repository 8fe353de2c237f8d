"""A sum, an axis, a pairing too many: said of any function, with the axes by their names."""

import sys
from pathlib import Path

import numpy as np

from minidit.course.engine import examine

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_exercises import made


def test_axes_are_called_by_what_there_is_so_much_of():
    rectangle = made(
        lambda x: x * 2, ("y",), np.arange(6.0).reshape(2, 3), random=lambda rng: (rng.normal(size=(4, 5)),),
        sizes=lambda x: {"tokens": x.shape[0], "channels": x.shape[1]},
    )  # fmt: skip
    assert "y has shape (3,); expected (2, 3): it is summed over the tokens (axis 0)." in str(
        examine(rectangle, lambda x: (2 * x).sum(axis=0))
    )
    forgot = made(
        lambda x: x.sum(axis=0) + 0.0, ("db",), np.arange(12.0).reshape(2, 3, 2),
        random=lambda rng: (rng.normal(size=(4, 5, 3)),), sizes=lambda x: {"clips": x.shape[0], "tokens": x.shape[1]},
    )  # fmt: skip
    report = examine(forgot, lambda x: x + 0 * x[:1] - 0.0 + x - x)
    assert "db has shape (2, 3, 2); expected (3, 2)" in str(report)


def test_a_forgotten_sum_is_named():
    backward = made(
        lambda dy, x: (dy * x).sum(axis=(0, 1)), ("dscale",), np.ones((2, 3, 4)), np.arange(24.0).reshape(2, 3, 4),
        random=lambda rng: (rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3))),
        sizes=lambda dy, x: {"clips": dy.shape[0], "tokens": dy.shape[1]},
    )  # fmt: skip
    report = examine(backward, lambda dy, x: (dy * x).sum(axis=1))
    assert report.slip == "forgot to sum"
    assert "expected (4,): yours would have to be summed over the clips (axis 0)." in str(report)
    assert examine(backward, lambda dy, x: dy * x).slip == "forgot to sum"


def test_two_vectors_of_which_one_stands_make_a_table():
    exercise = made(
        lambda x, y: x[:, 0] - y, ("d",), np.array([[1.0], [3.0]]), np.array([5.0, 9.0]),
        random=lambda rng: (rng.normal(size=(4, 1)), rng.normal(size=4)),
    )  # fmt: skip
    report = examine(exercise, lambda x, y: x - y)
    assert report.slip == "every pair"
    assert "d has shape (2, 2); expected (2,): each number met every other." in str(report)
