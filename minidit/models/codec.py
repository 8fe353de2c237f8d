"""The visual codec: spacetime patches of pixels to a few latent numbers (step 3) and back (step 13).

A variational autoencoder. The encoder, two linear layers with a ReLU between, sees one patch at a time; the decoder
(`minidit.models.decoder`) may also see the latents around it, so that patches meet without seams. Both are trained
first (`minidit.training.codec`), and the encoder is frozen then: the diffusion model only ever sees its latents,
shifted and scaled so that they have mean 0 and standard deviation 1.
"""

import copy
from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module, moved, to_host
from minidit.layers import (
    patchify,
    relu_backward,
    relu_forward,
    reparameterize_backward,
    reparameterize_forward,
    unpatchify,
)
from minidit.layers.patchify import patch_grid
from minidit.models.decoder import Stage, decoder_backward, decoder_forward, decoder_shapes
from minidit.models.mlp import mlp_backward, mlp_forward, mlp_shapes
from minidit.models.parameters import Parameters, xavier_weights

# N = clips; f, r, c = their frames, rows, columns in patches; P = values of a patch, C = latent channels


@dataclass(frozen=True)
class CodecSettings:
    """Sizes of the codec.

    Attributes:
        patch: (frames, rows, columns) of pixels that become one latent vector.
        channels: numbers in that vector.
        hidden: width of the ReLU layer.
        decoder: Stages, of which the last makes pixels of 3 channels. Empty: one ReLU layer as in the encoder, which
            draws each patch by itself.
    """

    patch: tuple[int, int, int]
    channels: int
    hidden: int
    decoder: tuple[Stage, ...] = ()

    def __post_init__(self):
        stages = tuple(Stage(tuple(window), channels, tuple(growth)) for window, channels, growth in self.decoder)
        object.__setattr__(self, "decoder", stages)  # JSON has no tuples
        if any(side % 2 == 0 for stage in stages for side in stage.window):
            raise ValueError(f"windows of the decoder's stages are odd, not {[stage.window for stage in stages]}")
        grown = (*np.prod([stage.growth for stage in stages], axis=0).tolist(), stages[-1].channels) if stages else None
        if stages and grown != (*self.patch, 3):
            raise ValueError(f"the decoder makes patches of {grown} values, not {(*self.patch, 3)}")

    @property
    def stages(self):
        """The decoder's Stages."""
        return self.decoder or (Stage((1, 1, 1), self.hidden), Stage((1, 1, 1), 3, self.patch))


def codec_shapes(settings):
    """Name -> shape of the codec's parameters; the encoder's last layer gives mean and log variance."""
    values = int(np.prod(settings.patch)) * 3
    encoder = mlp_shapes("encoder.", values, settings.hidden, 2 * settings.channels)
    return encoder | decoder_shapes("decoder.", settings.channels, settings.stages)


class Codec:
    """Clips to normalised latents and back.

    Args:
        settings: CodecSettings.
        rng: draws the starting parameters; None leaves them zero, to be loaded.
        dtype: float32, or float64 to check gradients.
    Source: Kingma & Welling 2014 (the autoencoder); Rombach et al. 2022, section 3.1 (latents for diffusion).
    """

    def __init__(self, settings, rng=None, dtype=np.float32):
        self.settings = settings
        self.params = Parameters(codec_shapes(settings), dtype)
        self.latent_mean = np.zeros(settings.channels, dtype)  # C
        self.latent_std = np.ones(settings.channels, dtype)  # C
        if rng is not None:
            xavier_weights(rng, self.params)

    def on(self, xp):
        """The same codec on the device of an array library."""
        twin = copy.copy(self)
        twin.params = self.params.on(xp)
        twin.latent_mean, twin.latent_std = moved(self.latent_mean, xp), moved(self.latent_std, xp)
        return twin

    def reconstruct(self, clips):
        """What the codec keeps of clips (N, F, H, W, 3) in [0, 1], from the host and to the host."""
        return to_host(self.decode(self.encode(moved(clips, array_module(self.params.flat)))))

    def encode(self, clips):
        """Clips (N, F, H, W, 3) in [0, 1] to normalised latents (N, F/pf, H/ph, W/pw, C): the encoder's means."""
        patches = patchify(to_signed(clips), self.settings.patch)  # N, T, P
        mean, _, _ = self.encoder_forward(patches)
        grid = patch_grid(clips.shape[1:4], self.settings.patch)
        latents = (mean - self.latent_mean) / self.latent_std  # N, T, C
        return latents.reshape(len(clips), *grid, self.settings.channels)

    def decode(self, latents):
        """Normalised latents (N, f, r, c, C) to clips (N, F, H, W, 3) in [0, 1]."""
        z = latents * self.latent_std + self.latent_mean
        pixels, _ = decoder_forward(z, self.params, "decoder.", self.settings.stages)
        return from_signed(pixels)

    def encoder_forward(self, patches):
        """Patches (..., P) in [-1, 1] to mean (..., C), log variance (..., C) and a cache."""
        h, cache = mlp_forward(patches, self.params, "encoder.", relu_forward)  # ..., 2C
        mean, log_variance = array_module(h).split(h, 2, axis=-1)
        return mean, log_variance, cache

    def encoder_backward(self, dmean, dlog_variance, cache):
        """Returns dpatches (..., P) and the gradients of the encoder."""
        dh = array_module(dmean).concatenate([dmean, dlog_variance], axis=-1)  # ..., 2C
        return mlp_backward(dh, cache, "encoder.", relu_backward)

    def decoder_forward(self, z):
        """Latents as the encoder gives them (N, f, r, c, C), not normalised, to patches (N, f, r, c, P) and a cache."""
        pixels, cache = decoder_forward(z, self.params, "decoder.", self.settings.stages)  # N, F, H, W, 3
        return patchify(pixels, self.settings.patch).reshape(*z.shape[:-1], -1), cache

    def decoder_backward(self, dpatches, cache):
        """Returns dz (N, f, r, c, C) and the gradients of the decoder."""
        n, *grid, values = dpatches.shape
        dpixels = unpatchify(dpatches.reshape(n, -1, values), self.settings.patch, grid)  # N, F, H, W, 3
        return decoder_backward(dpixels, cache, "decoder.", self.settings.stages)

    def forward(self, patches, noise, error=None):
        """One pass for training: encode, draw z = mean + exp(log_variance / 2) · noise, decode.

        Args:
            patches: (N, f, r, c, P) in [-1, 1].
            noise: (N, f, r, c, C) standard normal.
            error: function of the means that returns what to add to z, (N, f, r, c, C), as a constant: an error such
                as a diffusion model may make. None adds nothing.
        Returns:
            reconstruction (N, f, r, c, P), mean and log variance (N, f, r, c, C), and a cache for `backward`.
        """
        mean, log_variance, encoder_cache = self.encoder_forward(patches)
        z, sample_cache = reparameterize_forward(mean, log_variance, noise)
        if error is not None:
            z += error(mean)
        reconstruction, decoder_cache = self.decoder_forward(z)
        return reconstruction, mean, log_variance, (encoder_cache, sample_cache, decoder_cache)

    def backward(self, dreconstruction, dmean, dlog_variance, cache):
        """Gradients of all parameters.

        Args:
            dreconstruction: (N, f, r, c, P).
            dmean, dlog_variance: (N, f, r, c, C), what the KL term says of them; what the sample says is added here.
            cache: from `forward`.
        """
        encoder_cache, sample_cache, decoder_cache = cache
        dz, decoder_grads = self.decoder_backward(dreconstruction, decoder_cache)
        dmean_sample, dlog_variance_sample = reparameterize_backward(dz, sample_cache)
        _, encoder_grads = self.encoder_backward(
            dmean + dmean_sample, dlog_variance + dlog_variance_sample, encoder_cache
        )
        return encoder_grads | decoder_grads

    def normalize_latents(self, patches):
        """Sets the shift and the scale of every channel, so that the latents of these patches have mean 0, std 1."""
        mean, _, _ = self.encoder_forward(patches)  # ..., C
        mean = mean.reshape(-1, self.settings.channels)
        self.latent_mean[...], self.latent_std[...] = mean.mean(axis=0), mean.std(axis=0)


def to_signed(clips):
    """Pixels in [0, 1] to [-1, 1]."""
    return clips * 2 - 1


def from_signed(clips):
    """Values around [-1, 1] to pixels, clipped to [0, 1]."""
    return array_module(clips).clip((clips + 1) / 2, 0, 1)
