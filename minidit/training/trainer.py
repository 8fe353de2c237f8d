"""A training run from nothing to a model: codec, DiT, checkpoints, previews; and going on after a kill."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic

import numpy as np
from tqdm import tqdm

from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.models.checkpoint import codec_tensors, load_codec, save_model, settings_from_json, settings_to_json
from minidit.models.video_model import VideoModel
from minidit.training.codec import reconstruction_psnr, train_codec
from minidit.training.job import VideoTraining
from minidit.training.optimizer import AdamWSettings
from minidit.training.parallel.workers import Team
from minidit.training.preview import write_preview
from minidit.training.steps import VECTORS, check_shares
from minidit.training.warm_start import start_from

SPAN = 25  # steps between two looks at the progress
CHECKPOINT_SECONDS = 60
RECORDED = 400  # points of the loss curve that a model's file keeps
PREVIEWS = 10  # pictures in a run
TIMED_STEPS = 40  # to know how many steps fit into a time
TRAINING_SHARE = 0.9  # of that time; the rest is for previews and checkpoints

STATE, MODEL = "state.safetensors", "model.safetensors"


class Run:
    """A training run in a folder.

    The folder holds `state.safetensors` (all that is needed to go on), `model.safetensors` (the moving average,
    ready for use) and `previews/`. A killed run that is resumed ends with the same numbers as one that was not: its
    random numbers follow from the seed and the step, and the state is the whole rest. They are the same bit for bit
    if as many processes share the work; else sums are rounded in another order.

    Args:
        preset: Preset.
        folder: where to write; made if need be.
        seed: of everything random.
        threads: how many cores to use, by processes that share each step.
        ranks: `minidit.training.parallel.mpi.Ranks` that share each step instead.
        progress: show bars.
        xp: the array library of the device that computes: numpy, or cupy for the GPU. The run's own vectors, from which
            it is saved, are the host's in either case, and so a run can be resumed on the other device.
    """

    def __init__(self, preset, folder, seed=0, threads=1, ranks=None, progress=True, xp=np):
        self.settings, self.codec_training = preset.model, preset.codec_training
        self.training = preset.diffusion_training
        self.folder, self.seed, self.progress = Path(folder), seed, progress
        self.threads, self.ranks, self.xp = threads, ranks, xp
        self.step, self.codec_psnr = 0, None
        self.history, self.scores = [], []  # (step, mean loss of a span), (step, strict seen, strict held-out)
        rng = np.random.default_rng([seed, 0])
        self.model = VideoModel(self.settings, rng)
        self.vectors = {name: np.zeros_like(self.model.dit.params.flat) for name in VECTORS}
        self.vectors["params"][...] = self.vectors["ema"][...] = self.model.dit.params.flat

    def start(self, minutes=None, origin=None):
        """Makes the folder, trains the codec, and writes the first state.

        Args:
            origin: a checkpoint whose codec and DiT to go on from; its codec is kept as it is.
            minutes: if given, some steps are timed, and as many are planned as fit into this time, the codec's
                training, the timing itself and the final decay of the learning rate included.
        Raises:
            UserError: the folder holds a run or a model already, or can't be made; there are too many ranks; or the
                origin is of another kind.
        """
        self.check_ranks()
        if origin is not None:
            start_from(self.model, origin)
            self.vectors["params"][...] = self.vectors["ema"][...] = self.model.dit.params.flat
        if (self.folder / STATE).exists():
            raise UserError(
                f"{self.folder} holds a training run already. Go on with it by --resume, or choose another --out."
            )
        if (self.folder / MODEL).exists():
            raise UserError(f"{self.folder} holds a model already, {MODEL}. Choose another --out.")
        try:
            (self.folder / "previews").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"can't make the folder {self.folder}: {error.strerror}.") from error
        begin = monotonic()
        codec, size, frames = self.model.codec.on(self.xp), self.settings.size, self.settings.frames
        if origin is None:
            self.codec_psnr = train_codec(codec, self.codec_training, size, frames, self.seed, self.progress)
        else:
            self.codec_psnr = reconstruction_psnr(codec, size, frames, self.seed)
        self.model.codec = codec.on(np)
        if minutes is not None:
            seconds_per_step = self.seconds_per_step()
            left = TRAINING_SHARE * (60 * minutes - (monotonic() - begin))
            self.training = replace(self.training, steps=max(1, int(left / seconds_per_step)))
        self.save()

    def resume(self):
        """Reads the state that an earlier run of the same preset and seed left in the folder.

        Raises:
            UserError: there is none, it is damaged, or it is of a run with other settings; or there are too many ranks.
        """
        path = self.folder / STATE
        if not path.exists():
            raise UserError(f"{self.folder} holds no training run to resume ({STATE} is not there).")
        tensors, metadata = read_tensors(path)
        if metadata.get("kind") != "state":
            raise UserError(f"{path} is not the state of a training run. Choose another --out.")
        if settings_from_json(metadata["settings"]) != self.settings or metadata["seed"] != self.seed:
            raise UserError(
                f"the run in {self.folder} has other settings than this command's (preset or seed). "
                "Resume it with the preset and seed that it was started with."
            )
        load_codec(self.model.codec, tensors)
        for name in VECTORS:
            self.vectors[name][...] = tensors[f"state.{name}"]
        self.step, self.codec_psnr = metadata["step"], metadata["codec_psnr"]
        self.history, self.scores = metadata["history"], metadata["scores"]
        # Its own plan, which may differ from the preset's in steps and the like; how to compute it is ours to choose.
        plan = metadata["training"] | {"recompute": self.training.recompute}
        self.training = type(self.training)(**plan | {"adamw": AdamWSettings(**plan["adamw"])})
        self.check_ranks()
        before = metadata.get("shared_by", self.shared_by)
        if before != self.shared_by:
            print(
                f"minidit: {before} shared this run so far, and now {self.shared_by}. It sees the same clips, "
                "but adds up in another order, so that the last digits will differ.",
                file=sys.stderr,
            )

    def check_ranks(self):
        """Makes sure that each MPI rank has something to do."""
        if self.ranks:
            check_shares(self.ranks.count, self.training)

    @property
    def processes(self):
        """How many processes share the work on this machine: one per core, as far as the batch has shards for them.

        A GPU works for one process.
        """
        return min(self.threads, self.training.shards) if self.xp is np else 1

    @property
    def shared_by(self):
        """Who shares the work, in words."""
        if self.ranks:
            return counted(self.ranks.count, "MPI rank", "MPI ranks")
        if self.xp is not np:
            return "a GPU"
        threads = counted(self.threads // self.processes, "thread", "threads")
        return f"{counted(self.processes, 'process', 'processes')} with {threads}{' each' * (self.processes > 1)}"

    def team(self):
        """Those who share this run's work, to be entered as a context."""
        if self.ranks:
            return self.ranks.team(self.job())
        return Team(self.job(), self.processes, self.threads // self.processes, self.xp)

    def job(self):
        """What they compute."""
        return VideoTraining(self.settings, self.training, codec_tensors(self.model.codec), self.seed)

    def seconds_per_step(self):
        """Times some steps, pictures and checkpoints left aside; nothing of them is kept."""
        with self.team() as team:
            team.load(self.vectors)
            team.run(0, TIMED_STEPS)  # the first ones are slower
            begin = monotonic()
            team.run(TIMED_STEPS, 2 * TIMED_STEPS)
            return (monotonic() - begin) / TIMED_STEPS

    def train(self):
        """Trains the DiT to the last step, writing checkpoints and previews on the way.

        Raises:
            UserError: the run diverged, or a process died. The last checkpoint stays.
        """
        bar = tqdm(total=self.training.steps, initial=self.step, desc="train", unit="step", disable=not self.progress)
        with bar, self.team() as team:
            team.load(self.vectors)
            saved = monotonic()
            while self.step < self.training.steps:
                last = min(self.step + SPAN, self.training.steps)
                losses, norms = team.run(self.step, last)
                bar.update(last - self.step)
                bar.set_postfix(loss=f"{np.mean(losses):.3f}", gradient=f"{np.mean(norms):.2f}")
                self.history.append([last, float(np.mean(losses))])
                preview_due = self.previews_before(last) > self.previews_before(self.step)
                self.step = last
                if preview_due or monotonic() - saved > CHECKPOINT_SECONDS:
                    team.store(self.vectors)
                    if preview_due:
                        self.preview(bar)
                    self.save()
                    saved = monotonic()

    def previews_before(self, step):
        """How many of the run's previews are due by this step: they are spread evenly, the last at the end."""
        return step * PREVIEWS // self.training.steps

    def preview(self, bar):
        """Draws and judges clips made by the moving average, and notes the scores."""
        self.model.dit.params.flat[...] = self.vectors["ema"]
        seen, held_out = write_preview(self.model.on(self.xp), self.folder / "previews" / f"step_{self.step:06d}.png")
        self.scores.append([self.step, seen, held_out])
        message = f"step {self.step}: strictly right {seen:.0%} of seen, {held_out:.0%} of held-out prompts"
        bar.write(message, file=sys.stderr)

    def save(self):
        """Writes the model and the state, each whole or not at all.

        The state comes last: killed in between, a run that is resumed makes the model again.
        """
        metadata = {
            "kind": "state",
            "settings": settings_to_json(self.settings),
            "training": asdict(self.training),
            "seed": self.seed,
            "step": self.step,
            "history": self.history,
            "scores": self.scores,
            "codec_psnr": self.codec_psnr,
            "shared_by": self.shared_by,
        }
        tensors = {f"state.{name}": vector for name, vector in self.vectors.items()}
        self.model.dit.params.flat[...] = self.vectors["ema"]
        save_model(self.folder / MODEL, self.model, self.record())
        write_tensors(self.folder / STATE, tensors | codec_tensors(self.model.codec), metadata)

    def record(self):
        """What is worth knowing about the run later on, for the model's file.

        Returns:
            "seed", "step", "codec_psnr" in dB; "history", at most RECORDED pairs (step, mean loss up to it); "scores",
            triples (step, strictly right of seen, of held-out prompts) of the previews.
        """
        history = np.array(self.history).reshape(-1, 2)
        parts = np.array_split(history, min(RECORDED, len(history))) if len(history) else []
        thinned = [[int(part[-1, 0]), float(part[:, 1].mean())] for part in parts]
        return {
            "seed": self.seed,
            "step": self.step,
            "codec_psnr": self.codec_psnr,
            "history": thinned,
            "scores": self.scores,
        }


def counted(number, one, more):
    """A number and what it counts, in words."""
    return f"{number} {one if number == 1 else more}"
