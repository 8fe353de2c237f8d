import json

import numpy as np
import pytest

from minidit.course.explore.moments import about, scenes
from minidit.files.clips import to_pixels
from minidit.generation.settings import SamplingSettings
from minidit.generation.studio import Studio

PROMPT = "a red circle moves right in the day sky"


@pytest.fixture
def studio(tiny_marked_model):
    return Studio(tiny_marked_model)


def unpacked(packet):
    """The JSON text of a scene, and its panels as arrays."""
    begin = 4 + int.from_bytes(packet[:4], "little")
    head, arrays = json.loads(packet[4:begin]), []
    for panel in head["panels"]:
        kind, last = (np.uint8, (3,)) if panel["kind"] == "clip" else (np.float32, ())
        shape = (*panel["shape"], *last)
        arrays.append(np.frombuffer(packet, kind, np.prod(shape), begin + panel["at"]).reshape(shape))
    return head, arrays


@pytest.mark.parametrize("sampler", ["euler", "ddpm", "heun"])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_clip_is_the_one_that_is_made_without_watching(studio, sampler, steps):
    packets = scenes(studio, PROMPT, 4, SamplingSettings(steps=steps, sampler=sampler))
    _, (clip, again, _) = unpacked(packets[-1])
    assert np.array_equal(clip, to_pixels(studio.generate(PROMPT, 4, steps=steps, sampler=sampler)))
    assert np.array_equal(clip, again) and len(packets) == steps + 1


def test_each_step_has_its_time_its_guess_and_its_attention(studio):
    heads, arrays = zip(*map(unpacked, scenes(studio, PROMPT, 4, SamplingSettings(steps=2))), strict=True)
    assert [head["said"] for head in heads] == ["0.00", "0.25", "1.00"]
    tokens, settings = np.prod(about(studio)["grid"]), studio.settings.dit
    for _, _, attention in arrays:
        assert attention.shape == (settings.depth * settings.num_heads * tokens, tokens)
        assert np.allclose(attention.sum(axis=1), 1, atol=1e-5)
    for k in range(3):
        assert not np.array_equal(arrays[0][k], arrays[1][k])
