"""The variants of one small model, and how many steps of training the same compute buys each of them."""

from dataclasses import dataclass, field, replace
from math import prod

from minidit.errors import UserError
from minidit.models.cost import multiply_accumulates
from minidit.models.dit import DiTSettings
from minidit.presets import PRESETS
from minidit.world import ALL_ATTRIBUTES, wordings

PATCHES = ((2, 1, 1), (4, 1, 1))  # frames, rows, columns of latents to a token: 64 and 32 tokens
TARGETS = ("data", "noise", "velocity")
BASE = "base"
PARTS, TARGET, TIME = "block", "target", "time"  # groups of variants


@dataclass(frozen=True)
class Variant:
    """One network, and what it is trained for.

    Attributes:
        title: for tables and the figure.
        group: PARTS, TARGET or TIME.
        choices: what it changes in the base's DiTSettings.
        target: what it predicts.
        given: whether a part of some clips is given in training.
    """

    title: str
    group: str = PARTS
    choices: dict = field(default_factory=dict)
    target: str = "data"
    given: bool = False


def patch_name(patch):
    """Such as 2x1x1."""
    return "x".join(map(str, patch))


VARIANTS = {
    BASE: Variant("base: the paper's block"),
    "rmsnorm": Variant("RMSNorm", choices={"norm": "rms"}),
    "qk-norm": Variant("QK-norm", choices={"qk_norm": True}),
    "rope": Variant("RoPE", choices={"positions": "rope"}),
    "swiglu": Variant("SwiGLU", choices={"feedforward": "swiglu"}),
    "cross": Variant("prompt by cross-attention", choices={"prompt": "cross"}),
    "in-context": Variant("prompt in context", choices={"prompt": "in_context"}),
    "factorised": Variant("attention in space, then time", choices={"attention": "factorised"}),
    "adaln": Variant("adaLN without zero gates", choices={"zero_init": False}),
    "modern": Variant(
        "RMSNorm, QK-norm, RoPE, SwiGLU",
        choices={"norm": "rms", "qk_norm": True, "positions": "rope", "feedforward": "swiglu"},
    ),
    **{
        f"{target}-{patch_name(patch)}": Variant(
            f"{target}, patch {patch_name(patch)}", TARGET, {"patch": patch}, target
        )
        for patch in PATCHES
        for target in TARGETS
        if (patch, target) != (PATCHES[0], "data")  # the base
    },
    "time-marks": Variant("time as marks of the latents", TIME, {"conditioning_channels": True}, given=True),
    "time-token": Variant("time by modulation of the tokens", TIME, {"time": "token"}, given=True),
    "time-both": Variant("both", TIME, {"conditioning_channels": True, "time": "token"}, given=True),
}


def checked_names(names):
    """The variants to train, in their usual order: those of the names, or all. The base is always among them.

    Raises:
        UserError: a name is none of a variant.
    """
    for name in names or ():
        if name not in VARIANTS:
            raise UserError(f'there is no variant "{name}". Choose from: {", ".join(VARIANTS)}.')
    return [name for name in VARIANTS if not names or name in names or name == BASE]


def base_settings(width=64, depth=2, num_heads=4, text_width=32):
    """VideoModelSettings of the base: preset quick's world and codec, a small DiT with several tokens in time."""
    quick = PRESETS["quick"].model
    text = replace(quick.dit.text, width=text_width)
    return replace(quick, dit=DiTSettings(quick.codec.channels, PATCHES[0], width, depth, num_heads, text=text))


def settings_of(variant, base):
    """VideoModelSettings of a variant of a base."""
    return replace(base, dit=replace(base.dit, **variant.choices), prediction=variant.target)


def step_products(settings, batch):
    """Multiply-accumulates of a training step, with prompts of the longest wording."""
    words = 1 + max(len(sentence.split()) for a in ALL_ATTRIBUTES for sentence in wordings(a))  # the start word is one
    return multiply_accumulates(settings.dit, batch, grid_of(settings), words)


def grid_of(settings):
    """Tokens of a clip along frames, rows and columns."""
    return tuple(size // step for size, step in zip(settings.latent_shape, settings.dit.patch, strict=False))


def tokens_of(settings):
    """How many tokens a clip has."""
    return prod(grid_of(settings))


def steps_of(settings, base, steps, batch):
    """How many steps cost as much as the base's, at least one."""
    return max(1, round(steps * step_products(base, batch) / step_products(settings, batch)))
