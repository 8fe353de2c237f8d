"""A training run from nothing to a model: codec, DiT, checkpoints, previews; and going on after a kill."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from minidit.errors import UserError
from minidit.models.video_model import VideoModel
from minidit.training.checkpoint import (
    codec_tensors,
    load_codec,
    read_tensors,
    save_model,
    settings_to_json,
    write_tensors,
)
from minidit.training.codec import train_codec
from minidit.training.steps import VECTORS

SPAN = 25  # steps between two looks at the progress
CHECKPOINT_SECONDS = 60
TIMING_STEPS = 50  # steps after which --minutes knows how many will fit

STATE, MODEL = "state.safetensors", "model.safetensors"


class Run:
    """A training run in a folder.

    The folder holds `state.safetensors` (all that is needed to go on), `model.safetensors` (the moving average,
    ready for use) and `previews/`. A killed run that is resumed ends with the same numbers, bit for bit, as one
    that was not: its random numbers follow from the seed and the step, and the state is the whole rest.

    Args:
        preset: Preset.
        folder: where to write; made if need be.
        seed: of everything random.
        workers: processes that share each step.
        progress: show bars.
    """

    def __init__(self, preset, folder, seed=0, workers=1, progress=True):
        self.settings, self.codec_training = preset.model, preset.codec_training
        self.training = preset.diffusion_training
        self.folder, self.seed, self.workers, self.progress = Path(folder), seed, workers, progress
        self.step, self.history, self.codec_psnr = 0, [], None
        rng = np.random.default_rng([seed, 0])
        self.model = VideoModel(self.settings, rng)
        self.vectors = {name: np.zeros_like(self.model.dit.params.flat) for name in VECTORS}
        self.vectors["params"][...] = self.vectors["ema"][...] = self.model.dit.params.flat

    def start(self):
        """Makes the folder and trains the codec.

        Raises:
            UserError: the folder holds a run already, or can't be made.
        """
        if (self.folder / STATE).exists():
            raise UserError(
                f"{self.folder} holds a training run already. Go on with it by --resume, or choose another --out."
            )
        try:
            (self.folder / "previews").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"can't make the folder {self.folder}: {error.strerror}.") from error
        self.codec_psnr = train_codec(
            self.model.codec, self.codec_training, self.settings.size, self.settings.frames, self.seed, self.progress
        )
        self.save()

    def resume(self):
        """Reads the state that an earlier run of the same preset and seed left in the folder.

        Raises:
            UserError: there is none, it is damaged, or it is of a run with other settings.
        """
        path = self.folder / STATE
        if not path.exists():
            raise UserError(f"{self.folder} holds no training run to resume ({STATE} is not there).")
        tensors, metadata = read_tensors(path)
        if metadata["settings"] != json_ready(settings_to_json(self.settings)) or metadata["seed"] != self.seed:
            raise UserError(
                f"the run in {self.folder} has other settings than this command's (preset or seed). "
                "Resume it with the preset and seed that it was started with."
            )
        load_codec(self.model.codec, tensors)
        for name in VECTORS:
            self.vectors[name][...] = tensors[f"state.{name}"]
        self.step, self.history = metadata["step"], metadata["history"]
        self.codec_psnr = metadata["codec_psnr"]
        self.training = replace(self.training, steps=metadata["steps"])

    def save(self):
        """Writes the state and the model, each whole or not at all."""
        metadata = {
            "kind": "state",
            "settings": settings_to_json(self.settings),
            "training": asdict(self.training),
            "seed": self.seed,
            "step": self.step,
            "steps": self.training.steps,
            "history": self.history,
            "codec_psnr": self.codec_psnr,
        }
        tensors = {f"state.{name}": vector for name, vector in self.vectors.items()}
        write_tensors(self.folder / STATE, tensors | codec_tensors(self.model.codec), metadata)
        self.model.dit.params.flat[...] = self.vectors["ema"]
        save_model(self.folder / MODEL, self.model)
