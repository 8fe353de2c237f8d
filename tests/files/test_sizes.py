import numpy as np
import pytest

from minidit.errors import UserError
from minidit.files.accepted import SIZES
from minidit.files.sizes import check_size, fitted, shrunk


def noise(height, width):
    """A frame of noise, no two neighbours alike."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def test_only_what_is_too_large_is_shrunk_and_never_too_far():
    def blocks(size, factor):
        return noise(size, size)[None].repeat(factor, axis=1).repeat(factor, axis=2)

    assert shrunk(blocks(24, 2)).shape == (1, 48, 48, 3)  # fits as it is
    assert shrunk(blocks(40, 3)).shape == (1, 40, 40, 3)
    assert shrunk(blocks(16, 16)).shape == (1, 32, 32, 3)  # 16 would be too small
    spoilt = blocks(32, 8)
    spoilt[0, -1, -1, 2] ^= 1
    assert shrunk(spoilt).shape == (1, 256, 256, 3)


def test_every_frame_has_a_say_in_how_far_to_shrink():
    small = noise(32, 32)
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    flat = np.zeros_like(large)
    assert shrunk(np.stack([flat, large])).shape == (2, 32, 32, 3)


@pytest.mark.parametrize("size", [(height, width) for height in (1, 20, 36, 48, 500) for width in (8, 30, 40, 4000)])
def test_the_size_that_is_suggested_fits(size):
    with pytest.raises(UserError) as caught:
        check_size("a.png", *size)
    width, height = map(int, str(caught.value).removesuffix(".").split("resized to ")[1].split(" x "))
    check_size("a.png", height, width)
    assert (height, width) in SIZES


def test_a_new_pixel_is_the_mean_of_the_area_that_it_covers(rng):
    frame = rng.random((12, 20, 3), dtype=np.float32)
    small = fitted(frame, 3, 5)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, frame.reshape(3, 4, 5, 4, 3).mean(axis=(1, 3)), atol=1e-6)
    column = np.arange(3.0)[:, None]  # 3 pixels to 2: each new one covers one and a half
    np.testing.assert_allclose(fitted(column.repeat(3, axis=1), 2, 2)[:, 0], [1 / 3, 5 / 3], atol=1e-6)


def test_enlarging_by_a_whole_factor_repeats_pixels(rng):
    frame = rng.random((4, 6))
    np.testing.assert_allclose(fitted(frame, 12, 18), frame.repeat(3, axis=0).repeat(3, axis=1), atol=1e-6)


@pytest.mark.parametrize(("shape", "rows", "columns"), [((32, 96), (0, 32), (32, 64)), ((80, 32), (24, 56), (0, 32))])
def test_what_overhangs_is_cut_off_at_both_ends(shape, rows, columns, rng):
    frame = rng.random(shape, dtype=np.float32)
    assert np.allclose(fitted(frame, 32, 32), frame[slice(*rows), slice(*columns)], atol=1e-6)
