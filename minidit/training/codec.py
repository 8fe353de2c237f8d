"""Trains the visual codec: likelihood and KL, and a decoder that bears errors in the latents."""

import copy
import json
from dataclasses import asdict, replace
from time import perf_counter

import numpy as np
from tqdm import tqdm

from minidit.backend import array_module, moved, number, to_host
from minidit.errors import UserError
from minidit.files.tensors import check_shapes, read_tensors, write_tensors
from minidit.files.typed import read_typed
from minidit.layers import (
    gaussian_kl_backward,
    gaussian_kl_forward,
    mse_backward,
    mse_forward,
    patchify,
)
from minidit.layers.patchify import patch_grid
from minidit.models.codec import to_signed
from minidit.training.interrupts import uninterrupted
from minidit.training.optimizer import AdamWSettings, Muon, learning_rate_at
from minidit.world import HELD_OUT, PLAIN_SKIES, SEEN, render_batch

# N = clips of a batch; f, r, c = their frames, rows, columns in patches; P = values of a patch, C = latent channels

RENDERED_AT_ONCE = 64
MAX_GRAD_NORM = 1.0
TIMED_STEPS = 10  # to know how many fit into a time
LOOK = 200  # steps between two looks at the progress, for which a GPU has to be waited for


def patch_pool(settings, size, frames, clips, rng, attributes=SEEN + PLAIN_SKIES):
    """Patches of freshly drawn clips in [-1, 1]: (clips, frames/pf, rows/ph, columns/pw, P) float32.

    Args:
        settings: CodecSettings.
        size: (rows, columns) of the clips, frames: how many each has.
        clips: how many. rng: Generator. attributes: what they show, each as likely.
    """
    grid = patch_grid((frames, *size), settings.patch)
    pool = np.empty((clips, *grid, int(np.prod(settings.patch)) * 3), np.float32)
    for start in range(0, clips, RENDERED_AT_ONCE):
        count = min(RENDERED_AT_ONCE, clips - start)
        chosen = [attributes[i] for i in rng.integers(len(attributes), size=count)]
        patches = patchify(to_signed(render_batch(chosen, rng, size, frames)), settings.patch)
        pool[start : start + count] = patches.reshape(count, *pool.shape[1:])
    return pool


def codec_loss_and_gradients(codec, patches, noise, noise_std, error=None):
    """Minus the evidence lower bound, per value of a patch, and what it says of the reconstruction and the latents.

    The pixels are Gaussian around the reconstruction with standard deviation `noise_std`: their likelihood is a
    squared error over 2 · noise_std². The KL term is per latent number, so it counts C / P.

    Args:
        codec: Codec.
        patches: (N, f, r, c, P) in [-1, 1].
        noise: (N, f, r, c, C) standard normal.
        noise_std: σ of the likelihood.
        error: of the latents, as for `Codec.forward`.
    Returns:
        loss and squared error (numbers; on a GPU arrays ()), dreconstruction (N, f, r, c, P), dmean, dlog_variance,
        and the codec's cache.
    Source: Kingma & Welling 2014, eq. 3 and appendix B.
    """
    reconstruction, mean, log_variance, cache = codec.forward(patches, noise, error)
    squared_error, mse_cache = mse_forward(reconstruction, patches)
    kl, kl_cache = gaussian_kl_forward(mean, log_variance)
    likelihood_weight = 1 / (2 * noise_std**2)
    kl_weight = mean.shape[-1] / patches.shape[-1]
    dreconstruction, _ = mse_backward(likelihood_weight, mse_cache)
    dmean, dlog_variance = gaussian_kl_backward(kl_weight, kl_cache)
    loss = number(likelihood_weight * squared_error + kl_weight * kl)
    return loss, number(squared_error), dreconstruction, dmean, dlog_variance, cache


def relative_error(noise, size):
    """Errors of latents, in units of each channel's standard deviation over the batch: an argument of `Codec.forward`.

    Args:
        noise: (N, f, r, c, C) standard normal, size: (N,), of each clip's errors.
    """

    def error(mean):
        spread = mean.std(axis=tuple(range(mean.ndim - 1)))  # C
        return noise * size[:, None, None, None, None] * spread  # N, f, r, c, C

    return error


def train_codec(codec, training, size, frames, seed, progress=True, file=None):
    """Trains a codec in place and normalises its latents.

    Args:
        codec: Codec, freshly drawn, on the device to train it on.
        training: CodecTraining.
        size, frames: of the model's clips. It is measured on these, and trained on them unless the CodecTraining says
            which `sizes`.
        seed: of everything random here.
        progress: show a bar.
        file: where to save the unfinished training on Ctrl-C; if the file exists, the training continues from it, and
            ends with the same bits. None saves nothing.
    Returns:
        PSNR in dB on held-out clips (see `reconstruction_psnr`).
    Raises:
        UserError: the loss is not finite: the training diverged; or the file is of another training.
    """
    unfinished = CodecState(codec, training, size, frames, seed)
    if file is not None and file.exists():
        unfinished.load(file)
    bar = tqdm(total=training.steps, initial=unfinished.step, desc="codec", unit="step", disable=not progress)
    try:
        with bar:
            while unfinished.step < training.steps:
                with uninterrupted():
                    squared_error = codec_step(unfinished, training)
                bar.update()
                if (unfinished.step - 1) % LOOK == 0 or unfinished.step == training.steps:
                    bar.set_postfix(psnr=f"{psnr(float(squared_error)):.1f} dB")
        codec.normalize_latents(moved(unfinished.pools[0][:256], array_module(codec.params.flat)))
        return reconstruction_psnr(codec, size, frames, seed)
    except KeyboardInterrupt:
        if file is not None:
            unfinished.save(file)
        raise


def seconds_per_codec_step(codec, training, size, frames):
    """How long a step of `train_codec` takes here. The codec stays as it was. Arguments as for `train_codec`."""
    trial = CodecState(copy.deepcopy(codec), replace(training, pool=training.batch), size, frames, seed=0)
    codec_step(trial, training)  # the first one is slower
    begin = perf_counter()
    for _ in range(TIMED_STEPS):
        codec_step(trial, training)
    return (perf_counter() - begin) / TIMED_STEPS


class CodecState:
    """A codec's training under way: the network, its optimiser, the patches and the random numbers to come.

    Args: as for `train_codec`.
    """

    def __init__(self, codec, training, size, frames, seed):
        self.codec, self.step, self.rng = codec, 0, np.random.default_rng([seed, 1])
        plan = {"settings": asdict(codec.settings), "training": asdict(training)}
        self.plan = json.loads(json.dumps(plan | {"size": size, "frames": frames, "seed": seed}))
        sizes = training.sizes or ((size, size),)
        self.pools = [patch_pool(codec.settings, size, frames, training.pool, self.rng) for size in sizes]
        self.optimizer = Muon(codec.params, AdamWSettings(beta2=0.999))

    @property
    def vectors(self):
        """What the steps change, by name."""
        return {"params": self.optimizer.params.flat, "m": self.optimizer.m, "v": self.optimizer.v}

    def save(self, path):
        """Writes a file, whole or not at all."""
        vectors = {name: to_host(vector) for name, vector in self.vectors.items()}
        notes = {"kind": "codec state", "plan": self.plan, "rng": self.rng.bit_generator.state}
        write_tensors(path, vectors, notes | {"step": self.step})

    def load(self, path):
        """Continues from what `save` wrote.

        Raises:
            UserError: the file is damaged, or of a training with other settings or another seed.
        """

        def check(metadata, shapes):
            if metadata.get("plan") != self.plan:
                raise UserError(
                    f"{path} is not of this codec's training, but of one with other settings or another seed. "
                    "Choose another --out, or remove that file."
                )
            check_shapes(shapes, {name: vector.shape for name, vector in self.vectors.items()})
            read_typed(int, metadata["step"], {"step": (0, self.plan["training"]["steps"])}, "step")
            np.random.default_rng().bit_generator.state = metadata["rng"]

        tensors, metadata = read_tensors(path, check)
        for name, vector in self.vectors.items():
            vector[...] = moved(tensors[name], array_module(vector))
        self.rng.bit_generator.state = metadata["rng"]
        self.step = self.optimizer.step = metadata["step"]


def codec_step(state, training):
    """A training step of a CodecState, in place. Returns the squared error: a number; on a GPU an array ()."""
    codec, rng, step = state.codec, state.rng, state.step
    xp = array_module(codec.params.flat)
    pool = state.pools[rng.integers(len(state.pools))]
    patches = pool[rng.integers(len(pool), size=training.batch)]  # N, f, r, c, P
    noise, error_noise = rng.standard_normal((2, *patches.shape[:-1], codec.settings.channels), dtype=np.float32)
    size = training.latent_error * rng.random(len(patches), dtype=np.float32)  # N
    patches, noise, error_noise, size = (moved(array, xp) for array in (patches, noise, error_noise, size))
    loss, squared_error, *douts, cache = codec_loss_and_gradients(
        codec, patches, noise, training.noise_std, relative_error(error_noise, size)
    )
    look = step % LOOK == 0 or step == training.steps - 1
    if (look or isinstance(loss, float)) and not np.isfinite(float(loss)):
        raise UserError(
            f"the codec's training diverged at step {step}: the loss is {loss}. "
            "Give its CodecTraining a lower learning_rate."
        )
    learning_rate = learning_rate_at(step, training.steps, training.learning_rate, training.warmup, decay=1.0)
    state.optimizer.update(codec.backward(*douts, cache), learning_rate, MAX_GRAD_NORM)
    state.step += 1
    return squared_error


def psnr(squared_error):
    """Peak signal-to-noise ratio in dB of a mean squared error of values that span 2 (from -1 to 1)."""
    return float(10 * np.log10(4 / squared_error))


def reconstruction_psnr(codec, size, frames, seed, clips=128):
    """PSNR in dB of the codec's reconstructions (from the means, clipped to [0, 1]) of held-out clips."""
    rng = np.random.default_rng([seed, 2])
    chosen = [HELD_OUT[i] for i in rng.integers(len(HELD_OUT), size=clips)]
    real = render_batch(chosen, rng, size, frames)
    return psnr(4 * float(np.mean(np.square(codec.reconstruct(real) - real))))
