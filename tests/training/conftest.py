from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from minidit.diffusion import Path
from minidit.models import CodecSettings, DiTSettings, VideoModel
from minidit.presets import PRESETS
from minidit.training.optimizer import AdamWSettings
from minidit.training.settings import CodecTraining, DiffusionTraining


@pytest.fixture(scope="session")
def small_preset():
    """The smallest run that goes through everything: 40 steps take a tenth of a second.

    Its AdamW has a large eps. Else an entry whose true gradient is zero, as of the keys' bias, would take full steps
    along its rounding errors, and two ways to sum the same gradients could not be compared.
    """
    tiny = PRESETS["tiny"]
    settings = replace(
        tiny.model,
        codec=CodecSettings(patch=(1, 4, 4), channels=4, hidden=16),
        dit=DiTSettings(
            in_channels=4,
            patch=(8, 1, 1),
            width=16,
            depth=1,
            num_heads=2,
            text=replace(tiny.model.dit.text, width=8, num_heads=2),
        ),
        steps=2,
    )
    return replace(
        tiny,
        model=settings,
        codec_training=CodecTraining(steps=30, pool=16, groups=16, discriminator_hidden=16),
        diffusion_training=DiffusionTraining(steps=40, batch=8, adamw=AdamWSettings(eps=1e-3, weight_decay=0.01)),
    )


@pytest.fixture
def small_model(small_preset, rng):
    """A VideoModel of the small preset with all its parameters moved away from zero."""
    model = VideoModel(small_preset.model, rng)
    move(model.dit.params, rng)
    model.codec.latent_std[...] = 0.5
    return model


@pytest.fixture
def state_of():
    """A function that gives a model's fresh training state: name -> vector."""

    def fresh(model):
        params = model.dit.params.flat
        return {
            "params": params.copy(),
            "ema": params.copy(),
            "first": np.zeros_like(params),
            "second": np.zeros_like(params),
        }

    return fresh


@pytest.fixture
def arrays_in():
    """A function that finds every number and array of NumPy's in nested tuples, lists, dicts and dataclasses."""

    def walk(thing):
        if isinstance(thing, np.ndarray | np.generic):
            return [thing]
        if is_dataclass(thing) and not isinstance(thing, Path):
            return walk([getattr(thing, field.name) for field in fields(thing)])
        if isinstance(thing, Mapping):
            return walk(list(thing.values()))
        if isinstance(thing, tuple | list):
            return [array for part in thing for array in walk(part)]
        assert thing is None or isinstance(thing, int | float | str | Path), f"what is a {type(thing)} doing here?"
        return []

    return walk


def move(params, rng):
    params.flat[...] += 0.1 * rng.standard_normal(params.flat.shape).astype(params.dtype)
