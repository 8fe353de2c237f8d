import numpy as np
import pytest

from minidit.evaluation.pixels import decibels, mse, neighbour_psnr, psnr


def test_the_ratio_of_a_known_error(rng):
    a = rng.random((2, 3, 4, 5, 3)) * 0.5
    assert psnr(a, a + 0.1) == pytest.approx([20, 20])
    assert psnr(a, a + np.array([0.1, 0.01]).reshape(2, 1, 1, 1, 1)) == pytest.approx([20, 40])
    assert np.isinf(psnr(a, a)).all()


def test_only_the_chosen_pixels_count(rng):
    a = rng.random((2, 2, 8, 16, 3))
    b = a + 0.1
    b[:, :, :, 8:] += 0.7
    left = np.broadcast_to(np.arange(16) < 8, (8, 16))
    assert psnr(a, b, left) == pytest.approx([20, 20])
    assert psnr(a, b) == pytest.approx(decibels(np.full(2, (0.01 + 0.64) / 2)))
    assert np.isnan(psnr(a, b, np.zeros((8, 16), bool))).all()


def test_many_clips_as_one(rng):
    a, b = rng.random((2, 4, 2, 6, 6, 3))
    as_one = psnr(a.reshape(1, 8, 6, 6, 3), b.reshape(1, 8, 6, 6, 3))[0]
    assert decibels(mse(a, b).mean()) == pytest.approx(as_one)


def test_bytes_and_float32_are_compared_in_float64():
    a, b = np.zeros((1, 1, 2, 2, 3), np.uint8), np.ones((1, 1, 2, 2, 3), np.uint8)
    assert mse(a, b) == mse(b, a) == 1


def test_neighbouring_frames_are_compared_with_those_before():
    clips = np.zeros((1, 3, 2, 2, 3))
    clips[0, 1:] = 0.1
    assert neighbour_psnr(clips) == pytest.approx(decibels(0.01 / 2))


def test_a_single_frame_has_no_neighbour():
    assert np.isnan(neighbour_psnr(np.zeros((2, 1, 4, 4, 3)))).all()


def test_what_is_not_chosen_may_be_unknown():
    a = np.zeros((1, 1, 2, 2, 3))
    a[0, 0, 0, 0] = np.nan
    where = np.array([[False, True], [True, True]])
    assert mse(a, np.full_like(a, 0.5), where) == 0.25
    assert np.isnan(mse(a, a))


@pytest.mark.parametrize("shapes", [((1, 2, 4, 4, 3), (1, 1, 4, 4, 3)), ((2, 4, 4, 3), (2, 4, 4, 3))], ids=str)
def test_clips_of_different_shapes_and_single_clips_are_refused(shapes):
    with pytest.raises(ValueError, match="one shape"):
        psnr(*map(np.zeros, shapes))
