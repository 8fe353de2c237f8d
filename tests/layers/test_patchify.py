import numpy as np
import pytest

from minidit.layers import patchify, unpatchify
from minidit.layers.patchify import patch_grid, sizes_of_grid

PATCH, GRID, CHANNELS = (2, 3, 4), (5, 2, 3), 6
CLIP = (10, 6, 12, CHANNELS)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_unpatchify_undoes_patchify_and_patchify_unpatchify(rng, leading):
    x = rng.normal(size=(*leading, *CLIP))
    tokens = patchify(x, PATCH)
    assert tokens.shape == (*leading, 30, 24 * CHANNELS)
    np.testing.assert_array_equal(unpatchify(tokens, PATCH, GRID), x)
    y = rng.normal(size=tokens.shape)
    np.testing.assert_array_equal(patchify(unpatchify(y, PATCH, GRID), PATCH), y)


def test_each_is_the_others_gradient(rng):
    # A linear map's gradient is its adjoint: <patchify(x), y> == <x, unpatchify(y)>.
    x, y = rng.normal(size=(2, *CLIP)), rng.normal(size=(2, 30, 24 * CHANNELS))
    there, back = np.vdot(patchify(x, PATCH), y), np.vdot(x, unpatchify(y, PATCH, GRID))
    np.testing.assert_allclose(there, back, rtol=1e-12)


def test_tokens_run_over_frames_rows_columns_and_so_do_their_pixels(rng):
    x = rng.normal(size=CLIP)
    tokens = patchify(x, PATCH)
    (pf, ph, pw), (_, r, c) = PATCH, GRID
    for i, j, k in np.ndindex(GRID):
        block = x[i * pf : (i + 1) * pf, j * ph : (j + 1) * ph, k * pw : (k + 1) * pw]
        np.testing.assert_array_equal(tokens[(i * r + j) * c + k], block.ravel())


def test_a_picture_cut_by_hand():
    picture = np.array([[1, 2, 5, 6], [3, 4, 7, 8]]).reshape(1, 2, 4, 1)
    np.testing.assert_array_equal(patchify(picture, (1, 2, 2)), [[1, 2, 3, 4], [5, 6, 7, 8]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_any_dtype_stays_and_the_clip_is_not_written_to(dtype):
    x = np.arange(np.prod(CLIP)).reshape(CLIP).astype(dtype)
    x.setflags(write=False)
    tokens = patchify(x, PATCH)
    tokens.setflags(write=False)
    assert tokens.dtype == unpatchify(tokens, PATCH, GRID).dtype == dtype


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ((11, 6, 12, 1), "11 frames do not divide into patches of 2"),
        ((10, 7, 12, 1), "7 rows do not divide into patches of 3"),
        ((10, 6, 13, 1), "13 columns do not divide into patches of 4"),
    ],
)
def test_a_size_that_does_not_divide_is_named(shape, complaint):
    with pytest.raises(ValueError, match=complaint):
        patchify(np.zeros(shape), PATCH)


def test_tokens_that_do_not_fill_the_grid_are_refused():
    with pytest.raises(ValueError, match="29 tokens do not fill a grid of 5 × 2 × 3"):
        unpatchify(np.zeros((29, 24)), PATCH, GRID)
    with pytest.raises(ValueError, match="width 25 do not divide into patches of 2 × 3 × 4"):
        unpatchify(np.zeros((30, 25)), PATCH, GRID)


def test_a_grid_holds_a_clip_and_a_clip_of_whole_patches_exactly():
    assert patch_grid((9, 32, 48), (1, 8, 8)) == (9, 4, 6)
    assert patch_grid((9, 33, 48), (2, 8, 8)) == (5, 5, 6)
    assert sizes_of_grid((9, 4, 6), (1, 8, 8)) == (9, 32, 48)
