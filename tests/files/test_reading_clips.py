import io
import os

import numpy as np
import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.files.accepted import SIZES
from minidit.files.clips import save_clip, to_pixels
from minidit.files.reading_clips import read_clip, read_image
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


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frames", [1, 8, 16])
def test_a_clip_comes_back_from_every_kind_of_file_in_its_own_size(size, frames, rng, tmp_path):
    clip = render(CIRCLE, rng, size, frames)
    for ending in (".gif", ".npy", ".webp", ".png")[: 4 if frames == 1 else 3]:
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
        (np.full((3, 40, 32, 3), 0.25), (3, 40, 32, 3)),
        (np.full((40, 32, 3), 0.25, np.float16), (1, 40, 32, 3)),
        (np.full((3, 40, 32, 3), 51, np.uint8), (3, 40, 32, 3)),
    ],
)
def test_arrays_become_float32_from_0_to_1(array, shape, tmp_path):
    clip = read_clip(saved(tmp_path / "a.npy", array))
    assert clip.shape == shape and clip.dtype == np.float32
    assert np.allclose(clip, 0.2 if array.dtype == np.uint8 else 0.25)


def test_an_array_is_read_into_memory(rng, tmp_path):
    path = saved(tmp_path / "a.npy", rng.random((40, 32, 3), dtype=np.float32))
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


def test_a_file_per_frame_is_read_by_number(rng, tmp_path):
    clip = render(CIRCLE, rng, 32, 12)
    save_clip(tmp_path / "%d.png", clip)  # 10 comes after 9, not after 1
    assert np.abs(read_clip(tmp_path / "%d.png") - clip).max() <= 0.5001 / 255
    saved(tmp_path / "7.png", picture(40, 32))
    with pytest.raises(UserError, match="%d.png has frames of several sizes"):
        read_clip(tmp_path / "%d.png")
    with pytest.raises(UserError, match="there is no file .*%03d.gif"):
        read_clip(tmp_path / "%03d.gif")


def test_a_picture_has_one_frame(rng, tmp_path):
    clip = render(CIRCLE, rng, 32, 2)
    save_clip(tmp_path / "two.npy", clip)
    save_clip(tmp_path / "one.npy", clip[:1])
    assert np.array_equal(read_image(tmp_path / "one.npy"), clip[0])
    with pytest.raises(UserError, match="two.npy has 2 frames, but a picture has one.*minidit extend"):
        read_image(tmp_path / "two.npy")


@pytest.mark.parametrize("ending", [".gif", ".npy", "-%d.png"])
def test_what_a_model_works_on_at_once_has_as_many_frames_as_it_takes(ending, rng, tmp_path):
    for frames, said in (
        (2, "has 2 frames, but a model works on 1, or 8 to 16 at once: make it 8 with minidit extend"),
        (7, "has 7 frames, but .* make it 8"),
        (17, "has more than 16 frames, but a model works on 1, or 8 to 16 at once: cut it shorter"),
    ):
        path = tmp_path / f"{frames}{ending}"
        save_clip(path, render(CIRCLE, rng, 32, frames))
        assert len(read_clip(path)) == frames
        with pytest.raises(UserError, match=f"{path.name} {said}"):
            read_clip(path, at_once=True)
    for frames in (1, 8, 16):
        save_clip(tmp_path / f"{frames}{ending}", render(CIRCLE, rng, 32, frames))
        assert len(read_clip(tmp_path / f"{frames}{ending}", at_once=True)) == frames


def test_photographs_are_turned_upright(tmp_path):
    image, exif = picture(32, 48), Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn it clockwise
    for form in ("JPEG", "PNG", "WEBP"):
        turned = read_image(saved(tmp_path / "a", as_bytes(image, form, exif=exif)))
        as_taken = read_image(saved(tmp_path / "b", as_bytes(image, form)))
        assert np.array_equal(turned, np.rot90(as_taken, -1))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_any_mode_is_a_picture(mode, tmp_path):
    image = Image.new("RGB", (40, 32), (200, 60, 30)).convert(mode)
    clip = read_clip(saved(tmp_path / "a.jpg", as_bytes(image, "JPEG", quality=95)))
    assert clip.shape == (1, 32, 40, 3)
    assert np.allclose(clip * 255, np.asarray(image.convert("RGB")), atol=4)


def test_of_a_photograph_with_a_preview_in_it_only_the_photograph_is_read(tmp_path):
    data = as_bytes(picture(32, 48), "MPO", save_all=True, append_images=[picture(16, 24)])
    assert read_image(saved(tmp_path / "a.jpg", data)).shape == (32, 48, 3)


def test_all_frames_of_an_animated_webp_are_read(tmp_path):
    frames = [picture(32, 32), picture(32, 32).transpose(Image.Transpose.ROTATE_90)]
    path = saved(tmp_path / "a", as_bytes(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    assert np.array_equal(to_pixels(read_clip(path)), np.stack(frames))
    frames[1].putalpha(254)
    path = saved(tmp_path / "a", as_bytes(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    with pytest.raises(UserError, match="transparent pixels"):
        read_clip(path)


def test_what_does_not_fit_is_cropped_and_resized_if_asked(tmp_path):
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[:, 12:388] = 255, 102, 0  # 40 x 32 pixels are 375 x 300 of these
    path = saved(tmp_path / "a.png", Image.fromarray(photo))
    with pytest.raises(UserError, match="400 x 300 pixels: .* With --fit it is cropped and resized to 40 x 32"):
        read_clip(path)
    clip = read_clip(path, fit=True)
    assert clip.shape == (1, 32, 40, 3) and clip.dtype == np.float32
    assert np.allclose(clip[:, :, 1:-1], [1, 0.4, 0], atol=1e-6) and clip.max() <= 1
    assert read_image(path, fit=(48, 24)).shape == (48, 24, 3)
    np.save(tmp_path / "a.npy", photo[None] / 255)
    assert np.allclose(read_clip(tmp_path / "a.npy", fit=True), clip, atol=1e-6)
    np.save(tmp_path / "b.npy", photo)
    assert np.allclose(read_clip(tmp_path / "b.npy", fit=True), clip, atol=1e-6)


def test_what_fits_stays_as_it_is(rng, tmp_path):
    clip = render(CIRCLE, rng, (48, 32), 3)
    for name in ("a.webp", "a.npy"):
        save_clip(tmp_path / name, clip)
        assert np.array_equal(read_clip(tmp_path / name, fit=True), read_clip(tmp_path / name))


# ---- what is refused

GOOD = np.full((2, 40, 32, 3), 0.5, np.float32)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD[..., :2], r"shape \(2, 40, 32, 2\), but a clip has \(frames, height, width, 3\)"),
        (GOOD[0, 0], r"shape \(32, 3\)"),
        (GOOD[:0], r"shape \(0, 40, 32, 3\)|not a whole NPY"),
        (GOOD.transpose(0, 3, 1, 2), "the last axis is red, green and blue"),
        (GOOD.astype(np.int64), "type int64, but a clip has floats from 0 to 1, or uint8"),
        (GOOD.astype(complex), "type complex128"),
        (GOOD > 0, "type bool"),
        (GOOD * np.nan, "NaN or infinity"),
        (GOOD * np.inf, "NaN or infinity"),
        (GOOD * 255, "numbers from 127.5 to 127.5, but a clip has numbers from 0 to 1"),
        (GOOD - 1, "numbers from -0.5 to -0.5"),
        (GOOD[:, :20], "32 x 20 pixels: give 32 x 32, .* pixels. With --fit it is cropped and resized to 48 x 32"),
        (GOOD[:, :, :30], "30 x 40 pixels: .* resized to 32 x 40"),
        (GOOD.repeat(2, axis=2)[:, :, :40], "40 x 40 pixels: .* resized to 32 x 32"),
        (picture(33, 33), "33 x 33 pixels: .* resized to 32 x 32"),
        (picture(200, 300), "300 x 200 pixels: .* resized to 48 x 32"),
        (picture(16, 16), "16 x 16 pixels: .* resized to 32 x 32"),
        (picture(10, 900), "900 x 10 pixels: .* resized to 48 x 32"),
        (Image.new("RGBA", (32, 32), (255, 0, 0, 254)), "transparent pixels.*fill its background"),
        (Image.new("I;16", (32, 32)), "more than 8 bits a channel: save it with 8"),
        (as_bytes(picture(32, 32), "TIFF"), "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (b"to do: buy milk", "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (b"", "not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (part(as_bytes(picture(32, 32)), 0.5), "not a whole image"),
        (part(as_bytes(picture(32, 32), "GIF"), 0.5), "not a whole image"),
        (part(as_bytes(picture(200, 200), "JPEG"), 0.5), "not a whole image"),
        (part(as_bytes(picture(32, 32), "WEBP"), 0.5), "not a whole image"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC or AVIF picture, which minidit can't read. Convert it to JPEG"),
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


@pytest.mark.parametrize("form", ["GIF", "PNG", "JPEG", "WEBP"])
def test_a_damaged_image_is_read_or_refused_in_words(form, tmp_path):
    data, rng = bytearray(as_bytes(picture(32, 32), form)), np.random.default_rng(3)
    for _ in range(150):
        spoilt = bytearray(data)
        for place in rng.integers(len(data), size=3):
            spoilt[place] = rng.integers(256)
        try:
            read_clip(saved(tmp_path / "a", bytes(spoilt)), fit=True)
        except UserError:
            pass


def test_frames_that_outgrow_the_first_are_refused_before_they_are_decoded(tmp_path):
    turned = picture(32, 32).transpose(Image.Transpose.ROTATE_90)
    data = as_bytes(picture(32, 32), "GIF", save_all=True, append_images=[turned])
    frames = [place for place in range(len(data)) if data[place : place + 9] == b"\x2c\0\0\0\0\x20\0\x20\0"]
    assert len(frames) == 2
    path = saved(tmp_path / "a.gif", data[: frames[1] + 5] + b"\x40\0\x40\0" + data[frames[1] + 9 :])
    with pytest.raises(UserError, match="a.gif has frames of several sizes"):
        read_clip(path, fit=True)


def test_an_array_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.npy", GOOD)
    monkeypatch.setattr("minidit.files.reading_clips.MOST_BYTES", GOOD.nbytes - 1)
    monkeypatch.setattr(np, "isfinite", None)
    with pytest.raises(UserError, match="a.npy is too large to be read: it has 0.0 GB"):
        read_clip(path)


@pytest.mark.parametrize("bound", ["minidit.files.sizes.MOST_FRAMES"])
@pytest.mark.parametrize("ending", [".gif", ".webp", ".npy", "-%d.png"])
def test_a_clip_of_too_many_frames_is_refused(bound, ending, rng, tmp_path, monkeypatch):
    path = tmp_path / f"a{ending}"
    save_clip(path, render(CIRCLE, rng, 32, 9))
    monkeypatch.setattr(bound, 8)
    with pytest.raises(UserError, match="has more than 8 frames"):
        read_clip(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes that have names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.gif")
    with pytest.raises(UserError, match="a.gif is a pipe or a device"):
        read_clip(tmp_path / "a.gif")


@pytest.mark.parametrize("fit", [(32.0, np.int64(40)), [32, 40]])
def test_a_size_to_fit_may_be_any_numbers(fit, tmp_path):
    assert read_image(saved(tmp_path / "a.png", picture(100, 100)), fit=fit).shape == (32, 40, 3)


@pytest.mark.parametrize("fit", [(0, 32), (32, 10**9), (32, 2.5), (32, "a"), (float("inf"), 32)])
def test_a_size_that_nothing_can_have_is_refused(fit, tmp_path):
    with pytest.raises(UserError, match="can't be resized to .*: give two whole numbers from 1 to 256"):
        read_image(saved(tmp_path / "a.png", picture(100, 100)), fit=fit)


def test_what_is_no_name_is_a_user_error():
    for name in (None, 3.0, ["a.gif"]):
        with pytest.raises(UserError, match="the name of a file is a string or a Path, but this is"):
            read_clip(name)
