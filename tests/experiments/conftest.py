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
    """Bootstraps that are over soon."""
    names = {"evaluation.variety": 20, "evaluation.examined": 50, "experiments.decibels": 200}
    with pytest.MonkeyPatch.context() as patch:
        for name, repeats in names.items():
            module = importlib.import_module(f"minidit.{name}")
            patch.setattr(module, "bootstrap_interval", partial(module.bootstrap_interval, repeats=repeats))
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
            "fidelity": {"seen": [29.0 - i / 10, 30.0 - i / 10], "held_out": [28.0 + seed, 31.0]},
            "core_seconds": 60.0,
        }
        for i, (name, variant) in enumerate(VARIANTS.items())
        for seed in range(3)
    }
