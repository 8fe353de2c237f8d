import io

import numpy as np
import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.files.clips import save_clip, to_pixels
from minidit.files.reading_clips import check_size, read_clip, read_image, shrunk
from minidit.world import Attributes, render

CIRCLE = Attributes("red", "circle", "right", "day")


def psnr(a, b):
    return -10 * np.log10(np.square(a - b).mean())


def saved(path, array):
    """Saves an array as NPY, or bytes as they are, or an image of Pillow's as PNG."""
    if isinstance(array, np.ndarray):
        np.save(path, array)
    elif isinstance(array, bytes):
        path.write_bytes(array)
    else:
        array.save(path, "PNG")
    return path


def picture(height, width, mode="RGB"):
    """An image of noise, no two neighbours alike."""
    rng = np.random.default_rng(1)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).convert(mode)


def part(data, share):
    """The beginning of a file."""
    return data[: int(share * len(data))]


def as_bytes(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


# ---- what is read


@pytest.mark.parametrize("size", [24, 32, 40, 48, 64, (24, 64), (64, 24), (32, 56)])
@pytest.mark.parametrize("frames", [1, 8, 16])
def test_a_clip_comes_back_from_every_kind_of_file_in_its_own_size(size, frames, rng, tmp_path):
    clip = render(CIRCLE, rng, size, frames)
    for ending in (".gif", ".npy", ".png")[: 3 if frames == 1 else 2]:
        save_clip(tmp_path / f"clip{ending}", clip)
        back = read_clip(tmp_path / f"clip{ending}")
        assert back.shape == clip.shape and back.dtype == np.float32
        assert psnr(back, clip) > 50 if ending == ".gif" else np.abs(back - clip).max() <= 0.5001 / 255
    assert np.array_equal(read_clip(tmp_path / "clip.npy"), clip)


def test_a_clip_of_one_colour_comes_back_in_its_own_size(tmp_path):
    save_clip(tmp_path / "grey.gif", np.full((8, 32, 32, 3), 0.5, np.float32))
    assert read_clip(tmp_path / "grey.gif").shape == (8, 32, 32, 3)


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (np.full((3, 24, 32, 3), 0.25), (3, 24, 32, 3)),
        (np.full((24, 32, 3), 0.25, np.float16), (1, 24, 32, 3)),
        (np.full((3, 24, 32, 3), 51, np.uint8), (3, 24, 32, 3)),
    ],
)
def test_arrays_become_float32_from_0_to_1(array, shape, tmp_path):
    clip = read_clip(saved(tmp_path / "a.npy", array))
    assert clip.shape == shape and clip.dtype == np.float32
    assert np.allclose(clip, 0.2 if array.dtype == np.uint8 else 0.25)


def test_an_array_is_read_into_memory(rng, tmp_path):
    path = saved(tmp_path / "a.npy", rng.random((24, 32, 3), dtype=np.float32))
    clip = read_clip(path)
    assert not isinstance(clip.base, np.memmap) and not isinstance(clip, np.memmap)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA"])
def test_images_of_many_modes_become_red_green_and_blue(mode, tmp_path):
    image = picture(32, 48, mode)
    clip = read_clip(saved(tmp_path / "a.png", image))
    assert clip.shape == (1, 32, 48, 3)
    assert np.array_equal(to_pixels(clip[0]), np.asarray(image.convert("RGB")))


def test_all_frames_of_an_animated_png_are_read(tmp_path):
    frames = [picture(32, 32), picture(32, 32).transpose(Image.Transpose.ROTATE_90)]
    clip = read_clip(saved(tmp_path / "a.png", as_bytes(frames[0], save_all=True, append_images=frames[1:])))
    assert np.array_equal(to_pixels(clip), np.stack(frames))


def test_only_what_is_too_large_is_shrunk_and_never_too_far():
    def blocks(size, factor):
        return np.asarray(picture(size, size))[None].repeat(factor, axis=1).repeat(factor, axis=2)

    assert shrunk(blocks(24, 2)).shape == (1, 48, 48, 3)  # fits as it is
    assert shrunk(blocks(24, 3)).shape == (1, 24, 24, 3)
    assert shrunk(blocks(16, 16)).shape == (1, 32, 32, 3)  # 16 would be too small
    spoilt = blocks(32, 8)
    spoilt[0, -1, -1, 2] ^= 1
    assert shrunk(spoilt).shape == (1, 256, 256, 3)


def test_every_frame_has_a_say_in_how_far_to_shrink():
    small = np.asarray(picture(32, 32))
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    flat = np.zeros_like(large)
    assert shrunk(np.stack([flat, large])).shape == (2, 32, 32, 3)


def test_a_picture_has_one_frame(rng, tmp_path):
    clip = render(CIRCLE, rng, 32, 2)
    save_clip(tmp_path / "two.npy", clip)
    save_clip(tmp_path / "one.npy", clip[:1])
    assert np.array_equal(read_image(tmp_path / "one.npy"), clip[0])
    with pytest.raises(UserError, match="two.npy has 2 frames, but a picture has one.*minidit extend"):
        read_image(tmp_path / "two.npy")


def test_a_clip_may_have_as_many_frames_as_is_said(rng, tmp_path):
    save_clip(tmp_path / "a.gif", render(CIRCLE, rng, 32, 17))
    assert len(read_clip(tmp_path / "a.gif")) == len(read_clip(tmp_path / "a.gif", most=17)) == 17
    with pytest.raises(UserError, match="a.gif has more than 16 frames, .* cut it shorter"):
        read_clip(tmp_path / "a.gif", most=16)


# ---- what is refused

GOOD = np.full((2, 24, 32, 3), 0.5, np.float32)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD[..., :2], r"shape \(2, 24, 32, 2\), but a clip has \(frames, height, width, 3\)"),
        (GOOD[0, 0], r"shape \(32, 3\)"),
        (GOOD[:0], r"shape \(0, 24, 32, 3\)|not a whole NPY"),
        (GOOD.transpose(0, 3, 1, 2), "the last axis is red, green and blue"),
        (GOOD.astype(np.int64), "type int64, but a clip has floats from 0 to 1, or uint8"),
        (GOOD.astype(complex), "type complex128"),
        (GOOD > 0, "type bool"),
        (GOOD * np.nan, "NaN or infinity"),
        (GOOD * np.inf, "NaN or infinity"),
        (GOOD * 255, "numbers from 127.5 to 127.5, but a clip has numbers from 0 to 1"),
        (GOOD - 1, "numbers from -0.5 to -0.5"),
        (GOOD[:, :20], "32 x 20 pixels: give sides of 24 to 64 .* With --fit it is cropped and resized to 48 x 32"),
        (GOOD[:, :, :30], "30 x 24 pixels: .* resized to 32 x 24"),
        (picture(33, 33), "33 x 33 pixels: .* resized to 32 x 32"),
        (picture(200, 300), "300 x 200 pixels: .* resized to 48 x 32"),
        (picture(16, 16), "16 x 16 pixels: .* resized to 32 x 32"),
        (picture(10, 900), "900 x 10 pixels: .* resized to 64 x 32"),
        (Image.new("RGBA", (32, 32), (255, 0, 0, 254)), "transparent pixels.*fill its background"),
        (Image.new("I;16", (32, 32)), "more than 8 bits a channel: save it with 8"),
        (as_bytes(picture(32, 32), "TIFF"), "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (b"to do: buy milk", "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (b"", "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (part(as_bytes(picture(32, 32)), 0.5), "not a whole image"),
        (part(as_bytes(picture(32, 32), "GIF"), 0.5), "not a whole image"),
        (b"\x93NUMPY", "not a whole NPY file"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "not a whole NPY file"),
    ],
)  # fmt: skip
def test_what_is_no_clip_is_answered_with_one_sentence(content, said, tmp_path):
    path = saved(tmp_path / "a.npy", content)  # the ending does not matter
    with pytest.raises(UserError, match=said) as caught:
        read_clip(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_objects_in_an_array_are_not_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(UserError, match="not a whole NPY file of numbers"):
        read_clip(tmp_path / "a.npy")


def test_an_array_that_was_cut_off_is_refused(tmp_path):
    path = saved(tmp_path / "a.npy", GOOD)
    path.write_bytes(part(path.read_bytes(), 0.9))
    with pytest.raises(UserError, match="not a whole NPY file of numbers"):
        read_clip(path)


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", Image.new("1", (9000, 9000)))
    monkeypatch.setattr(Image.Image, "convert", None)
    with pytest.raises(UserError, match="too many pixels"):
        read_clip(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # what Pillow itself warns of
    with pytest.raises(UserError, match="too many pixels"):
        read_clip(path)


def test_a_file_that_is_not_there_or_cannot_be_read_is_a_user_error(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="there is no file .*none.gif"):
        read_clip(tmp_path / "none.gif")
    with pytest.raises(UserError, match="is a folder"):
        read_clip(tmp_path)

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)  # root may read anything
    with pytest.raises(UserError, match="can't read .*Permission denied"):
        read_clip(tmp_path / "a.gif")


@pytest.mark.parametrize("size", [(height, width) for height in (1, 20, 36, 65, 500) for width in (8, 28, 64, 4000)])
def test_the_size_that_is_suggested_fits(size):
    with pytest.raises(UserError) as caught:
        check_size("a.png", *size)
    width, height = map(int, str(caught.value).removesuffix(".").split("resized to ")[1].split(" x "))
    check_size("a.png", height, width)
