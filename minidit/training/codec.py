"""Trains the visual codec: likelihood and KL from the first step, an adversary towards the end."""

import numpy as np
from tqdm import tqdm

from minidit.backend import array_module, moved, number
from minidit.errors import UserError
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
from minidit.models.parameters import Parameters
from minidit.training.optimizer import AdamWSettings, adamw_update, clip_scale, learning_rate_at
from minidit.world import HELD_OUT, PLAIN_SKIES, SEEN, render_batch

# M = groups in a batch, P = values of a patch, C = latent channels; a group is 2 x 2 neighbouring patches

RENDERED_AT_ONCE = 64
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


class FlatAdamW:
    """AdamW for a small model in one process: moments and a gradient buffer beside its parameters."""

    def __init__(self, params, settings):
        self.params, self.settings = params, settings
        self.grads, self.first, self.second = (array_module(params.flat).zeros_like(params.flat) for _ in range(3))
        self.grads = Parameters(params.shapes, buffer=self.grads)
        self.step = 0

    def update(self, grads, learning_rate):
        """One step with gradients by name, clipped to a norm of 1."""
        self.step += 1  # its own count: the discriminator joins late, and its moments are as young as it is
        self.grads.load(grads)
        scale = clip_scale(squared_norm(self.grads.flat), 1.0)
        moments = (self.first, self.second)
        adamw_update(self.params.flat, self.grads.flat, *moments, self.step, learning_rate, self.settings, scale)


def train_codec(codec, training, size, frames, seed, progress=True):
    """Trains a codec in place and normalises its latents.

    Args:
        codec: Codec, freshly drawn, on the device to train it on.
        training: CodecTraining.
        size, frames: of the clips.
        seed: of everything random here.
        progress: show a bar.
    Returns:
        PSNR in dB on held-out clips (see `reconstruction_psnr`).
    Raises:
        UserError: the loss is not finite: the training diverged.
    """
    rng = np.random.default_rng([seed, 1])
    pool = patch_pool(codec.settings, size, frames, training.pool, rng)
    xp = array_module(codec.params.flat)
    discriminator = Discriminator(4 * pool.shape[-1], training.discriminator_hidden, rng).on(xp)
    codec_optimizer = FlatAdamW(codec.params, AdamWSettings(beta2=0.999))
    discriminator_optimizer = FlatAdamW(discriminator.params, AdamWSettings(beta1=0.5, beta2=0.999))
    adversarial_from = training.adversarial_start * training.steps if training.adversarial_weight else training.steps

    bar = tqdm(range(training.steps), desc="codec", unit="step", disable=not progress)
    for step in bar:
        groups = draw_groups(pool, training.groups, rng)  # M, 4, P
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
        if step >= adversarial_from:
            flat = (len(groups), -1)
            dfake, discriminator_grads = adversarial_gradients(
                discriminator, groups.reshape(flat), reconstruction.reshape(flat)
            )
            # Only the direction is the adversary's: its size follows the likelihood's (Esser et al. 2021, eq. 7).
            strength = training.adversarial_weight * norm(dreconstruction) / (norm(dfake) + 1e-12)
            dreconstruction = dreconstruction + strength * dfake.reshape(groups.shape)
            discriminator_optimizer.update(discriminator_grads, learning_rate)
        grads = codec.backward(dreconstruction, dmean, dlog_variance, cache)
        codec_optimizer.update(grads, learning_rate)
        if look:
            bar.set_postfix(psnr=f"{psnr(float(squared_error)):.1f} dB")
    codec.normalize_latents(moved(pool[:256], xp))
    return reconstruction_psnr(codec, size, frames, seed)


def norm(array):
    """Euclidean length of all its entries: a number; on a GPU an array ()."""
    return squared_norm(array) ** 0.5


def squared_norm(array):
    """The sum of the squares of all its entries: a number; on a GPU an array ()."""
    return number(array_module(array).vdot(array, array))


def psnr(squared_error):
    """Peak signal-to-noise ratio in dB of a mean squared error of values that span 2 (from -1 to 1)."""
    return float(10 * np.log10(4 / squared_error))


def reconstruction_psnr(codec, size, frames, seed, clips=128):
    """PSNR in dB of the codec's reconstructions (from the means, clipped to [0, 1]) of held-out clips."""
    rng = np.random.default_rng([seed, 2])
    chosen = [HELD_OUT[i] for i in rng.integers(len(HELD_OUT), size=clips)]
    real = render_batch(chosen, rng, size, frames)
    return psnr(4 * float(np.mean(np.square(codec.reconstruct(real) - real))))
