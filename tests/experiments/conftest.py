import importlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minidit.experiments.small import small_settings
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
