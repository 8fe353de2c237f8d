import importlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minidit.experiments.small import small_settings
from minidit.experiments.variants import VARIANTS
from minidit.files.tensors import write_tensors
from minidit.models.checkpoint import codec_tensors
from minidit.models.codec import Codec
from minidit.training.settings import DiffusionTraining


@pytest.fixture(scope="session", autouse=True)
def few_repeats():
    """A bootstrap of what clips cover that is over soon."""
    module = importlib.import_module("minidit.evaluation.variety")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "bootstrap_interval", partial(module.bootstrap_interval, repeats=20))
        yield


@pytest.fixture(scope="session")
def smallest_settings():
    """Of a model that is trained in no time."""
    settings = small_settings(16, 1, 2, (8, 2, 2))
    return replace(settings, steps=2)


@pytest.fixture(scope="session")
def codec_file(smallest_settings, tmp_path_factory):
    """A codec that has learned nothing."""
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    codec = Codec(smallest_settings.codec, np.random.default_rng(0))
    write_tensors(path, codec_tensors(codec), {"kind": "codec"})
    return path


@pytest.fixture(scope="session")
def short_training():
    return DiffusionTraining(steps=4, batch=4, time_mean=-1.6)


@pytest.fixture
def results():
    """Made-up results of three seeds for every variant: "name/seed 0" -> result."""
    rng = np.random.default_rng(0)
    return {
        f"{name}/seed {seed}": {
            "parameters": 1000 + i,
            "tokens": 64,
            "step_products": 2_000_000,
            "steps": 800 - i,
            "loss": 1 + 0.1 * i + seed,
            "known_loss": 0.5 + 0.1 * i + seed if variant.known_starts else None,
            "seen": {"1111111": 8, "0011110": 2},
            "held_out": {"1111111": int(rng.integers(1, 9)), "0000000": 2},
            "core_seconds": 60.0,
        }
        for i, (name, variant) in enumerate(VARIANTS.items())
        for seed in range(3)
    }
