"""Small models of 16 x 16 pixels: one codec for all of them, one way to train them, one way to score them."""

import re
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from time import process_time

import numpy as np

from minidit.diffusion import RectifiedFlow, network_time
from minidit.evaluation.cases import batches, draw_cases, draw_real, spread
from minidit.evaluation.measure import make
from minidit.experiments.decibels import MEASURED, scored
from minidit.experiments.tasks import Task
from minidit.files.tensors import read_tensors, write_tensors
from minidit.generation.settings import SamplingSettings
from minidit.layers.patchify import patch_grid
from minidit.models.checkpoint import codec_tensors, load_codec, settings_to_json
from minidit.models.codec import Codec, CodecSettings
from minidit.models.cost import multiply_accumulates
from minidit.models.dit import DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import SPECIAL
from minidit.models.video_model import VideoModel, VideoModelSettings
from minidit.training.codec import train_codec
from minidit.training.job import VideoTraining
from minidit.training.settings import CodecTraining
from minidit.training.short import train_and_look
from minidit.world import ALL_ATTRIBUTES, VOCABULARY, caption, wordings

# N = clips; F, H, W = frames, rows, columns in pixels; f, r, c, C = frames, rows, columns, channels of latents

PATH = RectifiedFlow()
CODEC, CODEC_FILE, STATES = "codec", "codec.safetensors", "unfinished"
SIZE, FRAMES = 16, 8
CODEC_SETTINGS = CodecSettings(patch=(1, 4, 4), channels=16, hidden=160)
CODEC_STEPS, QUICK_CODEC_STEPS = 2000, 20
PROMPTS = 40  # stream of random numbers, apart from those of training and of `minidit.evaluation.cases`
LONGEST = 1 + max(len(sentence.split()) for a in ALL_ATTRIBUTES for sentence in wordings(a))  # START is a word, too


def small_settings(width, depth, heads, patch, text_width=32):
    """VideoModelSettings of clips of 16 x 16 pixels, with a DiT of that size and the codec of all of them."""
    text = TextEncoderSettings(len(SPECIAL) + len(VOCABULARY), width=text_width)
    dit = DiTSettings(CODEC_SETTINGS.channels, patch, width, depth, heads, text=text)
    return VideoModelSettings(SIZE, FRAMES, CODEC_SETTINGS, dit, VOCABULARY)


def grid_of(settings):
    """Tokens of a clip along frames, rows and columns."""
    return patch_grid(settings.latent_shape[:3], settings.dit.patch)


def compute_of(settings, training):
    """A training's compute, for its result: tokens of a clip, step_products (multiply-accumulates of a step), steps."""
    return {
        "tokens": prod(grid_of(settings)),
        "step_products": step_products(settings, training.batch),
        "steps": training.steps,
    }


def step_products(settings, batch):
    """Multiply-accumulates of a training step, with prompts of the longest wording."""
    return multiply_accumulates(settings.dit, batch, grid_of(settings), LONGEST)


def codec_path(options):
    """The file of the shared codec."""
    return Path(options.out) / CODEC_FILE


def codec_task(options):
    """The Task that trains the codec which all of them share."""
    steps = QUICK_CODEC_STEPS if options.quick else CODEC_STEPS
    training = CodecTraining(steps=steps, pool=64 if options.quick else 1024)
    return Task(CODEC, asdict(training), train_shared_codec, (training, codec_path(options)))


def train_shared_codec(training, path):
    """Trains the codec and writes its arrays. Returns its PSNR in dB and the seconds of one core that it took."""
    begin = process_time()
    codec = Codec(CODEC_SETTINGS, np.random.default_rng(0))
    psnr = train_codec(codec, training, SIZE, FRAMES, seed=0, progress=False)
    write_tensors(path, codec_tensors(codec), {"kind": "codec"})
    return {"psnr": psnr, "core_seconds": process_time() - begin}


def training_task(options, name, settings, training, seed, measure, arguments, plan, prefix=""):
    """The Task of a small model's training and its measures.

    Args:
        name: of the result. prefix: of the state's file, before the name.
        measure: function of settings, training, seed, the codec's file, the state's file and more arguments.
        arguments: those, a tuple.
        plan: JSON-able; what else the result follows from.
    """
    state = options.out / STATES / f"{re.sub('[^A-Za-z0-9]+', '-', prefix + name)}.safetensors"
    return Task(
        name,
        training_plan(settings, training, seed) | {"measured": MEASURED} | plan,
        measure,
        (settings, training, seed, codec_path(options), state, *arguments),
        cost=training.steps * step_products(settings, training.batch),
        codec=True,
        state=state,
    )


def training_plan(settings, training, seed):
    """A JSON-able dict; the weights of a short training follow from it."""
    return {"settings": settings_to_json(settings), "training": asdict(training), "seed": seed}


def train(settings, training, seed, codec, state, stops, look=None, job=VideoTraining):
    """Trains a DiT by the package's own steps. If it is killed and called again, it continues from its last stop.

    Args:
        settings: VideoModelSettings, training: DiffusionTraining, seed: of everything random.
        codec: the shared codec's file.
        state: file to keep its progress in.
        stops: rising steps, the last of them `training.steps`, at which the state is written and `look` is called.
        look: function of a VideoModel with the moving average of the weights, returning something JSON-able; or None.
        job: VideoTraining or what stands in for it.
    Returns:
        the VideoModel, what `look` returned at each stop, and the seconds of one core that it took.
    Raises:
        UserError: the run diverged, or the state is that of another run.
    """
    model = VideoModel(settings, np.random.default_rng([seed, 0]))
    load_codec(model.codec, read_tensors(codec)[0])
    task = job(settings, training, codec_tensors(model.codec), seed)
    looks, seconds = train_and_look(model, task, stops, look, state, training_plan(settings, training, seed))
    return model, looks, seconds


def stops_of(steps, count):
    """`count` steps, evenly spread; the last one is the end."""
    return sorted({max(1, round(steps * (i + 1) / count)) for i in range(count)})


def asked(model, splits, count, seed, stream=0):
    """Asks a model for clips, and says how they come out.

    Args:
        splits: name -> combinations of Attributes; each combination of a split is asked for equally often.
        count: of clips of each split.
        seed, stream: from which prompts and noise follow. Split number k has stream + k.
    Returns:
        a JSON-able dict: for each split, by its name, a tally (see `minidit.experiments.tally`); fidelity, a dict from
        the split to a list of numbers in dB (see `minidit.experiments.decibels`).
    """
    sampling, tallies, fidelities = SamplingSettings().for_model(model.settings), {}, {}
    for key, (name, combinations) in enumerate(splits.items(), stream):
        cases = draw_cases(combinations, count, np.random.default_rng([PROMPTS, seed, key]))
        clips = np.concatenate([make(model, part, sampling) for part in batches(cases)])  # N, F, H, W, 3
        tallies[name], fidelities[name] = scored(clips, cases.attributes)
    return tallies | {"fidelity": fidelities}


@dataclass(frozen=True)
class RealClips:
    """Real clips with captions, and the noise with which models are asked about them: the same for all models."""

    clips: np.ndarray  # N, F, H, W, 3
    attributes: list
    captions: list
    noise: np.ndarray  # N, f, r, c, C

    @classmethod
    def draw(cls, settings, combinations, count, seed):
        """`count` fresh clips, spread evenly over the combinations."""
        rng = np.random.default_rng(seed)
        attributes = spread(combinations, count, rng)
        clips = draw_real(attributes, rng, settings)           # N, F, H, W, 3
        noise = rng.standard_normal((count, *settings.latent_shape), dtype=np.float32)  # N, f, r, c, C
        return cls(clips, attributes, [caption(a, rng) for a in attributes], noise)


def mean_error(model, real, times, error, known=None):
    """The error of a model's predictions for real clips at fixed noise, as a mean over fixed times.

    Args:
        model: VideoModel.
        real: RealClips.
        times: of the noise path, from 0 to 1.
        error: function of prediction, x_t, latents, noise (N, f, r, c, C each) and t (N,) that returns a number.
        known: (N, f, r, c) bool, latents that have no noise; None for none.
    """
    latents = model.codec.encode(real.clips)                   # N, f, r, c, C
    embedding = model.dit.embed(model.tokenizer.encode(real.captions))  # N, D
    errors = []
    for time in times:
        t = np.full(len(latents), time, np.float32)            # N
        x_t = PATH.noised(latents, real.noise, t)              # N, f, r, c, C
        if known is not None:
            x_t = np.where(known[..., None], latents, x_t)
        prediction = model.dit.predict(x_t, network_time(t), embedding, known)
        errors.append(float(error(prediction, x_t, latents, real.noise, t)))
    return float(np.mean(errors))
