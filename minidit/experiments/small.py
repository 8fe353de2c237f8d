"""Short trainings in the small world, 16 x 16 pixels: one codec for all of them, and a DiT each."""

import multiprocessing
import re
from dataclasses import asdict, replace
from pathlib import Path
from time import process_time

import numpy as np

from minidit.errors import UserError
from minidit.evaluation.cases import batches, draw_cases
from minidit.evaluation.measure import make
from minidit.evaluation.scores import judge
from minidit.experiments.store import agrees
from minidit.experiments.tally import tally
from minidit.experiments.tasks import Task
from minidit.files.tensors import read_tensors, write_tensors
from minidit.models.checkpoint import codec_tensors, load_codec, settings_to_json
from minidit.models.codec import Codec
from minidit.models.dit import DiTSettings
from minidit.models.video_model import VideoModel
from minidit.presets import PRESETS
from minidit.training.codec import train_codec
from minidit.training.job import VideoTraining
from minidit.training.parallel.workers import Team
from minidit.training.settings import CodecTraining
from minidit.training.steps import VECTORS
from minidit.world import verify_batch

CODEC_FILE, STATES = "codec.safetensors", "unfinished"
CODEC_STEPS, QUICK_CODEC_STEPS = 6000, 20
TEXT_WIDTH = 32
PROMPTS = 40  # stream of random numbers, apart from those of training and of `minidit.evaluation.cases`


def small_settings(width, depth, heads, patch):
    """VideoModelSettings of preset quick's world and codec, with a DiT of that size."""
    quick = PRESETS["quick"].model
    text = replace(quick.dit.text, width=TEXT_WIDTH)
    return replace(quick, dit=DiTSettings(quick.codec.channels, patch, width, depth, heads, text=text))


def codec_task(options):
    """The Task that trains the codec which all of them share."""
    steps = QUICK_CODEC_STEPS if options.quick else CODEC_STEPS
    training = CodecTraining(steps=steps, pool=64 if options.quick else 1024)
    settings = PRESETS["quick"].model
    return Task("codec", asdict(training), train_shared_codec, (settings, training, options.out / CODEC_FILE))


def train_shared_codec(settings, training, path):
    """Trains the codec and writes its arrays. Returns its PSNR in dB and the seconds of one core that it took."""
    begin = process_time()
    codec = Codec(settings.codec, np.random.default_rng(0))
    psnr = train_codec(codec, training, settings.size, settings.frames, seed=0, progress=False)
    write_tensors(path, codec_tensors(codec), {"kind": "codec"})
    return {"psnr": psnr, "core_seconds": process_time() - begin}


def state_file(options, name):
    """Where the training of that name keeps what it has come to."""
    return options.out / STATES / f"{re.sub('[^A-Za-z0-9]+', '-', name)}.safetensors"


def training_plan(settings, training, seed):
    """What the weights of a short training follow from, as a JSON-able dict."""
    return {"settings": settings_to_json(settings), "training": asdict(training), "seed": seed}


def train(settings, training, seed, codec, state, marks, look):
    """Trains a DiT by the package's own steps. Killed and called again it goes on from its last mark.

    Args:
        settings: VideoModelSettings, training: DiffusionTraining, seed: of everything random.
        codec: the shared codec's file.
        state: file to keep what it has come to in.
        marks: rising steps, the last of them `training.steps`, at which the state is written and `look` is called.
        look: function of a VideoModel with the moving average of the weights; returns something JSON-able.
    Returns:
        the VideoModel, what `look` returned at each mark, and the seconds of one core that it took.
    Raises:
        UserError: the run diverged, or the state is that of another run.
    """
    model = VideoModel(settings, np.random.default_rng([seed, 0]))
    load_codec(model.codec, read_tensors(codec)[0])
    vectors = {name: np.zeros_like(model.dit.params.flat) for name in VECTORS}
    vectors["params"][...] = vectors["ema"][...] = model.dit.params.flat
    step, looks, seconds = resumed(state, training_plan(settings, training, seed), vectors)
    model.dit.params.flat[...] = vectors["ema"]
    with Team(VideoTraining(settings, training, codec_tensors(model.codec), seed), 1) as team:
        team.load(vectors)
        for mark in marks[len(looks) :]:
            begin = process_time()
            team.run(step, mark)
            step = mark
            team.store(vectors)
            model.dit.params.flat[...] = vectors["ema"]
            looks.append(look(model))
            seconds += process_time() - begin
            keep(state, training_plan(settings, training, seed), vectors, step, looks, seconds)
    return model, looks, seconds


def resumed(state, plan, vectors):
    """Step, looks and seconds that a state file holds, and its vectors copied to where they belong; or a beginning."""
    if not state.exists():
        return 0, [], 0.0
    tensors, metadata = read_tensors(state)
    if not agrees(metadata["plan"], plan):
        raise UserError(
            f"{state} is of a training with other settings. Choose another --out, or start anew by --force."
        )
    for name in VECTORS:
        vectors[name][...] = tensors[name]
    return metadata["step"], metadata["looks"], metadata["seconds"]


def keep(state, plan, vectors, step, looks, seconds):
    """Writes a state file, and ends the process if nobody waits for it any more."""
    state.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(state, vectors, {"plan": plan, "step": step, "looks": looks, "seconds": seconds})
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit("the command that started this training was killed")


def prompt_tally(model, combinations, count, key):
    """How clips of these combinations are judged: a tally (see `minidit.experiments.tally`).

    Args:
        combinations: which ask for, each equally often.
        count: of clips.
        key: list of whole numbers that prompts and noise follow from.
    """
    cases = draw_cases(combinations, count, np.random.default_rng([PROMPTS, *key]))
    sampling = {"steps": model.settings.steps, "guidance": model.settings.guidance}
    judged = [judge(verify_batch(make(model, part, sampling)), part.attributes) for part in batches(cases)]
    return tally(np.concatenate(judged))


def marks_of(steps, count):
    """`count` steps, evenly spread, of which the last is the last."""
    return sorted({max(1, round(steps * (i + 1) / count)) for i in range(count)})


def codec_path(options):
    """The file of the shared codec."""
    return Path(options.out) / CODEC_FILE
