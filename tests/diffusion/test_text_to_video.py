import numpy as np
import pytest

from minidit.diffusion import SAMPLERS
from minidit.diffusion.text_to_video import NoiseOfEach, generate, starting_noise

PROMPTS = ["a red circle moves right in the day sky", "the night sky", ""]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_clip_does_not_depend_on_the_rest_of_its_batch(sampler, tiny_model):
    together = generate(tiny_model, PROMPTS, [4, 5, 6], sampler=sampler)
    alone = generate(tiny_model, PROMPTS[1:2], [5], sampler=sampler)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def test_noise_drawn_on_the_way_differs_from_the_starting_noise():
    shape = (2, 3)
    on_the_way = NoiseOfEach([7]).standard_normal((1, *shape), np.float32)
    assert not np.isclose(on_the_way, starting_noise(shape, [7])).any()


def test_clips_are_float32_in_the_unit_range_and_follow_seed_and_prompt(tiny_model):
    clips = generate(tiny_model, PROMPTS, [0, 0, 0])
    assert clips.shape == (3, 8, 16, 16, 3)
    assert clips.dtype == np.float32
    assert 0 <= clips.min() < clips.max() <= 1
    assert np.array_equal(generate(tiny_model, PROMPTS, [0, 0, 0]), clips)
    assert not np.allclose(clips[0], clips[1])  # another prompt
    assert not np.allclose(generate(tiny_model, PROMPTS[:1], [1])[0], clips[0])  # another seed


def test_more_prompts_than_a_batch_come_back_in_order(tiny_model, monkeypatch):
    whole = generate(tiny_model, PROMPTS, [1, 2, 3])
    monkeypatch.setattr("minidit.diffusion.text_to_video.BATCH", 2)
    np.testing.assert_allclose(generate(tiny_model, PROMPTS, [1, 2, 3]), whole, atol=1e-5)
