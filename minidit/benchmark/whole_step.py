"""The whole step of `minidit train`: clips are drawn, rendered and encoded before the network learns from them."""

from contextlib import contextmanager

import numpy as np

from minidit.benchmark.ours import running
from minidit.benchmark.task import repeated
from minidit.models.video_model import VideoModel
from minidit.presets import PRESETS
from minidit.training.buckets import draw_attributes
from minidit.training.job import VideoTraining
from minidit.world import render_batch

WHOLE, RENDERING, ENCODING = "whole step", "rendering", "encoding"
SEED = 0


def whole_steps(name):
    """For `timing.timed`: gives `run(steps)` of a preset's training, in one process, with a codec of random numbers."""
    preset = PRESETS[name]
    return running(VideoTraining.with_random_codec(preset.model, preset.diffusion_training))


@contextmanager
def rendering(name):
    """For `timing.timed`: gives `run(batches)`, which renders the clips of a step."""
    preset, rng = PRESETS[name], np.random.default_rng(SEED)
    attributes = [draw_attributes(rng, 0.0) for _ in range(preset.diffusion_training.batch)]
    yield repeated(lambda: render_batch(attributes, rng, preset.model.size, preset.model.frames))


@contextmanager
def encoding(name):
    """For `timing.timed`: gives `run(batches)`, which encodes the clips of a step."""
    preset, rng = PRESETS[name], np.random.default_rng(SEED)
    model = VideoModel(preset.model, rng)
    attributes = [draw_attributes(rng, 0.0) for _ in range(preset.diffusion_training.batch)]
    clips = render_batch(attributes, rng, preset.model.size, preset.model.frames)
    yield repeated(lambda: model.codec.encode(clips))


PARTS = {WHOLE: whole_steps, RENDERING: rendering, ENCODING: encoding}
