"""The whole step of `minidit train`: clips are drawn, rendered and encoded before the network learns from them."""

import itertools
from contextlib import contextmanager

import numpy as np

from minidit.benchmark.task import repeated
from minidit.models.checkpoint import codec_tensors
from minidit.models.video_model import VideoModel
from minidit.presets import PRESETS
from minidit.training.batches import draw_attributes
from minidit.training.job import VideoTraining
from minidit.training.parallel.workers import Team
from minidit.training.steps import VECTORS
from minidit.world import render_batch

WHOLE, RENDERING, ENCODING = "whole step", "rendering", "encoding"
SEED = 0


@contextmanager
def whole_steps(name):
    """For `timing.timed`: gives `run(steps)` of a preset's training, in one process, with a codec of random numbers."""
    preset = PRESETS[name]
    model = VideoModel(preset.model, np.random.default_rng(SEED))
    job = VideoTraining(preset.model, preset.diffusion_training, codec_tensors(model.codec), SEED)
    with Team(job, 1) as team:
        params = model.dit.params.flat
        team.load({vector: params if vector in ("params", "ema") else np.zeros_like(params) for vector in VECTORS})
        numbers = itertools.count()
        yield repeated(lambda: team.run(step := next(numbers), step + 1))


@contextmanager
def rendering(name):
    """For `timing.timed`: gives `run(batches)`, which renders as many clips as a step learns from."""
    preset, rng = PRESETS[name], np.random.default_rng(SEED)
    attributes = [draw_attributes(rng, 0.0) for _ in range(preset.diffusion_training.batch)]
    yield repeated(lambda: render_batch(attributes, rng, preset.model.size, preset.model.frames))


@contextmanager
def encoding(name):
    """For `timing.timed`: gives `run(batches)`, which encodes as many clips as a step learns from."""
    preset, rng = PRESETS[name], np.random.default_rng(SEED)
    model = VideoModel(preset.model, rng)
    attributes = [draw_attributes(rng, 0.0) for _ in range(preset.diffusion_training.batch)]
    clips = render_batch(attributes, rng, preset.model.size, preset.model.frames)
    yield repeated(lambda: model.codec.encode(clips))


PARTS = {WHOLE: whole_steps, RENDERING: rendering, ENCODING: encoding}
