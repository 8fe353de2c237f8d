"""MP4 files, ours and those of other programs. Without PyAV only its absence is tested."""

from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.files import videos
from minidit.files.clips import save_clip
from minidit.files.reading_clips import read_clip, read_timed_clip
from minidit.world import Attributes, render, verify

av = pytest.importorskip("av") if find_spec("av") else None
with_pyav = pytest.mark.skipif(av is None, reason="PyAV is an extra: pip install minidit[video]")
CIRCLE = Attributes("red", "circle", "right", "day")


@pytest.fixture
def clip(rng):
    return render(CIRCLE, rng, 32, 8)


def written(path, frames, times=None, form="mp4"):
    """Writes frames (F, H, W, 3) uint8 as another program might, shown at these times in seconds."""
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "5"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.time_base = Fraction(1, 1000)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.time_base = Fraction(1, 1000)
            picture.pts = round(1000 * (number / 10 if times is None else times[number]))
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def test_without_pyav_one_sentence_says_what_to_install(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(videos, "find_spec", lambda name: None)
    (tmp_path / "b.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    for use in (lambda: save_clip(tmp_path / "a.mp4", clip), lambda: read_clip(tmp_path / "b.mp4")):
        with pytest.raises(UserError, match=r'.mp4: MP4 files need PyAV. Install it: pip install "minidit\[video\]"'):
            use()
    assert not (tmp_path / "a.mp4").exists()


@with_pyav
@pytest.mark.parametrize("size", [(32, 32), (32, 40), (48, 32)])
def test_a_clip_comes_back_in_its_own_size(size, rng, tmp_path):
    clip = render(CIRCLE, rng, size, 8)
    save_clip(tmp_path / "a.mp4", clip)
    back = read_clip(tmp_path / "a.mp4")
    assert back.shape == clip.shape and back.dtype == np.float32
    assert -10 * np.log10(np.square(back - clip).mean()) > 40
    assert verify(back).strict(CIRCLE) or size != (32, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@with_pyav
def test_it_has_the_speed_that_is_asked_for_and_even_sides(rng, tmp_path):
    save_clip(tmp_path / "a.mp4", rng.random((6, 25, 257, 3)), 12.5)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (514, 50, 6)
        assert stream.average_rate == Fraction(25, 2) and stream.codec_context.pix_fmt == "yuv420p"


@with_pyav
def test_frames_that_are_alike_stay_separate(tmp_path):
    save_clip(tmp_path / "a.mp4", np.full((5, 32, 32, 3), 0.5))
    assert np.allclose(read_clip(tmp_path / "a.mp4"), np.full((5, 32, 32, 3), 0.5), atol=0.02)


@with_pyav
def test_each_frame_counts_as_long_as_it_is_shown(rng, tmp_path):
    shades = np.arange(40, 240, 40)
    frames = np.broadcast_to(shades[:, None, None, None], (5, 32, 48, 3)).astype(np.uint8)
    path = written(tmp_path / "a.mp4", frames, times=[0, 0.1, 0.2, 0.5, 1.0])
    back, fps = read_timed_clip(path)
    assert fps == pytest.approx(10)
    assert np.allclose(back.mean(axis=(1, 2, 3)) * 255, shades.repeat([1, 1, 3, 5, 1]), atol=4)


@with_pyav
def test_a_film_of_a_telephone_is_turned_and_fitted(tmp_path):
    frames = np.zeros((3, 180, 320, 3), np.uint8)
    frames[:, :, 160:] = 255, 255, 255  # white on the right: below, once it is turned clockwise
    path = written(tmp_path / "a.mp4", frames)
    data = path.read_bytes()
    matrix = data.index(b"tkhd") + 4 + 40
    turned = b"".join(number.to_bytes(4, "big", signed=True) for number in (0, 1 << 16, 0, -(1 << 16), 0, 0))
    path.write_bytes(data[:matrix] + turned + data[matrix + 24 :])
    with pytest.raises(UserError, match="180 x 320 pixels: .* With --fit it is cropped and resized to 32 x 48"):
        read_clip(path)
    back = read_clip(path, fit=True)
    assert back.shape == (3, 48, 32, 3)
    assert back[:, :22].max() < 0.1 and back[:, 26:].min() > 0.9


@with_pyav
def test_what_is_no_whole_video_is_a_user_error(clip, tmp_path):
    save_clip(tmp_path / "whole.mp4", clip)
    data = (tmp_path / "whole.mp4").read_bytes()
    for content in (data[: len(data) // 2], data[:40], b"\0\0\0\x18ftypmp42" + bytes(100)):
        (tmp_path / "a.mp4").write_bytes(content)
        with pytest.raises(UserError, match="a.mp4 is not a whole video"):
            read_clip(tmp_path / "a.mp4")
    rng = np.random.default_rng(2)
    for _ in range(40):
        spoilt = np.frombuffer(data, np.uint8).copy()
        spoilt[rng.integers(len(data), size=5)] = rng.integers(256, size=5)
        (tmp_path / "a.mp4").write_bytes(spoilt.tobytes())
        try:
            read_clip(tmp_path / "a.mp4", fit=True)
        except UserError:
            pass


@with_pyav
def test_a_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(UserError, match="a.mp4 has no video in it"):
        read_clip(tmp_path / "a.mp4")


@with_pyav
def test_a_long_or_huge_one_is_refused_without_reading_it_all(clip, tmp_path, monkeypatch):
    save_clip(tmp_path / "a.mp4", np.concatenate([clip] * 3))
    assert len(read_clip(tmp_path / "a.mp4")) == 24
    with pytest.raises(UserError, match="a.mp4 has more than 16 frames"):
        read_clip(tmp_path / "a.mp4", at_once=True)
    monkeypatch.setattr("minidit.files.reading_clips.MOST_PIXELS", 256 * 256 - 1)
    with pytest.raises(UserError, match="too many pixels to be read: make it smaller"):
        read_clip(tmp_path / "a.mp4")
