import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from minidit.errors import UserError
from minidit.files.clips import (
    checked_ending,
    existing_files,
    gif_bytes,
    grid,
    png_bytes,
    save_clip,
    speed_shown,
    to_pixels,
    webp_bytes,
)
from minidit.world import Attributes, render, verify


def read(data, factor):
    """The frames of a GIF as a clip, each pixel taken from the middle of its enlarged square."""
    with Image.open(io.BytesIO(data)) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    middle = factor // 2
    return np.stack(frames)[:, middle::factor, middle::factor].astype(np.float32) / 255


@pytest.mark.parametrize(
    "attributes",
    [
        Attributes("red", "circle", "right", "day"),
        Attributes("white", "ring", "still", "night"),
        Attributes("yellow", "cross", "up", "sunset"),
    ],
)
def test_a_clip_survives_the_gif(attributes, rng):
    clip = render(attributes, rng)
    seen = read(gif_bytes(clip), factor=8)
    assert np.abs(seen - clip).mean() < 1 / 255
    assert np.abs(seen - clip).max() < 8 / 255
    assert verify(seen).strict(attributes)


def test_frames_that_are_alike_stay_separate():
    with Image.open(io.BytesIO(gif_bytes(np.full((8, 16, 16, 3), 0.5, np.float32)))) as image:
        assert image.n_frames == 8


def test_it_loops_for_ever_at_about_eight_frames_a_second(rng):
    with Image.open(io.BytesIO(gif_bytes(rng.random((3, 4, 4, 3))))) as image:
        assert image.info["loop"] == 0
        for frame in ImageSequence.Iterator(image):
            assert frame.info["duration"] == 120


@pytest.mark.parametrize(("width", "size", "large"), [(32, 256, 256), (24, 256, 240), (5, 7, 5), (300, 256, 300)])
def test_pixels_become_squares_of_a_whole_number(width, size, large, rng):
    clip = rng.random((2, 3, width, 3))
    with Image.open(io.BytesIO(gif_bytes(clip, size))) as image:
        assert image.size == (large, 3 * large // width)


def test_enlarging_makes_no_new_colours():
    clip = np.zeros((1, 2, 2, 3))
    clip[0, 0, 0] = 1, 0, 0
    seen = read(gif_bytes(clip, 64), factor=1)
    assert np.array_equal(np.unique(seen.reshape(-1, 3), axis=0), [[0, 0, 0], [1, 0, 0]])
    assert np.array_equal(seen[0, :32, :32], np.broadcast_to([1, 0, 0], (32, 32, 3)))


def test_values_are_rounded_and_clipped():
    assert to_pixels(np.array([-1, 0, 0.4999 / 255, 0.5001 / 255, 1, 2])).tolist() == [0, 0, 0, 1, 255, 255]


def test_a_place_that_cannot_be_written_is_a_user_error(rng, tmp_path):
    with pytest.raises(UserError, match="can't write .*a.gif: there is no folder .*nowhere"):
        save_clip(tmp_path / "nowhere" / "a.gif", rng.random((2, 4, 4, 3)))


CLIP = np.zeros((2, 4, 4, 3))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((CLIP, "a.gif"), "the name of a file first, then the clip"),
        (("a.gif", "b.gif"), "must be an array, but this is a name: read the file with minidit.read_clip"),
        (("a.gif", 3), "numbers from 0 to 1 of shape"),
        (("a.gif", CLIP[..., 0]), "numbers from 0 to 1 of shape"),
        (("a.gif", np.uint8(CLIP)), "type uint8. Divide bytes by 255"),
        (("a.gif", CLIP + 1.5), "must have numbers from 0 to 1"),
        (("a.gif", CLIP * np.nan), "must have numbers from 0 to 1"),
    ],
)
def test_what_is_no_clip_is_a_user_error(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        save_clip(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_saved_as_a_clip_of_one_frame(rng, tmp_path):
    frame = rng.random((24, 32, 3))
    save_clip(tmp_path / "a.png", frame)
    assert (tmp_path / "a.png").read_bytes() == png_bytes(frame)


def test_save_clip_writes_what_the_ending_says(rng, tmp_path):
    clip = rng.random((1, 24, 32, 3), dtype=np.float32)
    for name in ("a.gif", "b.PNG", "c.npy"):
        save_clip(tmp_path / name, clip)
    assert (tmp_path / "a.gif").read_bytes() == gif_bytes(clip)
    assert (tmp_path / "b.PNG").read_bytes() == png_bytes(clip[0])
    saved = np.load(tmp_path / "c.npy")
    assert saved.dtype == np.float32 and np.array_equal(saved, clip)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "b.PNG", "c.npy"]


def test_a_png_is_the_frame_enlarged_to_squares(rng):
    frame = rng.random((24, 40, 3))
    with Image.open(io.BytesIO(png_bytes(frame))) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        pixels = np.asarray(image)
    assert np.array_equal(pixels, np.kron(to_pixels(frame), np.ones((6, 6, 1), np.uint8)))


@pytest.mark.parametrize(
    ("name", "one_frame", "said"),
    [
        ("a.avi", False, "a.avi: a file's ending says .* ends in .gif, .webp, .mp4 or .npy"),
        ("a", True, "ends in .png, .gif, .webp, .mp4 or .npy"),
        ("a.png", False, "a.png: a PNG holds one frame. .* or one with a number, like frames/%03d.png"),
    ],
)
def test_other_endings_are_a_user_error(name, one_frame, said, rng, tmp_path):
    with pytest.raises(UserError, match=said):
        checked_ending(name, one_frame)
    with pytest.raises(UserError, match=said):
        save_clip(tmp_path / name, rng.random((1 if one_frame else 2, 24, 24, 3)))
    assert list(tmp_path.iterdir()) == []


def test_a_webp_keeps_every_colour_and_every_frame(rng):
    clip = to_pixels(rng.random((4, 24, 40, 3)))
    clip[2] = clip[1]  # libwebp and Pillow would make one frame of them
    with Image.open(io.BytesIO(webp_bytes(clip / 255, fps=7))) as image:
        assert (image.format, image.n_frames, image.info["loop"], image.size) == ("WEBP", 4, 0, (240, 144))
        frames, durations = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGB")))  # only a loaded frame knows how long it is shown
            durations.append(frame.info["duration"])
    assert np.array_equal(np.stack(frames)[:, 3::6, 3::6], clip)
    assert durations == [143, 143, 143, 142]  # 4 frames at 7 a second, to the millisecond


def test_a_webp_of_one_frame_is_a_picture(rng):
    frame = to_pixels(rng.random((1, 24, 32, 3)))
    with Image.open(io.BytesIO(webp_bytes(frame / 255))) as image:
        assert not image.is_animated
        assert np.array_equal(np.asarray(image)[::8, ::8], frame[0])


def test_a_name_with_a_number_is_a_png_per_frame(rng, tmp_path):
    clip = rng.random((11, 24, 24, 3))
    save_clip(tmp_path / "f-%03d.png", clip)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"f-{n:03}.png" for n in range(11)]
    assert all((tmp_path / f"f-{n:03}.png").read_bytes() == png_bytes(frame) for n, frame in enumerate(clip))
    (tmp_path / "f-001.png.txt").write_bytes(b"")
    (tmp_path / "g-001.png").write_bytes(b"")
    assert [path.name for path in existing_files(tmp_path / "f-%03d.png")] == [f"f-{n:03}.png" for n in range(11)]
    assert existing_files(tmp_path / "f-%03d.gif") == [] and existing_files(tmp_path / "g-001.png") != []


@pytest.mark.parametrize(("fps", "duration"), [(8, 120), (0.01, 100_000), (1, 1000), (12.5, 80), (24, 40), (50, 20)])
def test_a_gif_is_as_fast_as_its_hundredths_allow(fps, duration, rng, tmp_path):
    save_clip(tmp_path / "a.gif", rng.random((2, 4, 4, 3)), fps)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["duration"] == duration


@pytest.mark.parametrize(
    ("name", "fps", "most"),
    [("a.gif", 51, 50), ("a.gif", 0.001, 50), ("a.webp", 61, 60), ("a.webp", 1e-9, 60), ("a.npy", 0, 60)],
)
def test_an_impossible_speed_is_a_user_error(name, fps, most, rng, tmp_path):
    with pytest.raises(UserError, match=f"{name} with {fps} frames per second: give a number from 0.01 to {most}"):
        save_clip(tmp_path / name, rng.random((2, 4, 4, 3)), fps)


def test_a_grid_places_clips_row_by_row(rng):
    clips = rng.random((5, 2, 3, 4, 3))
    joined = grid(clips, columns=3, gap=1)
    assert joined.shape == (2, 2 * 3 + 1, 3 * 4 + 2, 3)
    for k, clip in enumerate(clips):
        row, column = divmod(k, 3)
        assert np.array_equal(joined[:, row * 4 : row * 4 + 3, column * 5 : column * 5 + 4], clip)
    assert (joined[:, 3] == 1).all()  # the gap
    assert (joined[:, 4:, 10:] == 1).all()  # the empty cell


@pytest.mark.parametrize("fps", [np.float32(10), np.int64(10), np.array(10), 10])
@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_a_speed_is_a_number_of_any_kind(fps, ending, tmp_path):
    save_clip(tmp_path / f"a{ending}", np.linspace(0, 1, 3 * 32 * 32 * 3).reshape(3, 32, 32, 3), fps)
    with Image.open(tmp_path / f"a{ending}") as image:
        image.load()
        assert image.info["duration"] == 100


@pytest.mark.parametrize("fps", [None, "10", float("nan"), 120])
def test_a_speed_that_no_gif_has_is_refused(fps, tmp_path):
    with pytest.raises(UserError, match="can't write .*a.gif with .* frames per second: give a number from 0.01 to 50"):
        save_clip(tmp_path / "a.gif", np.zeros((2, 32, 32, 3)), fps)


def test_the_speed_that_a_file_shows():
    assert speed_shown("a.gif", 40) == 50 and speed_shown("a.webp", 40) == 40
    assert speed_shown("a.gif", 120) == 50 and speed_shown("a.mp4", 120) == 60
