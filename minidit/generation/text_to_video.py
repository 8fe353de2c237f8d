"""From prompts to clips: noise, the guided sampler, the codec's decoder.

One mechanism serves many uses. Some latents of a clip are known, and the network makes the others. The known latents go
in clean, at t = 1; the others start as noise. Continuing a clip, joining two clips, filling a hole: only what is known
differs. Where nothing is known, the prompt alone makes the clip.
"""

import numpy as np

from minidit.backend import moved, to_host
from minidit.diffusion.guidance import guided
from minidit.diffusion.objectives import estimator
from minidit.diffusion.paths import RectifiedFlow, network_time
from minidit.diffusion.samplers import sample
from minidit.errors import UserError
from minidit.generation.canvas import in_pixels
from minidit.generation.settings import SamplingSettings
from minidit.models.conditioning import rows_of
from minidit.world.attributes import NAMES
from minidit.world.upsampling import upsampled

BATCH = 64  # clips sampled at once
EDIT_TIME = 0.5  # at which the network is asked for edits; training asks at this time too, and shows no noise
EDIT_MARGIN = 0.005  # nearer to that time the network takes any clip for one to be edited
LEFT_OUT = 2  # keeps the random numbers for what a prompt leaves out apart from those of the noise
NOISE_START = 0.02  # where sampling starts if the network predicts noise: at t = 0 that says nothing about the data

# N = clips, L = words of the longest prompt; F, H, W = frames, rows, columns in pixels; f, r, c = in latents


def generate(model, prompts, seeds, canvases=None, sampling=None, callback=None):
    """Makes a clip for every prompt.

    Args:
        model: VideoModel. It needs conditioning channels, unless nothing is known and the clips are of its own size.
        prompts: N strings. What they leave out of an object is drawn by chance (`minidit.world.upsampling`), unless a
            part of the clip is known.
        seeds: N integers; the same seed and prompt give the same clip, whatever else is in the batch.
        canvases: N `minidit.generation.canvas.Canvas` of one size; by default blank ones of the model's own size.
        sampling: SamplingSettings; by default the model's own.
        callback: called as callback(steps_done, t, latents) after each step of each batch.
    Returns:
        (N, F, H, W, 3) float32 in [0, 1], on the host; the pixels of known latents are exactly those of the canvas. All
        random numbers are drawn on the host too, so that a seed gives the same clip on either device, up to rounding.
    Raises:
        UserError: a prompt that can't be shown, a setting of the sampler that makes no sense, a model without
            conditioning channels that would need them, or one that makes NaN.
    """
    sampling = (sampling or SamplingSettings()).for_model(model.settings)
    clips = []
    for first in range(0, len(prompts), BATCH):
        part = slice(first, first + BATCH)
        batch = (prompts[part], seeds[part], None if canvases is None else canvases[part])
        clips.append(generate_batch(model, *batch, sampling, callback))
    return np.concatenate(clips)


def generate_batch(model, prompts, seeds, canvases, sampling, callback):
    """One batch of `generate`, with SamplingSettings that are complete."""
    settings, xp = model.settings, model.xp
    shape, known, shown = settings.latent_shape, None, ()
    if canvases is not None:
        clips, known = (np.stack([getattr(canvas, name) for canvas in canvases]) for name in ("clip", "known"))
        if known.any() or clips.shape[1:4] != (settings.frames, settings.size, settings.size):
            check_completes(model)
        shape = (*known.shape[1:], settings.codec.channels)
        if known.any():
            shown = model.codec.encode(moved(clips, xp)), moved(known, xp)
    if not shown:
        frames = shape[0] * settings.codec.patch[0]
        prompts = [
            upsampled(model.tokenizer.read(prompt), np.random.default_rng([seed, LEFT_OUT]), frames)
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
    x = moved(starting_noise(shape, seeds), xp)  # N, f, r, c, C
    latents = sample_latents(model, prompts, x, sampling, NoiseOfEach(seeds), *shown, callback=callback)
    decoded = checked_numbers(to_host(model.codec.decode(latents)))  # N, F, H, W, 3
    if not shown:
        return decoded
    return np.where(in_pixels(known, settings.codec.patch)[..., None], clips, decoded)


def edited(model, prompts, clips):
    """Clips changed to what prompts say.

    The model changes a whole clip at one look, without noise: all latents are known, and it says what becomes of them,
    as it learned from pairs of clips that differ in what their prompt names
    (`minidit.training.known_parts.draw_edited`).

    Args:
        model: VideoModel with conditioning channels that predicts data.
        prompts: N strings; what they don't name stays.
        clips: (N, F, H, W, 3) in [0, 1].
    Returns:
        (N, F, H, W, 3) float32 in [0, 1], on the host.
    Raises:
        UserError: as for `generate`.
    Source: for the pairs, Brooks et al. 2023 (InstructPix2Pix), section 3.
    """
    check_completes(model)
    xp, made = model.xp, []
    for first in range(0, len(prompts), BATCH):
        latents = model.codec.encode(moved(clips[first : first + BATCH], xp))  # N, f, r, c, C
        words = model.dit.embed(moved(model.tokenizer.encode(prompts[first : first + BATCH]), xp))  # N, D
        made.append(checked_numbers(to_host(model.codec.decode(edited_latents(model, latents, words)))))
    return np.concatenate(made)


def edited_latents(model, latents, words, sizes=None):
    """One look at latents (N, f, r, c, C) as clips to be edited; words: embedding of N prompts; sizes: as below."""
    times = model.xp.full(len(latents), network_time(EDIT_TIME), latents.dtype)
    return model.dit.predict(latents, times, words, model.xp.ones(latents.shape[:-1], bool), sizes)


def checked_numbers(clips):
    """The same clips, on the host. Raises a UserError if the model made NaN or infinity."""
    if not np.isfinite(clips).all():
        raise UserError("the model makes NaN or infinity: its weights are damaged. Use another checkpoint.")
    return clips


def check_completes(model):
    """Raises a UserError for a model that knows nothing of known latents and of other sizes."""
    if not model.settings.dit.conditioning_channels:
        raise UserError(
            "this model can only make whole clips of its own size. Use the shipped checkpoint, or train one: "
            "minidit train --preset film --from a sky model"
        )


def sample_latents(
    model,
    prompts,
    noise,
    sampling,
    rng=None,
    known_latents=None,
    known=None,
    sizes=None,
    callback=None,
):
    """Latents of one batch of prompts.

    What a sampler ends with still has traces of its errors on the way. A model that can edit takes them out
    (`VideoModelSettings.polish`): it looks at the whole clip and says what its prompt asks for, which is nearly the
    same clip, but one as those that it learned from. So clips are as good in few steps as in many. Where a prompt
    names nothing, such as "sora is sky", there is nothing to ask for, and the clip stays; so it does without guidance
    by the prompt at all, at a scale of 0.

    Args:
        prompts: N strings; or the ids of their words (N + 1, L), those of the empty prompt last.
        noise: (N, f, r, c, C) standard normal.
        sampling: SamplingSettings, complete (see `SamplingSettings.for_model`).
        rng: what a stochastic sampler draws from: NoiseOfEach, or None where nothing is drawn.
        known_latents, known: (N, f, r, c, C) clean latents and (N, f, r, c) bool, where they are to be kept; or None.
            The network sees them clean at every step, whatever the sampler makes of them.
        sizes: (N, 3) of clips that are padded, as for `DiT.forward`, or None.
        model, callback: as for `generate`.
    Returns:
        (N, f, r, c, C).
    Source: for a second network that ends what the first began, Podell et al. 2023 (SDXL), section 2.5.
    """
    xp = model.xp
    ids = prompts if hasattr(prompts, "dtype") else model.tokenizer.encode([*prompts, ""])  # N + 1, L
    ids = moved(ids, xp)
    embedding = model.dit.embed(ids)  # N + 1, D

    def with_known(x):
        return x if known is None else xp.where(both(known, x)[..., None], both(known_latents, x), x)

    def both(array, x):  # guidance asks with and without the prompt in one batch
        return array if array is None or len(array) == len(x) else xp.concatenate([array, array])

    def network(x, t, embedding):
        times = xp.full(len(x), network_time(sampling_time(t)), x.dtype)
        return model.dit.predict(with_known(x), times, embedding, both(known, x), both(sizes, x))

    path, prediction = RectifiedFlow(), model.settings.prediction
    conditional, unconditional = rows_of(embedding, slice(-1)), rows_of(embedding, -1)
    network_guided = guided(network, conditional, unconditional, sampling.guidance, sampling.interval)
    predict = estimator(network_guided, prediction, path)
    start = NOISE_START if prediction == "noise" else 0.0
    x = sample(predict, noise, path, sampling.steps, sampling.sampler, sampling.shift, start, rng, callback)
    x = with_known(x)
    if not model.settings.polish or sampling.guidance == 0:
        return x
    named = [model.tokenizer.ids[word] for values in NAMES.values() for word in values if word in model.tokenizer.ids]
    asks = xp.isin(ids[:-1], xp.asarray(named)).any(axis=1)[:, None, None, None, None]
    for _ in range(model.settings.polish):
        x = with_known(xp.where(asks, edited_latents(model, x, conditional, sizes), x))
    return x


def sampling_time(t):
    """What the network is told of a time t of the sampler: the same, but never the time of an edit."""
    return EDIT_TIME - EDIT_MARGIN if abs(t - EDIT_TIME) < EDIT_MARGIN else t


def starting_noise(shape, seeds):
    """Standard normal noise (N, *shape) float32, each clip's from its own seed."""
    return np.stack([np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) for seed in seeds])


class NoiseOfEach:
    """What a stochastic sampler draws on the way: for each clip from a generator of its own.

    So a clip doesn't depend on its batch. The 1 keeps these numbers apart from those of `starting_noise`.
    """

    def __init__(self, seeds):
        self.generators = [np.random.default_rng([seed, 1]) for seed in seeds]

    def standard_normal(self, shape, dtype):
        """Standard normal noise of shape (N, ...), as the method of numpy.random.Generator."""
        return np.stack([rng.standard_normal(shape[1:], dtype=dtype) for rng in self.generators])
