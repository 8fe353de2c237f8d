"""What is measured: three fixed sizes and two presets, each with a batch that stays the same."""

from dataclasses import dataclass, replace

import numpy as np

from minidit.backend import moved
from minidit.layers.patchify import patch_grid
from minidit.models.dit import DiT, DiTSettings
from minidit.models.tokenizer import Tokenizer
from minidit.presets import PRESETS
from minidit.training.buckets import draw_attributes
from minidit.world import VOCABULARY, caption

# N = clips of a batch, F, H, W, C = frames, rows, columns, channels of the latents, L = words of the longest prompt

SEED = 0


@dataclass(frozen=True)
class Case:
    """A network and the size of its batch.

    Attributes:
        name: of the case.
        settings: DiTSettings.
        shape: (F, H, W, C) of a clip's latents.
        batch: clips of a training step.
    """

    name: str
    settings: DiTSettings
    shape: tuple[int, int, int, int]
    batch: int

    @property
    def grid(self):
        """(frames, rows, columns) of a clip, in tokens."""
        return patch_grid(self.shape[:3], self.settings.patch)


@dataclass(frozen=True)
class Inputs:
    """A batch that is used over and over: x and target (N, F, H, W, C), t (N,), labels (N,) or word ids (N, L)."""

    x: np.ndarray
    t: np.ndarray
    condition: np.ndarray
    target: np.ndarray

    @property
    def words(self):
        """L, or None for labels."""
        return self.condition.shape[1] if self.condition.ndim == 2 else None

    def of(self, clips):
        """The same for some of the clips (a slice or a list of indices)."""
        return Inputs(self.x[clips], self.t[clips], self.condition[clips], self.target[clips])

    def on(self, xp):
        """The same on the device of an array library."""
        return Inputs(*(moved(array, xp) for array in (self.x, self.t, self.condition, self.target)))


def labelled(name, width, depth, num_heads, rows, columns, batch):
    """A class-conditional case of rows × columns tokens, each a patch of 2 × 2 latents with four channels."""
    settings = DiTSettings(4, (1, 2, 2), width, depth, num_heads, num_classes=10)
    return Case(name, settings, (1, 2 * rows, 2 * columns, 4), batch)


def of_preset(name):
    """The DiT of a preset at its batch size, with the paper's choices: PyTorch's twin has no others."""
    preset = PRESETS[name]
    settings = replace(preset.model.dit, qk_norm=False, positions="sincos", conditioning_channels=False)
    return Case(name, settings, preset.model.latent_shape, preset.diffusion_training.batch)


CASES = {
    case.name: case
    for case in (
        labelled("tiny", 64, 2, 4, rows=4, columns=8, batch=16),
        labelled("lesson", 128, 4, 4, rows=8, columns=16, batch=16),
        labelled("S", 384, 12, 6, rows=16, columns=16, batch=4),
        of_preset("quick"),
        of_preset("sky"),
    )
}


def fixed_inputs(case, batch=None):
    """The case's batch, or one of another size: the same numbers every time."""
    rng = np.random.default_rng(SEED)
    batch = case.batch if batch is None else batch
    if case.settings.text:
        tokenizer = Tokenizer(VOCABULARY, case.settings.text.max_length)
        condition = tokenizer.encode([caption(draw_attributes(rng, 0.0), rng) for _ in range(batch)])  # N, L
    else:
        condition = rng.integers(0, case.settings.num_classes, batch)  # N
    t = rng.uniform(0, 1000, batch).astype(np.float32)  # N
    x = rng.standard_normal((batch, *case.shape), dtype=np.float32)  # N, F, H, W, C
    target = rng.standard_normal((*x.shape[:-1], case.settings.out_channels), dtype=np.float32)
    return Inputs(x, t, condition, target)


def fixed_model(case):
    """A DiT of the case with the same numbers every time, none of them zero.

    Zero gates would save no work, but would hide mistakes from the comparison of gradients.
    """
    rng = np.random.default_rng(SEED)
    model = DiT(case.settings, rng)
    model.params.flat += 0.02 * rng.standard_normal(model.params.flat.size, dtype=np.float32)
    return model
