import math

import numpy as np
import pytest

from minidit.layers import patchify, sincos_positions


def sincos(position, width):
    """facebookresearch/DiT's get_1d_sincos_pos_embed_from_grid, one number at a time: sines, then cosines."""
    angles = [position / 10000 ** (i / (width / 2)) for i in range(width // 2)]
    return [math.sin(a) for a in angles] + [math.cos(a) for a in angles]


@pytest.mark.parametrize("width", [4, 8, 12])
def test_one_frame_agrees_with_dit_column_first_then_row(width):
    positions = sincos_positions((1, 3, 4), width, dtype=np.float64)
    expected = [
        sincos(column, width // 2) + sincos(row, width // 2) for row in range(3) for column in range(4)
    ]
    np.testing.assert_allclose(positions, expected, rtol=1e-12, atol=1e-14)


def test_a_square_frame_agrees_with_dits_own_meshgrid():
    # get_2d_sincos_pos_embed with its line "here w goes first"
    size, width = 5, 16
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=0).reshape(2, -1)
    omega = 1.0 / 10000 ** (np.arange(width // 4) / (width / 4))
    halves = [np.concatenate([np.sin(np.outer(p, omega)), np.cos(np.outer(p, omega))], axis=1) for p in grid]
    positions = sincos_positions((1, size, size), width, dtype=np.float64)
    np.testing.assert_allclose(positions, np.concatenate(halves, axis=1), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("width", "parts"), [(6, (2, 2, 2)), (128, (44, 42, 42)), (16, (8, 4, 4))])
def test_several_frames_get_a_part_for_frame_column_and_row(width, parts):
    positions = sincos_positions((2, 3, 4), width, dtype=np.float64)
    expected = [
        sincos(frame, parts[0]) + sincos(column, parts[1]) + sincos(row, parts[2])
        for frame in range(2)
        for row in range(3)
        for column in range(4)
    ]
    np.testing.assert_allclose(positions, expected, rtol=1e-12, atol=1e-14)


def test_positions_are_in_the_order_of_patchify():
    # A clip whose pixels hold their own frame, row and column; patches of one pixel.
    clip = np.moveaxis(np.indices((2, 3, 4)), 0, -1).astype(np.float64)
    tokens = patchify(clip, (1, 1, 1))  # 24, 3
    expected = [sincos(f, 2) + sincos(c, 2) + sincos(r, 2) for f, r, c in tokens]
    np.testing.assert_allclose(sincos_positions((2, 3, 4), 6, np.float64), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("grid", [(1, 6, 7), (5, 6, 7)])
def test_no_two_tokens_share_a_position(grid):
    assert len(np.unique(sincos_positions(grid, 24), axis=0)) == math.prod(grid)


def test_float32_is_the_default():
    assert sincos_positions((2, 3, 4), 12).dtype == np.float32


@pytest.mark.parametrize(("grid", "width"), [((1, 2, 2), 6), ((1, 2, 2), 0), ((2, 2, 2), 7), ((2, 2, 2), 4)])
def test_a_width_that_does_not_divide_is_refused(grid, width):
    with pytest.raises(ValueError, match=f"not {width}"):
        sincos_positions(grid, width)
