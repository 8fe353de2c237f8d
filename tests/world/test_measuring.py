import numpy as np
import pytest

from minidit.world.measuring import box_mean, clean_mask, in_chunks, measure


def test_the_mask_keeps_solid_pieces_with_their_outline_and_nothing_else():
    covered = np.zeros((1, 1, 16, 16), np.float32)
    covered[..., 4:9, 4:9] = 1.0
    covered[..., 4:9, 9] = 0.4
    kept = covered.copy()
    covered[..., 3, 4:9] = 0.05  # faint
    covered[..., 13, 13] = 1.0  # a star
    assert np.array_equal(clean_mask(covered, 1.0), kept)


@pytest.mark.parametrize("width", [3, 5])
def test_the_mean_around_a_pixel_counts_nothing_beyond_the_frame(width, rng):
    planes = rng.random((2, 3, 6, 9)).astype(np.float32)
    reach = width // 2
    padded = np.pad(planes, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (width, width), axis=(2, 3))
    assert box_mean(planes, width) == pytest.approx(windows.mean(axis=(-2, -1)), abs=1e-6)


def test_area_and_centre_are_those_of_the_pixels():
    mask = np.zeros((1, 2, 16, 24), np.float32)
    mask[0, 0, 4:8, 10:20] = 1.0
    mask[0, 1, 5, 6:8] = 0.5
    area, x, y, squeeze = measure(mask, 1.0)
    assert area.tolist() == [[40, 1]]
    assert (x.tolist(), y.tolist()) == ([[14.5, 6.5]], [[5.5, 5.0]])
    assert squeeze.tolist() == [[1, 1]]  # neither touches an edge


def test_what_is_flat_against_an_edge_is_squeezed():
    mask = np.zeros((1, 2, 16, 24), np.float32)
    mask[0, 0, 4:12, :2] = 1.0
    mask[0, 1, -2:, 4:12] = 1.0
    assert (measure(mask, 1.0)[3] < 0.1).all()


def test_chunks_hold_every_clip_once_and_what_can_be_seen_of_it(rng):
    clips = rng.normal(size=(19, 2, 16, 24, 3))
    clips[3, 1, 2, 5] = np.nan, np.inf, -np.inf
    planes = np.concatenate([pixels for pixels in in_chunks(clips)], axis=1)
    assert planes.shape == (3, 19, 2, 16, 24) and planes.dtype == np.float32
    assert planes[:, 3, 1, 2, 5].tolist() == [0, 1, 0]
    seen = np.clip(np.nan_to_num(clips, nan=0.0), 0, 1)
    assert np.array_equal(planes, np.moveaxis(seen, -1, 0).astype(np.float32))
