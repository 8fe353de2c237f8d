"""A training run from nothing to a model: codec, DiT, checkpoints, previews. It continues after Ctrl-C or a kill."""

import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic

import numpy as np
from tqdm import tqdm

from minidit.errors import Interrupted, UserError
from minidit.files.tensors import misfit
from minidit.files.typed import read_typed
from minidit.models.checkpoint import (
    MODEL,
    codec_tensors,
    load_codec,
    load_record,
    save_model,
    settings_from_json,
    settings_to_json,
)
from minidit.models.video_model import VideoModel
from minidit.training.codec import reconstruction_psnr, seconds_per_codec_step, train_codec
from minidit.training.decoder import refine_decoder, seconds_per_decoder_step
from minidit.training.interrupts import uninterrupted
from minidit.training.job import VideoTraining
from minidit.training.parallel.workers import Team
from minidit.training.preview import write_preview
from minidit.training.settings import BOUNDS, CodecTraining
from minidit.training.state import TrainingState
from minidit.training.steps import SPAN, check_shares, train_to
from minidit.training.warm_start import start_from

CHECKPOINT_SECONDS = 60
RECORDED = 400  # points of the loss curve that a model's file keeps
PREVIEWS = 10  # pictures in a run
TIMED_STEPS = 40  # to know how many steps fit into a time
CODEC_SHARE, DECODER_SHARE = 0.12, 0.08  # of that time, to train the codec, and in the end its decoder further
TRAINING_SHARE = 0.93  # of what is left of it then; the rest is for previews and checkpoints

STATE = "state.safetensors"
CODEC_STATE = "codec.safetensors"  # of a codec that is not trained yet
NOTES = {  # in the state, beside the settings
    "scores": tuple[tuple[int, float, float], ...],
    "codec_psnr": float | None,
    "codec_trained": bool,
    "decoder_refined": bool,
    "minutes": float | None,
    "seconds": float,
    "shared_by": str,
}


class Run:
    """A training run in a folder.

    The folder holds `state.safetensors` (all that is needed to continue), `model.safetensors` (the moving average,
    ready for use) and `previews/`. A run that was stopped at any moment and resumed ends with the same numbers as one
    that was not: its random numbers follow from the seed and the step, and the state holds the rest. The numbers are
    the same bit for bit if the same number of processes shares the work; else sums are rounded in another order.

    Args:
        preset: Preset.
        folder: where to write; made if it doesn't exist.
        seed: of everything random.
        threads: number of cores to use, by processes that share each step.
        ranks: `minidit.training.parallel.mpi.Ranks` that share each step instead.
        progress: show bars.
        xp: the array library of the device that computes: numpy, or cupy for the GPU. The run's own state, from which
            it is saved, is the host's in either case, and so a run can be resumed on the other device.
    """

    def __init__(self, preset, folder, seed=0, threads=1, ranks=None, progress=True, xp=np):
        self.settings, self.codec_training = preset.model, preset.codec_training
        self.training = preset.diffusion_training
        self.folder, self.seed, self.progress = Path(folder), seed, progress
        self.threads, self.ranks, self.xp = threads, ranks, xp
        self.codec_trained, self.codec_psnr, self.refined = False, None, False
        self.minutes, self.seconds = None, 0.0  # to plan the steps by, and spent so far
        self.scores = []  # (step, strict seen, strict held-out)
        rng = np.random.default_rng([seed, 0])
        self.model = VideoModel(self.settings, rng)
        self.state = TrainingState.start(self.model.dit.params.flat)

    def start(self, minutes=None, origin=None):
        """Makes the folder, trains the codec, plans the steps, and writes the first state.

        Args:
            minutes: time for the whole run. Some steps of the codec and of the DiT are timed, and their numbers are
                chosen to fit, in place of the preset's.
            origin: a checkpoint to take the codec and the first weights of the DiT from.
        Raises:
            UserError: the folder holds a run or a model already, or can't be made; there are too many ranks; or the
                origin is of another kind.
            Interrupted: Ctrl-C; the state is saved.
        """
        self.check_ranks()
        if origin is not None:
            start_from(self.model, origin)
            self.state, self.codec_trained = TrainingState.start(self.model.dit.params.flat), True
        if (self.folder / STATE).exists():
            raise UserError(
                f"{self.folder} holds a training run already. Continue it with --resume, or choose another --out."
            )
        if (self.folder / MODEL).exists():
            raise UserError(f"{self.folder} holds a model already, {MODEL}. Choose another --out.")
        try:
            (self.folder / "previews").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"can't make the folder {self.folder}: {error.strerror}.") from error
        self.minutes = minutes
        self.prepare()

    def resume(self):
        """Reads the state that an earlier run of the same preset and seed left in the folder.

        Raises:
            UserError: no state, a damaged one, one of a run with other settings; or too many ranks.
        """
        path = self.folder / STATE
        if not path.exists():
            raise UserError(f"{self.folder} holds no training run to resume ({STATE} is not there).")
        further = {name: array.shape for name, array in codec_tensors(self.model.codec).items()}
        state, codec, metadata = TrainingState.load(path, self.state.params.size, further, self.check_notes)
        self.state, self.scores = state, metadata["scores"]
        self.codec_psnr, self.codec_trained = metadata["codec_psnr"], metadata.get("codec_trained", True)
        if self.codec_trained:  # else its training continues from a file of its own
            try:
                load_codec(self.model.codec, codec)
            except ValueError as error:
                raise misfit(path, error) from error
        if (self.folder / MODEL).exists():
            self.model.record = load_record(self.folder / MODEL)
        self.refined = metadata.get("decoder_refined", False)
        if "codec_training" in metadata:
            self.codec_training = read_typed(CodecTraining, metadata["codec_training"], BOUNDS)
        self.minutes, self.seconds = metadata.get("minutes"), metadata.get("seconds", 0.0)
        # Its own plan, which may differ from the preset's in steps and the like; how to compute it is ours to choose.
        self.training = type(self.training).from_json(metadata["training"] | {"recompute": self.training.recompute})
        self.check_ranks()
        before = metadata.get("shared_by", self.shared_by)
        if before != self.shared_by:
            print(
                f"minidit: {before} shared this run so far, and now {self.shared_by}. It sees the same clips, "
                "but sums in another order, so that the last digits will differ.",
                file=sys.stderr,
            )

    def check_notes(self, metadata):
        """Makes sure that what a state says is of this run.

        Raises:
            UserError: it is of a run with other settings.
            ValueError: it makes no sense.
        """
        if settings_from_json(metadata["settings"]) != self.settings or metadata["seed"] != self.seed:
            raise UserError(
                f"the run in {self.folder} has other settings than this command's (preset or seed). "
                "Resume it with the preset and seed that it was started with."
            )
        self.training.from_json(metadata["training"])
        if "codec_training" in metadata:
            read_typed(CodecTraining, metadata["codec_training"], BOUNDS, "codec_training")
        for name in {"scores", "codec_psnr"} | (NOTES.keys() & metadata.keys()):
            read_typed(NOTES[name], metadata[name], name=name)

    def prepare(self):
        """Trains the codec and plans the steps, unless this is done already, and saves.

        Raises:
            Interrupted: Ctrl-C; the state is saved.
        """
        if self.codec_psnr is not None and self.minutes is None:
            return
        begin = monotonic() - self.seconds
        with self.saved_when_interrupted():
            try:
                if self.codec_psnr is None:
                    self.train_codec()
                if self.minutes is not None:
                    refining, seconds_per_step = self.plan_refining(), self.seconds_per_step()
                    left = TRAINING_SHARE * (60 * self.minutes - (monotonic() - begin)) - refining
                    self.training = replace(self.training, steps=max(1, int(left / seconds_per_step)))
                    self.minutes = None
            finally:
                self.seconds = monotonic() - begin
        with uninterrupted():
            self.save()
            (self.folder / CODEC_STATE).unlink(missing_ok=True)

    def plan_refining(self):
        """Chooses how many steps train the decoder further. Returns the seconds that they take."""
        training = self.codec_training
        if not training.refine_steps:
            return 0.0
        seconds = seconds_per_decoder_step(self.model.on(self.xp), training)
        steps = max(1, int(60 * DECODER_SHARE * self.minutes / seconds))
        self.codec_training = replace(training, refine_steps=steps)
        return steps * seconds

    def train_codec(self):
        """Trains the codec, if it doesn't come from another model, and measures it."""
        codec, size, frames = self.model.codec.on(self.xp), self.settings.size, self.settings.frames
        if self.codec_trained:
            self.codec_psnr = reconstruction_psnr(codec, size, frames, self.seed)
            return
        file = self.folder / CODEC_STATE
        if self.minutes is not None and not file.exists():
            seconds = seconds_per_codec_step(codec, self.codec_training, size, frames)
            steps = max(1, int(60 * CODEC_SHARE * self.minutes / seconds))
            self.codec_training = replace(self.codec_training, steps=steps)
        psnr = train_codec(codec, self.codec_training, size, frames, self.seed, self.progress, file)
        self.model.codec, self.codec_trained, self.codec_psnr = codec.on(np), True, psnr

    @contextmanager
    def saved_when_interrupted(self, team=None):
        """Ctrl-C inside saves the state, which a team holds or the run itself.

        Raises:
            Interrupted: says what was saved.
        """
        try:
            yield
        except Interrupted:  # a second Ctrl-C, within a step: what the team holds is of no use
            raise
        except KeyboardInterrupt as stop:
            with suppress(KeyboardInterrupt), uninterrupted():
                if team:
                    team.store(self.state)
                self.save()
            if self.codec_psnr is None:
                done = "while the codec was being trained"
            elif self.minutes is not None:
                done = "before the first step"
            else:
                done = f"at step {self.state.step:,} of {self.training.steps:,}"
            raise Interrupted(f"stopped {done}. All of it is saved in {self.folder / STATE}.") from stop

    def check_ranks(self):
        """Makes sure that each MPI rank has something to do."""
        if self.ranks:
            check_shares(self.ranks.count, self.training)

    @property
    def step(self):
        """Number of steps done."""
        return self.state.step

    @property
    def processes(self):
        """Number of processes that share the work on this machine: one per core, but no more than the batch has shards.

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

    @contextmanager
    def team(self, state):
        """All who share this run's work, with a TrainingState loaded."""
        with ExitStack() as stack:
            with uninterrupted():
                if self.ranks:
                    team = self.ranks.team(self.job())
                else:
                    team = Team(self.job(), self.processes, self.threads // self.processes, self.xp)
                stack.enter_context(team)
                team.load(state)
            yield team

    def job(self):
        """What they compute."""
        return VideoTraining(self.settings, self.training, codec_tensors(self.model.codec), self.seed)

    def seconds_per_step(self):
        """Times some steps, without pictures and checkpoints. The run stays as it was."""
        trial = TrainingState(**self.state.vectors)  # has its own step; the vectors are only read
        with self.team(trial) as team:
            for _ in train_to(team, trial, TIMED_STEPS):  # the first ones are slower
                pass
            begin = monotonic()
            for _ in train_to(team, trial, 2 * TIMED_STEPS):
                pass
            return (monotonic() - begin) / TIMED_STEPS

    def train(self):
        """Trains the DiT to the last step, writing checkpoints and previews on the way.

        Raises:
            UserError: the run diverged, or a process died. The last checkpoint stays.
            Interrupted: Ctrl-C; the state is saved.
        """
        self.prepare()
        state, steps = self.state, self.training.steps
        bar = tqdm(total=steps, initial=state.step, desc="train", unit="step", disable=not self.progress)
        with bar, self.saved_when_interrupted(), self.team(state) as team, self.saved_when_interrupted(team):
            saved = monotonic()
            if self.preview_due():  # the run was stopped before it; after the last step nothing else would save it
                self.preview(bar)
                with uninterrupted():
                    self.save()
            for losses, norms in train_to(team, state, steps, SPAN):
                bar.update(len(losses))
                bar.set_postfix(loss=f"{np.mean(losses):.3f}", gradient=f"{np.mean(norms):.2f}")
                preview_due = self.preview_due()
                if preview_due or monotonic() - saved > CHECKPOINT_SECONDS:
                    with uninterrupted():
                        team.store(state)
                    if preview_due:
                        self.preview(bar)
                    with uninterrupted():
                        self.save()
                    saved = monotonic()
        if self.codec_training.refine_steps and not self.refined:
            with self.saved_when_interrupted():
                self.refine()

    def refine(self):
        """Trains the decoder on what the moving average predicts, and saves."""
        self.model.dit.params.flat[...] = self.state.ema
        codec = refine_decoder(self.model.on(self.xp), self.codec_training, self.seed, self.progress)
        with uninterrupted():
            self.model.codec, self.refined = codec.on(np), True
            self.codec_psnr = reconstruction_psnr(self.model.codec, self.settings.size, self.settings.frames, self.seed)
            self.save()

    def preview_due(self):
        """Whether it is time for the next preview: they are spread evenly over the run, the last at the end."""
        before, now = (step * PREVIEWS // max(self.training.steps, 1) for step in (self.previewed, self.state.step))
        return now > before and not self.state.losses  # between two spans

    @property
    def previewed(self):
        """The step of the last preview."""
        return self.scores[-1][0] if self.scores else 0

    def preview(self, bar):
        """Draws and judges clips made by the moving average, and notes the scores."""
        self.model.dit.params.flat[...] = self.state.ema
        step = self.state.step
        seen, held_out = write_preview(self.model.on(self.xp), self.folder / "previews" / f"step_{step:06d}.png")
        self.scores.append([step, seen, held_out])
        message = f"step {step}: strictly right {seen:.0%} of seen, {held_out:.0%} of held-out prompts"
        bar.write(message, file=sys.stderr)

    def save(self):
        """Writes the model, as soon as its codec is trained, and the state, each whole or not at all.

        The state comes last: a run that was killed in between makes the model again.
        """
        metadata = {
            "settings": settings_to_json(self.settings),
            "training": asdict(self.training),
            "seed": self.seed,
            "scores": self.scores,
            "codec_trained": self.codec_trained,
            "codec_psnr": self.codec_psnr,
            "codec_training": asdict(self.codec_training),
            "decoder_refined": self.refined,
            "minutes": self.minutes,
            "seconds": 0.0 if self.minutes is None else self.seconds,
            "shared_by": self.shared_by,
        }
        if self.codec_trained:
            self.model.dit.params.flat[...] = self.state.ema
            save_model(self.folder / MODEL, self.model, self.record())
        self.state.save(self.folder / STATE, metadata, codec_tensors(self.model.codec))

    def record(self):
        """How the model was trained, for its file.

        Returns:
            "seed", "step", "codec_psnr" in dB; "history", at most RECORDED pairs (step, mean loss up to it); "scores",
            triples (step, strictly right of seen, of held-out prompts) of the previews. Of a run that trains the
            decoder only, they are those of the model that it started from.
        """
        if not self.training.steps:
            return self.model.record | {"codec_psnr": self.codec_psnr}
        history = np.array(self.state.history).reshape(-1, 2)
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
