import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import embedding_backward, embedding_forward


@pytest.mark.parametrize("shape", [(), (4,), (2, 4), (2, 3, 4)])
def test_gradients_with_any_shape_of_ids(rng, shape):
    check_gradients(embedding_forward, embedding_backward, rng.integers(0, 6, shape), rng.normal(size=(6, 5)))


def test_each_id_fetches_its_row(rng):
    table = rng.normal(size=(6, 5))
    ids = np.array([[3, 0], [5, 3]])
    y, _ = embedding_forward(ids, table)
    for i in np.ndindex(2, 2):
        np.testing.assert_array_equal(y[i], table[ids[i]])


def test_a_word_that_occurs_twice_gets_both_gradients_and_an_absent_one_none():
    _, cache = embedding_forward(np.array([[1, 2], [0, 1]]), np.zeros((4, 2)))
    dtable = embedding_backward(np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [10.0, 20.0]]]), cache)
    np.testing.assert_array_equal(dtable, [[5, 6], [11, 22], [3, 4], [0, 0]])


def test_float32_stays_float32(rng, run_float32):
    ids = np.array([[1, 2, 1], [0, 1, 4]])
    run_float32(embedding_forward, embedding_backward, ids, rng.normal(size=(5, 4)))


def test_an_id_beyond_the_table_is_refused():
    with pytest.raises(IndexError):
        embedding_forward(np.array([4]), np.zeros((4, 2)))
