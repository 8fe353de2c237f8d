"""What a trained model can do, for people who want clips rather than tensors."""

from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import numpy as np

from minidit.backend.device import announce, choose_device
from minidit.diffusion.text_to_video import generate
from minidit.errors import UserError
from minidit.training.checkpoint import load_model
from minidit.training.trainer import MODEL

SHIPPED = ("weights", "minidit.safetensors")  # inside the package


def load(path=None, device=None):
    """Opens a trained model.

    Args:
        path: a checkpoint, or the folder of a training run; by default the checkpoint that minidit is shipped with.
        device: what computes: "cpu", "gpu" or "simulated"; by default what the environment variable MINIDIT_DEVICE
            says, or the CPU. Said on standard error if it is not the CPU.
    Returns:
        Studio.
    Raises:
        UserError: there is no such file, or it is not a whole checkpoint of minidit's (see `load_model`); or the device
            can't compute here.
    """
    xp = choose_device(device)
    if xp is not np:
        announce(xp)
    with checkpoint_file(path) as file:
        return Studio(load_model(file).on(xp))


@contextmanager
def checkpoint_file(path=None):
    """The file that `load(path)` reads: a context manager, as a package inside a zip is unpacked for its duration."""
    if path is None:
        with resources.as_file(resources.files("minidit").joinpath(*SHIPPED)) as file:
            yield file
    else:
        path = Path(path)
        yield path / MODEL if path.is_dir() else path


class Studio:
    """A trained model and what it can do.

    Args:
        model: VideoModel.
    """

    def __init__(self, model):
        self.model = model

    def on(self, xp):
        """The same on the device of an array library (see `minidit.backend.device`)."""
        return Studio(self.model.on(xp))

    @property
    def settings(self):
        """VideoModelSettings: size and number of frames of a clip, defaults of the sampler, and the rest."""
        return self.model.settings

    @property
    def vocabulary(self):
        """The words that a prompt may have, a tuple of str."""
        return self.model.settings.vocabulary

    def check(self, prompt):
        """Reads a prompt without making anything of it.

        Raises:
            UserError: a word that the model doesn't know, or too many words.
        """
        if not isinstance(prompt, str):
            raise UserError(f"a prompt is one string of words, but this is {prompt!r}.")
        self.model.tokenizer.encode([prompt])

    def generate(self, prompt, seed=0, steps=None, guidance=None, sampler="euler", callback=None):
        """Makes a clip of what the prompt says.

        Args:
            prompt: str of words of the vocabulary; an empty one leaves everything to the model.
            seed: a whole number of at least 0; the same seed, prompt and settings give the same clip.
            steps: of the sampler; more are slower and finer.
            guidance: how closely to follow the prompt: 0 ignores it, 1 is no guidance, 2 or 3 are usual.
            sampler: a name from `minidit.diffusion.SAMPLERS`.
            callback: called as callback(steps_done, t, latents) after each step.
        Returns:
            (frames, height, width, 3) float32 in [0, 1].
        Raises:
            UserError: an unknown word, or a setting that makes no sense.
        """
        self.check(prompt)
        if not isinstance(seed, int) or seed < 0:
            raise UserError(f"a seed is a whole number of at least 0, but this is {seed!r}.")
        return generate(self.model, [prompt], [seed], steps, guidance, sampler, callback=callback)[0]
