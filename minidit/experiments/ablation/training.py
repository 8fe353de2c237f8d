"""Trains one variant, and measures it: loss on clips that it never saw, and how often its clips show the prompt."""

from dataclasses import dataclass, replace
from time import process_time

import numpy as np

from minidit.backend import array_module, number
from minidit.diffusion import RectifiedFlow, diffusion_loss_backward, diffusion_loss_forward, network_time
from minidit.diffusion.objectives import target_of, to_velocity
from minidit.evaluation.cases import draw_real, spread
from minidit.experiments.ablation.variants import grid_of, settings_of, step_products, steps_of, tokens_of
from minidit.experiments.small import prompt_tally
from minidit.files.tensors import read_tensors
from minidit.models.checkpoint import codec_tensors, load_codec
from minidit.models.cost import parameter_count
from minidit.models.video_model import VideoModel
from minidit.training.batches import draw_batch
from minidit.training.job import VideoTraining, VideoWorker
from minidit.training.parallel.workers import Team
from minidit.training.settings import DiffusionTraining
from minidit.training.steps import VECTORS
from minidit.world import HELD_OUT, SEEN, caption

# N = clips, f, r, c = frames, rows, columns of latents, C = channels

PATH = RectifiedFlow()
TIMES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)  # at which the loss is measured
GIVEN, CLIPS = 51, 52  # streams of random numbers of their own
GIVEN_SHARE = 0.5  # of the clips in training, where parts are given


@dataclass(frozen=True)
class Effort:
    """How much is done.

    Attributes:
        base: VideoModelSettings of the base.
        training: DiffusionTraining, with the base's steps.
        clips: whose loss is measured.
        prompts: of each split.
    """

    base: object
    training: DiffusionTraining
    clips: int
    prompts: int


def train_and_measure(variant, effort, seed, codec):
    """Trains a variant from nothing, as many steps as cost what the base's cost, and measures it.

    Args:
        variant: Variant.
        effort: Effort.
        seed: of weights, clips and noise; the same for all variants, which thus see the same clips.
        codec: file of the trained codec that all share.
    Returns:
        a JSON-able dict: parameters, tokens, step_products (multiply-accumulates of a training step), steps, loss (mean
        squared error of the velocity on held-out combinations), given_loss (the same of what follows a given start, or
        None), seen and held_out (tallies of the verifier), core_seconds.
    Raises:
        UserError: the run diverged.
    """
    begin = process_time()
    settings = settings_of(variant, effort.base)
    batch = effort.training.batch
    training = replace(effort.training, steps=steps_of(settings, effort.base, effort.training.steps, batch))
    model = VideoModel(settings, np.random.default_rng([seed, 0]))
    load_codec(model.codec, read_tensors(codec)[0])
    train(model, training, seed, variant.given)
    real = RealClips.draw(settings, effort.clips)
    start = given_start(settings, len(real.captions)) if variant.given else None
    return {
        "parameters": parameter_count(settings.dit),
        "tokens": tokens_of(settings),
        "step_products": step_products(settings, batch),
        "steps": training.steps,
        "loss": velocity_error(model, real),
        "given_loss": None if start is None else velocity_error(model, real, start),
        "seen": prompt_tally(model, SEEN, effort.prompts, [seed, 0]),
        "held_out": prompt_tally(model, HELD_OUT, effort.prompts, [seed, 1]),
        "core_seconds": process_time() - begin,
    }


def train(model, training, seed, given):
    """Trains the DiT of a VideoModel in this process; it holds the moving average of the weights in the end."""
    job = (GivenTraining if given else VideoTraining)(model.settings, training, codec_tensors(model.codec), seed)
    vectors = {name: np.zeros_like(model.dit.params.flat) for name in VECTORS}
    vectors["params"][...] = vectors["ema"][...] = model.dit.params.flat
    with Team(job, 1) as team:
        team.load(vectors)
        team.run(0, training.steps)
        team.store(vectors)
    model.dit.params.flat[...] = vectors["ema"]


class GivenTraining(VideoTraining):
    """A `VideoTraining` on clips of which some have their beginning given."""

    def at(self, params):
        """The worker for the parameters in this vector."""
        worker = super().at(params)
        return GivenWorker(worker.model, worker.training, worker.seed)


class GivenWorker(VideoWorker):
    """A `GivenTraining` at work."""

    def loss_and_gradients(self, step, shards):
        """Loss of what is to be made, and gradients by name: means over the clips of these shards of a step's batch."""
        batch = draw_batch(self.model, self.training, self.seed, step, shards)
        rng = np.random.default_rng([self.seed, GIVEN, step, *shards])
        known = drawn_starts(rng, self.model.settings, batch.latents)
        xp = array_module(batch.latents)
        x_t = xp.where(known[..., None], batch.latents, PATH.noised(batch.latents, batch.noise, batch.t))
        prediction, cache = self.model.dit.forward(x_t, network_time(batch.t), batch.ids, known=known)
        kind = self.model.settings.prediction
        loss, loss_cache = diffusion_loss_forward(
            prediction, kind, PATH, batch.latents, batch.noise, batch.t, counted=~known
        )
        _, grads = self.model.dit.backward(diffusion_loss_backward(1.0, loss_cache), cache)
        return number(loss), grads


def drawn_starts(rng, settings, latents):
    """Which latents are given: of some clips the first ones, in whole tokens but never all; (N, f, r, c) bool."""
    xp, times = array_module(latents), grid_of(settings)[0]
    count, frames = latents.shape[:2]
    given = rng.integers(1, max(2, times), size=count) * (rng.random(count) < GIVEN_SHARE)  # N   in tokens
    first = np.arange(frames) < settings.dit.patch[0] * given[:, None]  # N, f
    return xp.broadcast_to(xp.asarray(first)[..., None, None], latents.shape[:-1])


def given_start(settings, count):
    """The first half of each clip, (N, f, r, c) bool."""
    known = np.zeros((count, *settings.latent_shape[:-1]), bool)
    known[:, : settings.latent_shape[0] // 2] = True
    return known


@dataclass(frozen=True)
class RealClips:
    """Real clips with captions, and the noise with which a model is asked about them: the same for all models."""

    clips: np.ndarray  # N, F, H, W, 3
    captions: list
    noise: np.ndarray  # N, f, r, c, C

    @classmethod
    def draw(cls, settings, count):
        """`count` fresh clips, spread evenly over the held-out combinations."""
        rng = np.random.default_rng(CLIPS)
        attributes = spread(HELD_OUT, count, rng)
        clips = draw_real(attributes, rng, settings)           # N, F, H, W, 3
        noise = rng.standard_normal((count, *settings.latent_shape), dtype=np.float32)
        return cls(clips, [caption(a, rng) for a in attributes], noise)


def velocity_error(model, real, known=None):
    """Mean squared error of the velocity that a network implies, whatever it predicts, at fixed times and noise.

    Args:
        model: VideoModel.
        real: RealClips.
        known: (N, f, r, c) bool, latents that are given and don't count; None for none.
    """
    latents = model.codec.encode(real.clips)                   # N, f, r, c, C
    embedding = model.dit.embed(model.tokenizer.encode(real.captions))
    counted = np.ones(latents.shape[:-1], bool) if known is None else ~known  # N, f, r, c
    errors = []
    for time in TIMES:
        t = np.full(len(latents), time, np.float32)            # N
        x_t = PATH.noised(latents, real.noise, t)              # N, f, r, c, C
        x_t = np.where(counted[..., None], x_t, latents)
        prediction = model.dit.predict(x_t, network_time(t), embedding, known)
        velocity = to_velocity(model.settings.prediction, prediction, x_t, t, PATH)
        error = velocity - target_of("velocity", PATH, latents, real.noise, t)  # N, f, r, c, C
        errors.append(float(np.square(error[counted], dtype=np.float64).mean()))
    return float(np.mean(errors))
