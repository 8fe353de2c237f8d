import numpy as np
import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.files.clips import save_clip, to_pixels
from minidit.files.reading_clips import read_clip, read_image, read_timed_clip
from minidit.files.reading_masks import read_mask
from minidit.files.timing import ticks


@pytest.mark.parametrize(
    ("durations", "counts", "tick"),
    [
        ([100, 100, 100], [1, 1, 1], 100),
        ([100, 300, 100], [1, 3, 1], 100),
        ([300, 200], [3, 2], 100),  # both were joined
        ([120, 960], [1, 8], 120),
        ([30, 30, 40, 1000], [1, 1, 1, 30], 1100 / 33),  # 30 frames per second, as a GIF rounds them
        ([33, 34, 33, 67], [1, 1, 1, 2], 167 / 5),  # as a WebP does
        ([100, 0, None, 200], [1, 1, 1, 2], 100),
        ([0, 0], [1, 1], None),
        ([None], [1], None),
        ([100], [1], None),  # a picture
        ([960], [8], 120),  # a clip that stood still
        ([1000], [8], 125),
        ([1920], [16], 120),
        ([2000], [16], 125),
    ],
)  # fmt: skip
def test_frames_count_the_ticks_of_the_clips_own_clock(durations, counts, tick):
    found = ticks(durations)
    assert found[0] == counts and found[1] == (tick and pytest.approx(tick))


def clip_that_pauses():
    """8 frames (8, 32, 32, 3) of grey, of which some neighbours are alike."""
    shades = np.array([10, 10, 60, 110, 110, 110, 160, 210], np.uint8)
    return np.broadcast_to(shades[:, None, None, None], (8, 32, 32, 3))


@pytest.mark.parametrize(("form", "milliseconds"), [("GIF", 120), ("PNG", 125), ("WEBP", 125)])
def test_what_pillow_joined_is_read_as_it_was_and_keeps_its_speed(form, milliseconds, tmp_path):
    pixels = clip_that_pauses()
    first, *others = map(Image.fromarray, pixels)
    first.save(tmp_path / "a", form, save_all=True, append_images=others, duration=milliseconds, lossless=True)
    with Image.open(tmp_path / "a") as image:
        assert image.n_frames == 5
    clip, fps = read_timed_clip(tmp_path / "a", at_once=True)
    assert np.array_equal(to_pixels(clip), pixels) and fps == pytest.approx(1000 / milliseconds)
    save_clip(tmp_path / f"b.{form.lower()}" if form != "PNG" else tmp_path / "b.webp", clip, fps)
    again, speed = read_timed_clip(tmp_path / f"b.{form.lower()}" if form != "PNG" else tmp_path / "b.webp")
    assert np.array_equal(again, clip) and speed == pytest.approx(fps)


def test_a_clip_that_stood_still_and_was_joined_is_a_clip_and_also_a_picture(tmp_path):
    image = Image.new("RGB", (32, 32), (10, 20, 30))
    image.save(tmp_path / "a.gif", save_all=True, append_images=[image] * 7, duration=120)
    assert len(read_clip(tmp_path / "a.gif", at_once=True)) == 8
    assert read_image(tmp_path / "a.gif").shape == (32, 32, 3)


def test_masks_are_read_by_their_own_clock_too(tmp_path):
    black, white = Image.new("L", (32, 32)), Image.new("L", (32, 32), 255)
    black.save(tmp_path / "a.gif", save_all=True, append_images=[black, black, white], duration=120)
    mask = read_mask(tmp_path / "a.gif", (4, 32, 32, 3))
    assert mask.any(axis=(1, 2)).tolist() == [False, False, False, True]


def test_a_frame_shown_for_ever_is_refused(tmp_path):
    images = [Image.new("L", (32, 32), shade) for shade in (0, 255)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=[20, 600_000])
    with pytest.raises(UserError, match="a.gif has more than 4,096 frames, the most that a clip may have"):
        read_clip(tmp_path / "a.gif")
