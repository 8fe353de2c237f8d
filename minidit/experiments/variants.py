"""The variants of one small model, and the number of training steps that equal compute buys each of them."""

from dataclasses import dataclass, field, replace

from minidit.errors import check_known
from minidit.experiments.small import small_settings, step_products

PATCHES = ((2, 1, 1), (4, 1, 1))  # frames, rows, columns of latents to a token: 64 and 32 tokens
TARGETS = ("data", "noise", "velocity")
BASE = "base"
PARTS, TARGET, TIME = "block", "target", "time"  # groups of variants


@dataclass(frozen=True)
class Variant:
    """One network and its training.

    Attributes:
        title: for tables and the figure.
        group: PARTS, TARGET or TIME.
        choices: the DiTSettings in which it differs from the base.
        target: what it predicts.
        known_starts: whether the beginning of some clips is known in training.
    """

    title: str
    group: str = PARTS
    choices: dict = field(default_factory=dict)
    target: str = "data"
    known_starts: bool = False

    def settings(self, base):
        """VideoModelSettings of this variant of a base."""
        return replace(base, dit=replace(base.dit, **self.choices), prediction=self.target)


def patch_name(patch):
    """Such as 2x1x1."""
    return "x".join(map(str, patch))


VARIANTS = {
    BASE: Variant("base: the paper's block"),
    "rmsnorm": Variant("RMSNorm", choices={"norm": "rms"}),
    "qk-norm": Variant("QK-norm", choices={"qk_norm": True}),
    "rope": Variant("RoPE", choices={"positions": "rope"}),
    "both": Variant("RoPE, and positions added", choices={"positions": "both"}),
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
    "time-channels": Variant(
        "time as a channel of the latents", TIME, {"conditioning_channels": True}, known_starts=True
    ),
    "time-token": Variant("time by modulation of the tokens", TIME, {"time": "token"}, known_starts=True),
    "time-both": Variant("both", TIME, {"conditioning_channels": True, "time": "token"}, known_starts=True),
}


def checked_names(names):
    """The variants to train, in their usual order: those named, or all. The base is always among them.

    Raises:
        UserError: there is no variant of a name.
    """
    check_known("variant", names or (), VARIANTS)
    return [name for name in VARIANTS if not names or name in names or name == BASE]


def base_settings(width=64, depth=2, heads=4, text_width=32):
    """VideoModelSettings of the base: a small DiT with several tokens in time."""
    return small_settings(width, depth, heads, PATCHES[0], text_width)


def steps_of(settings, base, steps, batch):
    """The number of steps that costs what these steps of the base cost, at least one."""
    return max(1, round(steps * step_products(base, batch) / step_products(settings, batch)))
