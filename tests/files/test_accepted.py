import pytest

from minidit.files.accepted import (
    FRAMES,
    FRAMES_IN_WORDS,
    MADE,
    MADE_IN_WORDS,
    SIZES,
    SIZES_IN_WORDS,
    nearest_length,
    nearest_size,
)


def test_the_words_name_every_size_and_length():
    assert SIZES_IN_WORDS == "32 x 32, 40 x 32, 48 x 32, 32 x 40 or 32 x 48 pixels"
    assert MADE_IN_WORDS == "1 or 8" and set(MADE) < set(FRAMES)
    assert FRAMES_IN_WORDS == "1, or 8 to 16" and FRAMES == (1, 8, 9, 10, 11, 12, 13, 14, 15, 16)


@pytest.mark.parametrize("size", SIZES)
def test_a_size_is_nearest_to_itself_however_enlarged(size):
    height, width = size
    assert nearest_size(height, width) == nearest_size(9 * height, 9 * width) == size


def test_of_the_nearest_size_the_shape_is_kept_as_nearly_as_can_be():
    assert nearest_size(3000, 4000) == (32, 40)
    assert nearest_size(1920, 1080) == (48, 32)
    assert nearest_size(100, 1000) == (32, 48)
    assert nearest_size(30, 46) == (32, 48)
    assert nearest_size(37, 45) == (32, 40)
    assert nearest_size(48, 48) == (32, 32)
    assert nearest_size(16, 16) == (32, 32)


def test_the_nearest_length_of_a_clip_is_no_picture():
    assert [nearest_length(frames) for frames in (0, 1, 2, 7, 8, 16, 17, 400)] == [1, 1, 8, 8, 8, 16, 16, 16]
