from dataclasses import replace

import numpy as np
import pytest

from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.checkpoint import save_model
from minidit.models.tokenizer import SPECIAL
from minidit.world import VOCABULARY


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def tiny_model():
    """A VideoModel of random numbers, none of them zero: it makes no sense of a prompt, but it makes clips.

    Not to be changed: all tests share it.
    """
    text = TextEncoderSettings(len(SPECIAL) + len(VOCABULARY), width=16, num_heads=2)
    settings = VideoModelSettings(
        size=16,
        frames=8,
        codec=CodecSettings(patch=(1, 4, 4), channels=4, hidden=8),
        dit=DiTSettings(in_channels=4, patch=(8, 1, 1), width=32, depth=1, num_heads=2, text=text),
        vocabulary=VOCABULARY,
        steps=3,
    )
    rng = np.random.default_rng(0)
    model = VideoModel(settings, rng)
    model.dit.params.flat += 0.1 * rng.standard_normal(model.dit.params.flat.shape, dtype=np.float32)
    return model


@pytest.fixture(scope="session")
def tiny_marked_model(tiny_model):
    """As `tiny_model`, with marks, clips of 32 x 32 pixels, and a latent for 8 x 8 of them, as the shipped model."""
    old = tiny_model.settings
    settings = replace(
        old,
        size=32,
        codec=CodecSettings(patch=(1, 8, 8), channels=4, hidden=8),
        dit=replace(old.dit, marks=True),
    )
    rng = np.random.default_rng(1)
    model = VideoModel(settings, rng)
    model.dit.params.flat += 0.1 * rng.standard_normal(model.dit.params.flat.shape, dtype=np.float32)
    return model


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_model, tmp_path_factory):
    """The file of `tiny_model`."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save_model(path, tiny_model)
    return path
