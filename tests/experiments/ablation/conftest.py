from dataclasses import replace

import numpy as np
import pytest

from minidit.experiments.ablation.training import Effort
from minidit.experiments.ablation.variants import VARIANTS, base_settings
from minidit.files.tensors import write_tensors
from minidit.models.checkpoint import codec_tensors
from minidit.models.codec import Codec, CodecSettings
from minidit.training.settings import DiffusionTraining


@pytest.fixture(scope="session")
def effort():
    """The smallest: three steps of a very small base."""
    base = base_settings(width=32, depth=1, num_heads=4, text_width=8)
    base = replace(base, steps=2, codec=CodecSettings(patch=(1, 4, 4), channels=4, hidden=8))
    base = replace(base, dit=replace(base.dit, in_channels=4))
    return Effort(base, DiffusionTraining(steps=3, batch=8, shards=2), clips=5, prompts=6)


@pytest.fixture(scope="session")
def codec_file(effort, tmp_path_factory):
    """A codec of random numbers."""
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    codec = Codec(effort.base.codec, np.random.default_rng(0))
    codec.latent_std[...] = 0.5
    write_tensors(path, codec_tensors(codec), {"kind": "codec"})
    return path


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
            "given_loss": 0.5 + 0.1 * i + seed if variant.given else None,
            "seen": {"1111111": 8, "0011110": 2},
            "held_out": {"1111111": int(rng.integers(1, 9)), "0000000": 2},
            "core_seconds": 60.0,
        }
        for i, (name, variant) in enumerate(VARIANTS.items())
        for seed in range(3)
    }
