from math import prod

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.models import VideoModel
from minidit.models.checkpoint import settings_from_json, settings_to_json
from minidit.models.codec import codec_shapes
from minidit.models.dit import dit_shapes
from minidit.presets import PRESETS, SIZES, dit_settings
from minidit.world import ALL_ATTRIBUTES, PLAIN_SKIES, VOCABULARY, wordings

# --- Names of sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "width", "depth", "heads", "millions"),
    [("S", 384, 12, 6, 33), ("B", 768, 12, 12, 130), ("L", 1024, 24, 16, 458), ("XL", 1152, 28, 16, 675)],
)
def test_the_papers_sizes_are_the_papers(size, width, depth, heads, millions):
    """Peebles & Xie 2023, table 1 and table 4: for 4 channels of latents, 1000 classes and learned variance."""
    settings = dit_settings(f"minidit-{size}/2", in_channels=4, num_classes=1000, learn_sigma=True)
    assert (settings.width, settings.depth, settings.num_heads) == (width, depth, heads)
    assert settings.mlp_ratio == 4
    parameters = sum(prod(shape) for shape in dit_shapes(settings).values())
    assert parameters / 1e6 == pytest.approx(millions, abs=0.7)


def test_sizes_grow_and_their_heads_divide_the_width():
    weights = [depth * width * width for width, depth, _ in SIZES.values()]
    assert weights == sorted(set(weights))
    for width, _, heads in SIZES.values():
        assert width % heads == 0
        assert width // heads % 2 == 0


@pytest.mark.parametrize(
    ("name", "patch"),
    [("minidit-XS/2", (1, 2, 2)), ("minidit-B/16", (1, 16, 16)), ("minidit-XXS/8x1x2", (8, 1, 2))],
)
def test_a_name_ends_with_the_patch(name, patch):
    assert dit_settings(name, 3, num_classes=10).patch == patch


@pytest.mark.parametrize(
    "name",
    ["minidit-XQ/2", "minidit-S", "minidit-S/", "minidit-S/2x2", "minidit-S/0", "minidit-S/1x0x2", "DiT-S/2", ""],
)
def test_a_name_of_another_form_is_a_users_error_that_lists_the_sizes(name):
    with pytest.raises(UserError, match=f'"{name}" names no size.*S, B, L, XL'):
        dit_settings(name, 4, num_classes=10)


# --- Presets -----------------------------------------------------------------------------------------------

every_preset = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)


@every_preset
def test_the_sizes_of_a_presets_parts_fit_each_other(preset):
    settings = preset.model
    frames, rows, columns = settings.codec.patch
    assert settings.frames % frames == settings.size % rows == settings.size % columns == 0
    whole = all(size % step == 0 for size, step in zip(settings.latent_shape, settings.dit.patch, strict=False))
    assert whole or settings.dit.conditioning_channels  # with which tokens may be filled up
    assert settings.dit.in_channels == settings.codec.channels == settings.latent_shape[3]
    assert settings.codec.channels < prod(settings.codec.patch) * 3  # it compresses
    assert preset.description


@every_preset
def test_a_presets_model_makes_something_of_every_sentence_of_the_world(preset):
    model = VideoModel(preset.model)
    assert preset.model.vocabulary == VOCABULARY
    assert len(model.tokenizer) == preset.model.dit.text.vocabulary_size
    sentences = {sentence for attributes in ALL_ATTRIBUTES + PLAIN_SKIES for sentence in wordings(attributes)}
    ids = model.tokenizer.encode(sorted(sentences))
    noise = np.ones((2, *preset.model.latent_shape), np.float32)
    y, _ = model.dit.forward(noise, np.ones(2, np.float32), ids[:2])
    assert y.shape == noise.shape
    clips = model.codec.decode(y)
    assert clips.shape == (2, preset.model.frames, preset.model.size, preset.model.size, 3)


@every_preset
def test_a_presets_settings_survive_a_checkpoint(preset):
    assert settings_from_json(settings_to_json(preset.model)) == preset.model


def test_quick_makes_8_frames_of_16_by_16():
    quick = PRESETS["quick"].model
    assert (quick.size, quick.frames) == (16, 8)


@every_preset
def test_a_presets_checkpoint_in_half_precision_is_below_15_megabytes(preset):
    shapes = [*dit_shapes(preset.model.dit).values(), *codec_shapes(preset.model.codec).values()]
    assert 2 * sum(map(prod, shapes)) < 15e6
