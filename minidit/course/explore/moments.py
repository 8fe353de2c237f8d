"""A clip on its way, for the page of `minidit explore`: what there is at each step, its guess, its attention."""

import numpy as np

from minidit.course.moving.panels import Clip, Map, packed
from minidit.diffusion.paths import network_time
from minidit.figures.denoising import denoising_moments
from minidit.generation.text_to_video import sampling_time

# T = tokens


def scenes(studio, prompt, seed, sampling):
    """A clip as `Studio.generate` makes it, and what the network saw and said on the way.

    Args:
        studio: Studio, on the CPU.
        prompt: one that it can show.
        seed: of the noise.
        sampling: SamplingSettings.
    Returns:
        a list of scenes for `scene.js`, as bytes: for each step what there is, the network's guess and its attention
        (blocks · heads · T, T), with the time as the sentence; and one with the clip.
    """
    model = studio.model
    words = model.dit.embed(model.tokenizer.encode([prompt]))
    moments, clip = denoising_moments(model, prompt, seed, sampling)
    packets = []
    for t, latents, guess in moments[:-1]:
        times = np.full(1, network_time(sampling_time(t)), latents.dtype)
        weights = model.dit.attention(latents, times, words)[:, 0]  # blocks, heads, T, T
        attention = Map("attention", weights.reshape(-1, weights.shape[-1]))
        shown, guessed = model.codec.decode(np.concatenate([latents, guess]))
        packets.append(packed([Clip("latents", shown), Clip("guess", guessed), attention], f"{t:.2f}"))
    return [*packets, packed([Clip("clip", clip), Clip("clip", clip), attention], "1.00")]


def about(studio):
    """What the page has to know of a model, for JSON."""
    settings, patch = studio.settings, studio.settings.dit.patch
    frames, rows, columns, channels = settings.latent_shape
    return {
        "grid": [-(-rows // patch[1]), -(-columns // patch[2])],
        "latents": [frames, rows, columns, channels],
        "blocks": settings.dit.depth,
        "heads": settings.dit.num_heads,
        "steps": settings.steps,
        "guidance": settings.guidance,
    }
