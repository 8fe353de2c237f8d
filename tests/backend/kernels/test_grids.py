import numpy as np
import pytest

from minidit.backend.kernels.grids import ceil_div, distance, per_sample


@pytest.mark.parametrize(("count", "size", "pieces"), [(1, 4, 1), (4, 4, 1), (5, 4, 2), (8, 4, 2)])
def test_the_last_piece_may_be_partly_filled(count, size, pieces):
    assert ceil_div(count, size) == pieces


@pytest.mark.parametrize(
    ("modulation", "view", "apart"),
    [
        ((2, 6, 5), np.s_[:, 3], 30),
        ((2, 30), np.s_[:, 10:15], 30),
        ((4, 3, 6, 5), np.s_[:, :, 2], 30),
        ((4, 5), np.s_[:], 5),
        ((6, 5), np.s_[3], 5),
    ],
)
def test_vectors_of_a_larger_array_stay_where_they_are(rng, modulation, view, apart):
    vectors = rng.normal(size=modulation)[view]
    x = np.empty((*vectors.shape[:-1], 7, 5))
    assert per_sample(x, gate=vectors)[0] is vectors
    assert distance(vectors) == apart


@pytest.mark.parametrize(
    ("modulation", "view"),
    [((2, 5, 6), np.s_[:, :, 3]), ((2, 10), np.s_[:, ::2]), ((2, 4, 6, 5), np.s_[:, :3, 2])],
)
def test_vectors_without_one_distance_are_copied(rng, modulation, view):
    vectors = rng.normal(size=modulation)[view]
    (copy,) = per_sample(np.empty((*vectors.shape[:-1], 7, 5)), gate=vectors)
    np.testing.assert_array_equal(copy, vectors)
    assert copy.flags.c_contiguous and distance(copy) == 5


def test_a_vector_that_is_not_one_per_sample_is_refused():
    with pytest.raises(ValueError, match=r"gate has shape \(5,\), not \(2, 5\)"):
        per_sample(np.empty((2, 7, 5)), gate=np.empty(5))
