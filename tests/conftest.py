import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.checkpoint import save_model
from minidit.models.tokenizer import SPECIAL
from minidit.presets import PRESETS
from minidit.training.optimizer import AdamWSettings
from minidit.training.settings import CodecTraining, DiffusionTraining
from minidit.world import VOCABULARY

# What takes long for how little it computes: compilers, processes, notebooks, drawings, counts.
SLOW = (
    "backend/kernels",
    "backend/simulated/test_cuda_on_cpu.py",
    "benchmark",
    "commands/test_build_lessons.py",
    "commands/test_claims.py",
    "commands/test_ctrl_c.py",
    "commands/test_evaluate.py",
    "commands/test_gpu_plan.py",
    "commands/test_grade.py",
    "course/grading/test_notebook.py",
    "course/grading/test_similar.py",
    "course/grading/test_workers.py",
    "course/test_builder.py",
    "course/test_draw.py",
    "course/test_lessons.py",
    "course/test_nbgrader.py",
    "experiments/test_folder.py",
    "experiments/test_tasks.py",
    "figures",
    "gpu",
    "models/test_memory.py",
    "test_cli.py",
    "training/parallel",
    "training/test_budget.py",
)


def pytest_configure():
    """Ctrl-C means what it does at a terminal: a shell may start pytest in the background, where it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items):
    """Marks the tests of SLOW, and those that run only when asked for, as slow."""
    slow = [Path(__file__).parent / path for path in SLOW]
    for item in items:
        on_request = any(item.get_closest_marker(name) for name in ("browser", "docs", "install", "lessons"))
        if on_request or any(item.path.is_relative_to(path) for path in slow):
            item.add_marker(pytest.mark.slow)


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
    """As `tiny_model`, with conditioning channels, clips of 32 x 32 pixels, latents of 8 x 8, as the shipped model."""
    old = tiny_model.settings
    settings = replace(
        old,
        size=32,
        codec=CodecSettings(patch=(1, 8, 8), channels=4, hidden=8),
        dit=replace(old.dit, conditioning_channels=True),
    )
    rng = np.random.default_rng(1)
    model = VideoModel(settings, rng)
    model.dit.params.flat += 0.1 * rng.standard_normal(model.dit.params.flat.shape, dtype=np.float32)
    return model


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
        codec_training=CodecTraining(steps=30, batch=4, pool=16, refine_steps=4),
        diffusion_training=DiffusionTraining(steps=40, batch=8, adamw=AdamWSettings(eps=1e-3, weight_decay=0.01)),
    )


@pytest.fixture
def small_model(small_preset, rng):
    """A VideoModel of the small preset with all its parameters moved away from zero."""
    model = VideoModel(small_preset.model, rng)
    params = model.dit.params
    params.flat[...] += 0.1 * rng.standard_normal(params.flat.shape).astype(params.dtype)
    model.codec.latent_std[...] = 0.5
    return model


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_model, tmp_path_factory):
    """The file of `tiny_model`."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save_model(path, tiny_model)
    return path
