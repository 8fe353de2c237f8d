import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import embedding
from minidit.layers import embedding_backward, embedding_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, to_device


def looked_up(V, D, *shape):
    """A case with random ids, which repeat where there are more of them than words."""

    def case(xp, rng):
        ids = rng.integers(0, V, shape)
        table, dy = normal(rng, (V, D), (*shape, D))
        on_device = to_device(xp, dy)
        dtable = embedding.embedding_backward(*on_device, (xp.asarray(ids), (V, D)))

        _, right_cache = embedding_forward(ids, table)
        return pairs((dtable, *on_device), (embedding_backward(dy, right_cache), dy))

    return case


CASES = {
    "one id, more columns than threads": looked_up(3, 300, 1),
    "one word": looked_up(1, 5, 9),
    "as many columns as threads": looked_up(4, 128, 6),
    "words that repeat": looked_up(7, 33, 4, 12),
    "words that nobody used": looked_up(50, 17, 2, 3),
    "a single id without an axis": looked_up(3, 5),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_gradient_of_the_table_agrees_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = looked_up(3, 150, 40)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_the_first_and_the_last_word_get_their_rows_and_the_others_exactly_zero(xp):
    ids = xp.asarray(np.array([[0, 4], [4, 0]]))
    dy = xp.asarray(np.arange(1, 5, dtype=np.float32).reshape(2, 2, 1))
    np.testing.assert_array_equal(embedding.embedding_backward(dy, (ids, (5, 1))).get(), [[5], [0], [0], [0], [5]])


def test_ids_may_be_part_of_a_larger_array_and_of_fewer_bytes(xp, rng):
    ids = np.array([[2, 0, 1], [1, 1, 2]])
    (dy,) = to_device(xp, *normal(rng, (2, 2, 5)))
    expected = embedding.embedding_backward(dy, (xp.asarray(ids[:, :2].copy()), (3, 5))).get()
    for given in (xp.asarray(ids)[:, :2], xp.asarray(ids.astype(np.int32))[:, :2]):
        np.testing.assert_array_equal(embedding.embedding_backward(dy, (given, (3, 5))).get(), expected)


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    (dy,) = to_device(xp, *normal(rng, (2, 5)))
    with pytest.raises(ValueError, match=r"dy has shape \(2, 5\), not \(3, 5\)"):
        embedding.embedding_backward(dy, (xp.asarray(np.array([0, 1, 2])), (3, 5)))
