"""Teaching a model to make clips in few steps: the run of `minidit distill`.

A distillation is a training run on other clips: those that a teacher makes of the noise (`minidit.diffusion.reflow`).
The teacher is the model that the student starts from.
"""

from dataclasses import dataclass, replace

import numpy as np

from minidit.backend import array_module, moved
from minidit.diffusion.reflow import reflow_times
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import sample_latents
from minidit.models.checkpoint import codec_tensors, load_model, save_model
from minidit.models.video_model import VideoModel, VideoModelSettings
from minidit.training.buckets import Batch, draw_batch, null_row
from minidit.training.job import VideoTraining
from minidit.training.settings import DiffusionTraining
from minidit.training.trainer import Run

TEACHER = "teacher.safetensors"
TIMES = 7  # stream of random numbers
STUDENT_STEPS = 4  # of its sampler, by default

# N = pairs, K = times at which each is asked about


@dataclass(frozen=True)
class DistillationTraining(DiffusionTraining):
    """How a student is trained: as DiffusionTraining says, on pairs of noise and what the teacher makes of it.

    Attributes:
        batch: questions of a step: `times` about each of batch / times pairs. All shards have the same number of pairs.
        times: number of times t at which the student is asked about a pair: making a pair takes longer than learning
            from it.
        at_noise: share of the questions at t = 0; the times of the others follow from `time_mean` and `time_std`.
        teacher_steps: steps of the teacher's sampler.
    """

    steps: int = 3_000
    learning_rate: float = 5e-4
    decay: float = 0.67
    ema: float = 0.998
    time_mean: float = -1.8
    times: int = 4
    at_noise: float = 0.25
    teacher_steps: int = 6


@dataclass(frozen=True, eq=False)
class VideoDistillation(VideoTraining):
    """The job of a distillation: a VideoTraining on the teacher's pairs.

    Attributes:
        teacher_settings: VideoModelSettings.
        teacher: (n,) parameters of its DiT.
    """

    teacher_settings: VideoModelSettings
    teacher: np.ndarray

    def batches(self, model):
        """A function (step, shards) -> the Batch that these shards make together: pairs, each at several times."""
        teacher = VideoModel(self.teacher_settings, dit_buffer=moved(self.teacher, model.xp))
        training = replace(self.training, batch=self.training.batch // self.training.times)  # clips: one for each pair

        def batch(step, shards):
            drawn = draw_batch(model, training, self.seed, step, shards)
            rngs = [np.random.default_rng([self.seed, TIMES, step, shard]) for shard in shards]
            times = np.concatenate([times_of_shard(self.training, rng) for rng in rngs], axis=1)
            return at_times(paired(teacher, drawn, training.teacher_steps), moved(times, model.xp))

        return batch


def times_of_shard(training, rng):
    """The times at which the pairs of a shard are asked about, (K, pairs of a shard)."""
    count = training.batch // training.shards
    times = reflow_times(rng, count, training.at_noise, training.time_mean, training.time_std)  # K · pairs of a shard
    return times.reshape(training.times, -1)


def paired(teacher, batch, steps):
    """A Batch with what the teacher makes of its noise, by Euler steps with its own guidance, in place of its clips.

    Edits stay as they are: there is no noise to start from.
    """
    xp = teacher.xp
    ids = xp.concatenate([batch.ids, moved(null_row(batch.ids.shape[1]), xp)[None]])  # N + 1, L
    sampling = SamplingSettings(steps, sampler="euler").for_model(teacher.settings)
    made = sample_latents(
        teacher, ids, batch.noise, sampling, known_latents=batch.given, known=batch.known, sizes=batch.sizes
    )
    if batch.edited is not None:
        made = xp.where(batch.edited[:, None, None, None, None], batch.latents, made)
    return replace(batch, latents=made)


def at_times(batch, times):
    """The clips of a Batch at K times each: a Batch of K · N.

    Args:
        batch: Batch of N clips, whose own times don't matter.
        times: (K, N).
    """
    xp = array_module(times)
    copies = {
        name: None if value is None else xp.concatenate([value] * len(times)) for name, value in vars(batch).items()
    }
    return Batch(**copies | {"t": times.reshape(-1)})


def student_settings(settings):
    """The VideoModelSettings of a teacher's student: its guidance is built in, and it needs few steps, all straight."""
    return replace(settings, guidance=1.0, steps=STUDENT_STEPS, sampler="euler", polish=0)


class Distillation(Run):
    """A distillation in a folder, which holds the files of a Run, and the teacher.

    Args:
        preset: Preset of the student: the teacher's `student_settings`, and a DistillationTraining.
        teacher: file of the teacher; for a resumed run, the one in its folder.
        folder, seed, threads, ranks, progress, xp: as for a Run.
    Raises:
        UserError: the teacher can't be read.
    """

    def __init__(self, preset, teacher, folder, seed=0, threads=1, ranks=None, progress=True, xp=np):
        super().__init__(preset, folder, seed, threads, ranks, progress, xp)
        self.teacher_file, self.teacher = teacher, load_model(teacher)

    def start(self, minutes=None):
        """Makes the folder and writes the first state, as a Run does that starts from the teacher."""
        super().start(minutes, self.teacher_file)

    def job(self):
        """What those who share the work compute."""
        codec, teacher = codec_tensors(self.model.codec), self.teacher
        return VideoDistillation(
            self.settings, self.training, codec, self.seed, teacher.settings, teacher.dit.params.flat
        )

    def save(self):
        """Writes the model and the state, and before them, once, the teacher: a resumed run needs it."""
        if self.step == 0:
            save_model(self.folder / TEACHER, self.teacher)
        super().save()
