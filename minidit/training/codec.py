"""Trains the visual codec: likelihood and KL from the first step, an adversary towards the end."""

import json
from dataclasses import asdict

import numpy as np
from tqdm import tqdm

from minidit.backend import array_module, moved, number, to_host
from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.layers import (
    gaussian_kl_backward,
    gaussian_kl_forward,
    hinge_discriminator_backward,
    hinge_discriminator_forward,
    hinge_generator_backward,
    hinge_generator_forward,
    mse_backward,
    mse_forward,
    patchify,
)
from minidit.models.codec import to_signed
from minidit.models.discriminator import Discriminator
from minidit.training.interrupts import uninterrupted
from minidit.training.optimizer import AdamW, AdamWSettings, learning_rate_at, squared_norm
from minidit.world import HELD_OUT, PLAIN_SKIES, SEEN, render_batch

# M = groups in a batch, P = values of a patch, C = latent channels; a group is 2 x 2 neighbouring patches

RENDERED_AT_ONCE = 64
MAX_GRAD_NORM = 1.0
LOOK = 200  # steps between two looks at the progress, for which a GPU has to be waited for


def patch_pool(settings, size, frames, clips, rng, attributes=SEEN + PLAIN_SKIES):
    """Patches of freshly drawn clips in [-1, 1]: (clips, frames/pf, size/ph, size/pw, P) float32."""
    pf, ph, pw = settings.patch
    grid = (frames // pf, size // ph, size // pw)
    pool = np.empty((clips, *grid, pf * ph * pw * 3), np.float32)
    for start in range(0, clips, RENDERED_AT_ONCE):
        count = min(RENDERED_AT_ONCE, clips - start)
        chosen = [attributes[i] for i in rng.integers(len(attributes), size=count)]
        patches = patchify(to_signed(render_batch(chosen, rng, size, frames)), settings.patch)
        pool[start : start + count] = patches.reshape(count, *grid, -1)
    return pool


def draw_groups(pool, count, rng):
    """Random groups of 2 x 2 neighbouring patches: (count, 4, P)."""
    clips, frames, rows, columns, _ = pool.shape
    clip, frame = rng.integers(clips, size=count), rng.integers(frames, size=count)
    row, column = rng.integers(rows - 1, size=count), rng.integers(columns - 1, size=count)
    corners = [pool[clip, frame, row + down, column + right] for down in (0, 1) for right in (0, 1)]
    return np.stack(corners, axis=1)  # count, 4, P


def codec_loss_and_gradients(codec, patches, noise, noise_std):
    """Minus the evidence lower bound, per value of a patch, and what it says of the reconstruction and the latents.

    The pixels are Gaussian around the reconstruction with standard deviation `noise_std`: their likelihood is a
    squared error over 2 · noise_std². The KL term is per latent number, so it counts C / P.

    Args:
        codec: Codec.
        patches: (..., P) in [-1, 1].
        noise: (..., C) standard normal.
        noise_std: σ of the likelihood.
    Returns:
        loss and squared error (numbers; on a GPU arrays ()), reconstruction (..., P), dreconstruction, dmean,
        dlog_variance, and the codec's cache.
    Source: Kingma & Welling 2014, eq. 3 and appendix B.
    """
    reconstruction, mean, log_variance, cache = codec.forward(patches, noise)
    squared_error, mse_cache = mse_forward(reconstruction, patches)
    kl, kl_cache = gaussian_kl_forward(mean, log_variance)
    likelihood_weight = 1 / (2 * noise_std**2)
    kl_weight = mean.shape[-1] / patches.shape[-1]
    dreconstruction, _ = mse_backward(likelihood_weight, mse_cache)
    dmean, dlog_variance = gaussian_kl_backward(kl_weight, kl_cache)
    loss = number(likelihood_weight * squared_error + kl_weight * kl)
    return loss, number(squared_error), reconstruction, dreconstruction, dmean, dlog_variance, cache


def adversarial_gradients(discriminator, real, fake):
    """One look of the discriminator at real and reconstructed groups.

    Args:
        discriminator: Discriminator.
        real, fake: (M, G).
    Returns:
        dfake (M, G), which makes the reconstructions look more real, and the gradients that make the
        discriminator better at telling them apart. Both come from the same forward pass.
    Source: Lim & Ye 2017, "Geometric GAN", eq. 6 and 7 (the hinge loss).
    """
    real_logits, real_cache = discriminator.forward(real)
    fake_logits, fake_cache = discriminator.forward(fake)
    _, generator_cache = hinge_generator_forward(fake_logits)
    dfake, _ = discriminator.backward(hinge_generator_backward(1.0, generator_cache), fake_cache)
    _, hinge_cache = hinge_discriminator_forward(real_logits, fake_logits)
    dreal_logits, dfake_logits = hinge_discriminator_backward(1.0, hinge_cache)
    _, from_real = discriminator.backward(dreal_logits, real_cache)
    _, from_fake = discriminator.backward(dfake_logits, fake_cache)
    return dfake, {name: from_real[name] + from_fake[name] for name in from_real}


def train_codec(codec, training, size, frames, seed, progress=True, file=None):
    """Trains a codec in place and normalises its latents.

    Args:
        codec: Codec, freshly drawn, on the device to train it on.
        training: CodecTraining.
        size, frames: of the clips.
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
        codec.normalize_latents(moved(unfinished.pool[:256], array_module(codec.params.flat)))
        return reconstruction_psnr(codec, size, frames, seed)
    except KeyboardInterrupt:
        if file is not None:
            unfinished.save(file)
        raise


class CodecState:
    """A codec's training under way: the networks, their optimisers, the patches and the random numbers to come.

    Args: as for `train_codec`.
    """

    def __init__(self, codec, training, size, frames, seed):
        self.codec, self.step, self.rng = codec, 0, np.random.default_rng([seed, 1])
        plan = {"settings": asdict(codec.settings), "training": asdict(training)}
        self.plan = json.loads(json.dumps(plan | {"size": size, "frames": frames, "seed": seed}))
        self.pool = patch_pool(codec.settings, size, frames, training.pool, self.rng)
        patch = self.pool.shape[-1]
        self.discriminator = Discriminator(4 * patch, training.discriminator_hidden, self.rng)
        self.discriminator = self.discriminator.on(array_module(codec.params.flat))
        self.optimizer = AdamW(codec.params, AdamWSettings(beta2=0.999))
        self.discriminator_optimizer = AdamW(self.discriminator.params, AdamWSettings(beta1=0.5, beta2=0.999))

    @property
    def vectors(self):
        """What the steps change, by name."""
        optimizers = {"codec": self.optimizer, "discriminator": self.discriminator_optimizer}
        return {
            f"{owner}.{name}": vector
            for owner, found in optimizers.items()
            for name, vector in (("params", found.params.flat), ("m", found.m), ("v", found.v))
        }

    def save(self, path):
        """Writes a file, whole or not at all."""
        counts = {"step": self.step, "discriminator_step": self.discriminator_optimizer.step}
        vectors = {name: to_host(vector) for name, vector in self.vectors.items()}
        notes = {"kind": "codec state", "plan": self.plan, "rng": self.rng.bit_generator.state}
        write_tensors(path, vectors, notes | counts)

    def load(self, path):
        """Continues from what `save` wrote.

        Raises:
            UserError: the file is damaged, or of a training with other settings or another seed.
        """
        tensors, metadata = read_tensors(path)
        if metadata.get("plan") != self.plan:
            raise UserError(
                f"{path} is not of this codec's training, but of one with other settings or another seed. "
                "Choose another --out, or remove that file."
            )
        for name, vector in self.vectors.items():
            vector[...] = moved(tensors[name], array_module(vector))
        self.rng.bit_generator.state = metadata["rng"]
        self.step = self.optimizer.step = metadata["step"]
        self.discriminator_optimizer.step = metadata["discriminator_step"]


def codec_step(state, training):
    """A training step of a CodecState, in place. Returns the squared error: a number; on a GPU an array ()."""
    codec, rng, step = state.codec, state.rng, state.step
    xp = array_module(codec.params.flat)
    groups = draw_groups(state.pool, training.groups, rng)     # M, 4, P
    noise = rng.standard_normal((*groups.shape[:2], codec.settings.channels), dtype=np.float32)  # M, 4, C
    groups, noise = moved(groups, xp), moved(noise, xp)
    loss, squared_error, reconstruction, dreconstruction, dmean, dlog_variance, cache = codec_loss_and_gradients(
        codec, groups, noise, training.noise_std
    )
    look = step % LOOK == 0 or step == training.steps - 1
    if (look or isinstance(loss, float)) and not np.isfinite(float(loss)):
        raise UserError(
            f"the codec's training diverged at step {step}: the loss is {loss}. "
            "Give its CodecTraining a lower learning_rate."
        )
    learning_rate = learning_rate_at(step, training.steps, training.learning_rate, training.warmup, decay=1.0)
    if training.adversarial_weight and step >= training.adversarial_start * training.steps:
        flat = (len(groups), -1)
        dfake, discriminator_grads = adversarial_gradients(
            state.discriminator, groups.reshape(flat), reconstruction.reshape(flat)
        )
        # Only the direction is the adversary's: its size follows the likelihood's (Esser et al. 2021, eq. 7).
        strength = training.adversarial_weight * norm(dreconstruction) / (norm(dfake) + 1e-12)
        dreconstruction = dreconstruction + strength * dfake.reshape(groups.shape)
        state.discriminator_optimizer.update(discriminator_grads, learning_rate, MAX_GRAD_NORM)
    grads = codec.backward(dreconstruction, dmean, dlog_variance, cache)
    state.optimizer.update(grads, learning_rate, MAX_GRAD_NORM)
    state.step += 1
    return squared_error


def norm(array):
    """Euclidean length of all its entries: a number; on a GPU an array ()."""
    return squared_norm(array) ** 0.5


def psnr(squared_error):
    """Peak signal-to-noise ratio in dB of a mean squared error of values that span 2 (from -1 to 1)."""
    return float(10 * np.log10(4 / squared_error))


def reconstruction_psnr(codec, size, frames, seed, clips=128):
    """PSNR in dB of the codec's reconstructions (from the means, clipped to [0, 1]) of held-out clips."""
    rng = np.random.default_rng([seed, 2])
    chosen = [HELD_OUT[i] for i in rng.integers(len(HELD_OUT), size=clips)]
    real = render_batch(chosen, rng, size, frames)
    return psnr(4 * float(np.mean(np.square(codec.reconstruct(real) - real))))
