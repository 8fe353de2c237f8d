"""Trains one variant of the ablation, and measures its loss on clips it never saw and how its clips come out."""

from dataclasses import replace
from time import process_time

import numpy as np

from minidit.backend import array_module
from minidit.diffusion.objectives import target_of, to_velocity
from minidit.evaluation.cases import SPLITS
from minidit.experiments.small import PATH, RealClips, asked, compute_of, grid_of, mean_error, train
from minidit.models.cost import parameter_count
from minidit.training.job import VideoTraining
from minidit.world import HELD_OUT

# N = clips, f, r, c = frames, rows, columns of latents

TIMES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)  # at which the loss is measured
STARTS, REAL_CLIPS = 51, 52  # streams of random numbers
STARTS_SHARE = 0.5  # of the clips in training, in variants with known starts


def measure(settings, training, seed, codec, state, known_starts, clips, prompts):
    """Trains one variant and measures it.

    Returns:
        a JSON-able dict: parameters, tokens, step_products (multiply-accumulates of a training step), steps, loss (mean
        squared error of the velocity on held-out combinations), known_loss (the same of what follows a known start, or
        None), seen, held_out and fidelity (see `asked`), core_seconds.
    Raises:
        UserError: the run diverged.
    """
    job = KnownStartTraining if known_starts else VideoTraining
    model, _, seconds = train(settings, training, seed, codec, state, [training.steps], job=job)
    begin = process_time()
    real = RealClips.draw(settings, HELD_OUT, clips, REAL_CLIPS)
    return {
        "parameters": parameter_count(settings.dit),
        **compute_of(settings, training),
        "loss": velocity_error(model, real),
        "known_loss": velocity_error(model, real, first_half(settings, clips)) if known_starts else None,
        **asked(model, SPLITS, prompts, seed),
        "core_seconds": seconds + process_time() - begin,
    }


class KnownStartTraining(VideoTraining):
    """A `VideoTraining` on clips some of which have a known beginning."""

    def batches(self, model):
        """A function (step, shards) -> the Batch that these shards of a step make together."""
        draw = super().batches(model)

        def batch(step, shards):
            drawn, rng = draw(step, shards), np.random.default_rng([self.seed, STARTS, step, *shards])
            return replace(drawn, known=draw_starts(rng, model.settings, drawn.latents), given=drawn.latents)

        return batch


def draw_starts(rng, settings, latents):
    """A mask of known latents: the first ones of some clips, in whole tokens but never all; (N, f, r, c) bool."""
    xp, times = array_module(latents), grid_of(settings)[0]
    count, frames = latents.shape[:2]
    tokens = rng.integers(1, max(2, times), size=count) * (rng.random(count) < STARTS_SHARE)  # N
    first = np.arange(frames) < settings.dit.patch[0] * tokens[:, None]  # N, f
    return xp.broadcast_to(xp.asarray(first)[..., None, None], latents.shape[:-1])


def first_half(settings, count):
    """A mask of known latents: the first half of each clip, (N, f, r, c) bool."""
    known = np.zeros((count, *settings.latent_shape[:-1]), bool)
    known[:, : settings.latent_shape[0] // 2] = True
    return known


def velocity_error(model, real, known=None):
    """Mean squared error of the velocity that a network implies, whatever it predicts, at fixed times and noise.

    Args:
        model: VideoModel.
        real: RealClips.
        known: (N, f, r, c) bool, latents that don't count as they are known; None for none.
    """

    def error(prediction, x_t, latents, noise, t):
        velocity = to_velocity(model.settings.prediction, prediction, x_t, t, PATH)
        difference = velocity - target_of("velocity", PATH, latents, noise, t)  # N, f, r, c, C
        counted = difference if known is None else difference[~known]
        return np.square(counted, dtype=np.float64).mean()

    return mean_error(model, real, TIMES, error, known)
