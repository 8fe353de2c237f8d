import numpy as np
import pytest

from minidit.evaluation.pixels import border_steps, decibels, mse, neighbour_psnr, psnr, seam_ratio


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


def test_an_even_slope_has_no_seam():
    slope = np.broadcast_to(np.linspace(0, 1, 16)[:, None, None], (2, 3, 16, 16, 3))
    both = slope + slope.swapaxes(2, 3)
    assert seam_ratio(both, (1, 8, 8)) == pytest.approx(1)


def test_a_seam_counts_as_much_as_it_is_steeper():
    rows = np.repeat(np.linspace(0, 1, 16)[:, None], 16, axis=1)
    columns = rows.T.copy()
    columns[:, 8:] += 2 / 15  # a step of three instead of one
    clips = np.broadcast_to((rows + columns)[None, None, :, :, None], (1, 2, 16, 16, 3))
    assert seam_ratio(clips, (1, 8, 8)) == pytest.approx((1 + 3) / 2)
    assert border_steps(clips, (1, 8, 8)) * 15 == pytest.approx(np.array([[[1, 1], [3, 1]]]))


@pytest.mark.parametrize("patch", [(1, 16, 16), (1, 1, 1)])
def test_without_borders_or_anything_else_there_is_no_ratio(patch, rng):
    assert np.isnan(seam_ratio(rng.random((1, 1, 16, 16, 3)), patch))


def test_a_plain_picture_has_no_ratio():
    assert np.isnan(seam_ratio(np.ones((1, 1, 16, 16, 3)), (1, 8, 8)))
