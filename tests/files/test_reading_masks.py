import numpy as np
import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.files.clips import gif_bytes
from minidit.files.reading_masks import read_mask

CLIP = (3, 24, 32, 3)  # frames, height, width, channels


@pytest.fixture
def mask(rng):
    return rng.random((24, 32)) < 0.3


def image_of(mask, path, factor=1, mode="L", white=255, black=0):
    image = Image.fromarray(np.where(mask, white, black).astype(np.uint8))
    image = image.resize((32 * factor, 24 * factor), Image.Resampling.NEAREST)
    image.convert(mode).save(path, "PNG")
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_white_is_what_is_replaced(mode, mask, tmp_path):
    read = read_mask(image_of(mask, tmp_path / "a.png", mode=mode), CLIP)
    assert read.dtype == bool and np.array_equal(read, mask)


def test_the_threshold_is_half(mask, tmp_path):
    assert np.array_equal(read_mask(image_of(mask, tmp_path / "a.png", white=128, black=127), CLIP), mask)


def test_what_is_transparent_counts_as_black(mask, tmp_path):
    pixels = np.full((24, 32, 4), 255, np.uint8)
    pixels[..., 3] = np.where(mask, 128, 127)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png", CLIP), mask)


def test_a_mask_may_be_drawn_on_the_enlarged_clip(mask, tmp_path):
    assert np.array_equal(read_mask(image_of(mask, tmp_path / "a.png", factor=8), CLIP), mask)
    pixels = np.zeros((24 * 8, 32 * 8), np.uint8)
    pixels[15, 17] = 255  # one pixel of a block is enough
    Image.fromarray(pixels).save(tmp_path / "b.png")
    assert np.array_equal(np.argwhere(read_mask(tmp_path / "b.png", CLIP)), [(1, 2)])


def test_each_frame_may_have_its_own(rng, tmp_path):
    masks = rng.random((3, 24, 32)) < 0.3
    np.save(tmp_path / "a.npy", masks)
    (tmp_path / "a.gif").write_bytes(gif_bytes(np.repeat(masks[..., None], 3, axis=-1).astype(float)))
    for name in ("a.npy", "a.gif"):
        assert np.array_equal(read_mask(tmp_path / name, CLIP), masks)


def test_an_array_of_bools_is_a_mask(mask, tmp_path):
    np.save(tmp_path / "a.npy", mask)
    assert np.array_equal(read_mask(tmp_path / "a.npy", CLIP), mask)


def test_a_mask_painted_on_a_photograph_becomes_as_large_as_its_clip(tmp_path):
    mask = np.zeros((300, 400), np.uint8)
    mask[0, 13] = mask[299, 205] = 255  # 375 x 300 pixels of it become 40 x 32
    Image.fromarray(mask).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", mask > 0)
    for name in ("a.png", "a.npy"):
        with pytest.raises(UserError, match="has 400 x 300 pixels, but the clip has 3 frames of 40 x 32"):
            read_mask(tmp_path / name, (3, 32, 40, 3))
        assert np.array_equal(np.argwhere(read_mask(tmp_path / name, (3, 32, 40, 3), fit=True)), [(0, 0), (31, 20)])


def test_a_video_is_no_mask(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(UserError, match="a.mp4 is a video, but a mask is a picture"):
        read_mask(tmp_path / "a.mp4", CLIP)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((24, 24), bool), "has 24 x 24 pixels, but the clip has 3 frames of 32 x 24 pixels"),
        (np.ones((2, 24, 32), bool), "has 2 frames of 32 x 24 pixels, but .*: give a mask of 32 x 24 pixels"),
        (np.ones((1, 32, 32), bool), "has 1 frame of 32 x 32 pixels"),
        (np.ones(24, bool), r"has shape \(24,\) and type bool"),
        (np.ones((24, 32), np.uint8), r"type uint8, but a mask has .* bool: True where"),
        (np.zeros((24, 32), bool), "marks nothing: paint white"),
    ],
)  # fmt: skip
def test_a_mask_that_cannot_be_is_a_user_error(array, said, tmp_path):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=said):
        read_mask(tmp_path / "a.npy", CLIP)


def test_an_image_of_another_size_or_black_is_a_user_error(tmp_path):
    Image.new("L", (64, 24), 255).save(tmp_path / "wide.png")
    Image.new("L", (16, 12), 255).save(tmp_path / "small.png")
    Image.new("L", (32, 24), 127).save(tmp_path / "black.png")
    (tmp_path / "notes.png").write_text("to do: buy milk")
    for name, said in (
        ("wide.png", "64 x 24 pixels, but the clip"),
        ("small.png", "16 x 12 pixels, but the clip"),
        ("black.png", "marks nothing"),
        ("notes.png", "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        ("none.png", "there is no file"),
    ):
        with pytest.raises(UserError, match=f"{name}.*{said}|{said}.*{name}"):
            read_mask(tmp_path / name, CLIP)
