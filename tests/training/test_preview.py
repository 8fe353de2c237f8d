import io

import numpy as np
import pytest
from PIL import Image

from minidit.training import preview
from minidit.training.preview import film_strips, png_bytes, preview_attributes, write_preview
from minidit.world import HELD_OUT, SEEN, attributes_in, render_batch


def test_the_prompts_are_24_different_ones_of_each_split_and_always_the_same():
    attributes = preview_attributes()
    assert len(attributes) == len(set(attributes)) == 48
    assert set(attributes[:24]) <= set(SEEN)
    assert set(attributes[24:]) <= set(HELD_OUT)
    assert preview_attributes() == attributes
    for split in (attributes[:24], attributes[24:]):
        assert [len(set(values)) for values in zip(*split, strict=True)] == [5, 5, 5, 3]


def test_a_film_strip_has_a_row_for_each_clip_and_a_column_for_each_frame():
    clips = np.zeros((2, 3, 4, 5, 3), np.float32)
    clips[1, 2] = 1.0  # the last frame of the second clip
    clips[0, 1, 3, 4] = (1.0, 0.5, 0.0)
    picture = film_strips(clips)
    gap = preview.GAP
    assert picture.shape == (2 * (4 + gap), 3 * (5 + gap), 3)
    assert picture.dtype == np.uint8
    assert (picture[4 + gap : 8 + gap, 2 * (5 + gap) : 3 * (5 + gap) - gap] == 255).all()
    assert picture[3, 5 + gap + 4].tolist() == [255, 128, 0]
    assert (picture == 255).all(axis=-1).sum() == 20
    assert (picture[4 : 4 + gap] == 51).all()  # the gap between two clips


def test_a_picture_becomes_a_png_of_large_pixels(rng):
    picture = rng.integers(256, size=(3, 4, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(png_bytes(picture, scale=5))) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image)[2::5, 2::5], picture)


@pytest.fixture
def perfect(monkeypatch):
    """Clips as a perfect model would make them, in place of the model's; and what was asked for."""
    asked = []

    def generate(model, prompts, seeds):
        asked.append((prompts, seeds))
        shown = [attributes_in(prompt) for prompt in prompts]
        shown[:6] = [SEEN[100]] * 6  # but for the first six
        return render_batch(shown, np.random.default_rng(0), 32, 8)

    monkeypatch.setattr(preview, "generate", generate)
    return asked


def test_a_preview_judges_both_splits_and_is_drawn(perfect, tmp_path):
    path = tmp_path / "step.png"
    seen, held_out = write_preview(None, path)
    assert seen == pytest.approx(18 / 24, abs=0.05)
    assert held_out > 0.95
    ((prompts, seeds),) = perfect
    assert [attributes_in(prompt) for prompt in prompts] == preview_attributes()
    assert len(set(seeds)) == 48
    with Image.open(path) as image:
        cell = preview.SCALE * (32 + preview.GAP)
        assert image.size == (8 * cell, 12 * cell)
    assert list(tmp_path.iterdir()) == [path]


def test_an_untrained_model_is_right_about_nothing(small_model, tmp_path):
    assert write_preview(small_model, tmp_path / "step.png") == (0.0, 0.0)
