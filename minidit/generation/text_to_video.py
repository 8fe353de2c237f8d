"""From prompts to clips: noise, the guided sampler, the codec's decoder."""

import numpy as np

from minidit.backend import moved, to_host
from minidit.diffusion.guidance import guided
from minidit.diffusion.objectives import estimator
from minidit.diffusion.paths import RectifiedFlow, network_time
from minidit.diffusion.samplers import sample

BATCH = 64  # clips sampled at once
NOISE_START = 0.02  # where sampling starts if the network predicts noise: at t = 0 that says nothing about the data

# N = clips, L = words of the longest prompt


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


def sample_latents(
    model,
    prompts,
    noise,
    steps,
    guidance,
    sampler,
    shift,
    interval,
    rng,
    callback=None,
    given=None,
    known=None,
    sizes=None,
    start=0.0,
):
    """Latents of one batch of prompts.

    Args:
        prompts: N strings; or the ids of their words (N + 1, L), those of the empty prompt last.
        noise: (N, f, r, c, C) standard normal; or, with a start above 0, the latents as they are then.
        given, known: (N, f, r, c, C) clean latents and (N, f, r, c) bool, where they are to be kept; or None. The
            network sees them clean at every step, whatever the sampler makes of them.
        sizes: (N, 3) of clips that are padded, as for `DiT.forward`, or None.
        start: the time at which to start, from 0 to 1.
        model, steps, guidance, sampler, shift, interval, rng, callback: as for `generate`.
    Returns:
        (N, f, r, c, C).
    """
    xp = model.xp
    ids = prompts if hasattr(prompts, "dtype") else model.tokenizer.encode([*prompts, ""])  # N + 1, L
    embedding = model.dit.embed(moved(ids, xp))  # N + 1, D

    def with_given(x):
        return x if known is None else xp.where(both(known, x)[..., None], both(given, x), x)

    def both(array, x):  # guidance asks with and without the prompt in one batch
        return array if array is None or len(array) == len(x) else xp.concatenate([array, array])

    def network(x, t, embedding):
        times = xp.full(len(x), network_time(t), x.dtype)
        return model.dit.predict(with_given(x), times, embedding, both(known, x), both(sizes, x))

    path, prediction = RectifiedFlow(), model.settings.prediction
    predict = estimator(guided(network, embedding[:-1], embedding[-1], guidance, interval), prediction, path)
    start = max(start, NOISE_START if prediction == "noise" else 0.0)
    return with_given(sample(predict, noise, path, steps, sampler, shift, start, rng, callback))


def generate(
    model,
    prompts,
    seeds,
    steps=None,
    guidance=None,
    sampler="euler",
    shift=None,
    interval=(0.0, 1.0),
    callback=None,
):
    """Makes a clip for every prompt.

    Args:
        model: VideoModel.
        prompts: N strings.
        seeds: N integers; the same seed and prompt give the same clip, whatever else is in the batch.
        steps, guidance, shift: of the sampler; by default the model's own settings.
        sampler: a name from `minidit.diffusion.SAMPLERS`.
        interval: times between which guidance acts.
        callback: called as callback(steps_done, t, latents) after each step of each batch.
    Returns:
        (N, F, H, W, 3) float32 in [0, 1], on the host. All random numbers are drawn there too, so that a seed gives the
        same clip on either device, to rounding.
    Raises:
        UserError: an unknown word, or a setting of the sampler that makes no sense.
    """
    settings = model.settings
    steps = settings.steps if steps is None else steps
    guidance = settings.guidance if guidance is None else guidance
    shift = settings.shift if shift is None else shift
    clips = []
    for start in range(0, len(prompts), BATCH):
        part = slice(start, start + BATCH)
        noise = moved(starting_noise(settings.latent_shape, seeds[part]), model.xp)
        rng = NoiseOfEach(seeds[part])
        latents = sample_latents(
            model, prompts[part], noise, steps, guidance, sampler, shift, interval, rng, callback
        )
        clips.append(to_host(model.codec.decode(latents)))
    return np.concatenate(clips)
