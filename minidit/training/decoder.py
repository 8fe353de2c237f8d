"""Trains the decoder further, when the DiT is done: on what the DiT predicts.

A DiT's errors are not random. A decoder that has seen them draws what was meant. The encoder stays as it is, and so do
the latents that the DiT knows.
"""

import copy
from time import perf_counter

import numpy as np
from tqdm import tqdm

from minidit.backend import moved
from minidit.diffusion import RectifiedFlow, network_time, to_data
from minidit.layers import mse_backward, mse_forward, patchify
from minidit.models.codec import to_signed
from minidit.models.parameters import Parameters
from minidit.training.known_parts import describe
from minidit.training.optimizer import AdamWSettings, Muon, learning_rate_at
from minidit.world import SEEN, render_batch

# N = clips of a batch; f, r, c = their frames, rows, columns in latents; C = channels, P = values of a patch

PREDICTED = 0.5  # of the clips have latents that the DiT predicts; the others random errors, as in the codec's training
PICTURES = 0.1  # of the batches are pictures, all with random errors: one frame has no neighbours in time
TIMES = (0.6, 0.98)  # of these predictions: before, what is predicted is not yet the clip that the decoder should draw
STREAM = 7  # of random numbers
TIMED_STEPS = 5  # to know how many fit into a time
PATH = RectifiedFlow()


def refine_decoder(model, training, seed, progress=True):
    """A model's codec with a better decoder.

    Args:
        model: VideoModel, its DiT trained. It stays as it is.
        training: CodecTraining: `refine_steps`, and the rest as for the codec.
        seed: of everything random here.
        progress: show a bar.
    Returns:
        Codec.
    """
    codec = copy.deepcopy(model.codec)
    optimizer = Muon(decoder_parameters(codec), AdamWSettings(beta2=0.999))
    for step in tqdm(range(training.refine_steps), desc="decoder", unit="step", disable=not progress):
        rng = np.random.default_rng([seed, STREAM, step])
        rate = learning_rate_at(step, training.refine_steps, training.learning_rate, training.warmup, decay=1.0)
        decoder_step(model, codec, optimizer, training, rng, rate)
    return codec


def seconds_per_decoder_step(model, training):
    """How long a step of `refine_decoder` takes here. Arguments as there."""
    codec = copy.deepcopy(model.codec)
    optimizer = Muon(decoder_parameters(codec), AdamWSettings(beta2=0.999))
    for step in range(TIMED_STEPS + 1):
        if step == 1:  # the first one is slower
            begin = perf_counter()
        decoder_step(model, codec, optimizer, training, np.random.default_rng(step), 0.0)
    return (perf_counter() - begin) / TIMED_STEPS


def decoder_step(model, codec, optimizer, training, rng, learning_rate):
    """A training step of a codec's decoder, in place, on what the model predicts."""
    patches, latents = decoder_batch(model, training, rng)
    drawn, cache = codec.decoder_forward(latents * codec.latent_std + codec.latent_mean)  # N, f, r, c, P
    _, mse_cache = mse_forward(drawn, patches)
    _, grads = codec.decoder_backward(mse_backward(1.0, mse_cache)[0], cache)
    optimizer.update(grads, learning_rate)


def decoder_parameters(codec):
    """The decoder's part of a codec's parameters, in the same memory."""
    shapes = {name: shape for name, shape in codec.params.shapes.items() if name.startswith("decoder.")}
    size = sum(codec.params[name].size for name in shapes)
    return Parameters(shapes, buffer=codec.params.flat[-size:])  # they come last


def decoder_batch(model, training, rng):
    """Clips of one size as patches (N, f, r, c, P) in [-1, 1], and their latents with errors (N, f, r, c, C)."""
    codec, settings = model.codec, model.settings
    sizes = training.sizes or ((settings.size, settings.size),)
    picture = rng.random() < PICTURES
    frames = codec.settings.patch[0] if picture else settings.frames
    predicted = 0 if picture else round(PREDICTED * training.batch)
    attributes = [SEEN[i] for i in rng.integers(len(SEEN), size=training.batch)]
    clips = moved(render_batch(attributes, rng, sizes[rng.integers(len(sizes))], frames), model.xp)
    clean = codec.encode(clips)
    noise = moved(rng.standard_normal(clean.shape, dtype=np.float32), model.xp)
    size = moved(training.latent_error * rng.random((training.batch, 1, 1, 1, 1), np.float32), model.xp)
    latents = clean + size * noise
    if predicted:
        t = moved(rng.uniform(*TIMES, predicted).astype(np.float32), model.xp)
        ids = model.tokenizer.encode([describe(rng, a, frames) for a in attributes[:predicted]])
        x_t = PATH.noised(clean[:predicted], noise[:predicted], t)
        prediction = model.dit.predict(x_t, network_time(t), model.dit.embed(moved(ids, model.xp)))
        latents[:predicted] = to_data(settings.prediction, prediction, x_t, t, PATH)
    patches = patchify(to_signed(clips), codec.settings.patch).reshape(*latents.shape[:-1], -1)
    return patches, latents
