from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from minidit.diffusion import Path
from minidit.models import CodecSettings, VideoModel
from minidit.training.state import TrainingState


@pytest.fixture
def marked_model(small_model, rng):
    """A VideoModel like the small one that can be shown known latents, of clips of 32 x 32 pixels."""
    old = small_model.settings
    codec, dit = CodecSettings(patch=(1, 8, 8), channels=4, hidden=8), replace(old.dit, conditioning_channels=True)
    settings = replace(old, size=32, codec=codec, dit=dit)
    model = VideoModel(settings, rng)
    model.dit.params.flat[...] += 0.1 * rng.standard_normal(model.dit.params.flat.shape).astype(np.float32)
    return model


@pytest.fixture
def state_of():
    """A function that gives a model's fresh TrainingState."""
    return lambda model: TrainingState.start(model.dit.params.flat)


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
