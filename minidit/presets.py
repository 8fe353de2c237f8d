"""Settings by name: the paper's sizes, and the runs that this project trains."""

import re
from dataclasses import dataclass, field, replace

from minidit.errors import UserError, check_known
from minidit.models.codec import CodecSettings
from minidit.models.decoder import Stage
from minidit.models.dit import DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import SPECIAL
from minidit.models.video_model import VideoModelSettings
from minidit.training.buckets import MANY_SIZES
from minidit.training.settings import CodecTraining, DiffusionTraining
from minidit.world import VOCABULARY

# Peebles & Xie 2023, table 1, and four sizes below it for a laptop: (width, depth, heads).
SIZES = {
    "XXXS": (64, 2, 4),
    "XXS": (128, 4, 4),
    "XS": (128, 6, 4),
    "XM": (192, 6, 6),
    "S": (384, 12, 6),
    "B": (768, 12, 12),
    "L": (1024, 24, 16),
    "XL": (1152, 28, 16),
}

ONE = (1, 1, 1)


def dit_settings(name, in_channels, **conditioning):
    """DiTSettings from a name in the style of the paper.

    Args:
        name: "minidit-XS/2" for patches of 2 × 2 latents, "minidit-XS/8x1x1" for frames × rows × columns.
        in_channels: channels of the latents.
        conditioning: `num_classes` or `text`, and `learn_sigma`, as in DiTSettings.
    Raises:
        UserError: the name has another form.
    """
    match = re.fullmatch(r"minidit-(\w+)/(?:([1-9]\d*)|([1-9]\d*)x([1-9]\d*)x([1-9]\d*))", name)
    if not match or match[1] not in SIZES:
        raise UserError(f'"{name}" names no size. Write minidit-SIZE/PATCH, with SIZE one of {", ".join(SIZES)}.')
    patch = (1, int(match[2]), int(match[2])) if match[2] else tuple(int(match[i]) for i in (3, 4, 5))
    width, depth, num_heads = SIZES[match[1]]
    return DiTSettings(in_channels, patch, width, depth, num_heads, **conditioning)


@dataclass(frozen=True)
class Preset:
    """A whole run: what is trained, and how.

    Attributes:
        description: one line for `minidit train --help`.
        model: VideoModelSettings.
        codec_training, diffusion_training: how each of its two parts is trained.
    """

    description: str
    model: VideoModelSettings
    codec_training: CodecTraining = field(default_factory=CodecTraining)
    diffusion_training: DiffusionTraining = field(default_factory=DiffusionTraining)


def _model(name, size, codec, width=64, sampling=None, **choices):
    """VideoModelSettings of the toy world: a DiT of that name on square clips of 8 frames.

    Args:
        size: of a frame. codec: CodecSettings. width: of the text encoder. sampling: how clips are made, as in
            VideoModelSettings. choices: of the DiT, as in DiTSettings.
    """
    encoder = TextEncoderSettings(vocabulary_size=len(SPECIAL) + len(VOCABULARY), width=width)
    dit = dit_settings(name, codec.channels, text=encoder, **choices)
    return VideoModelSettings(size, frames=8, codec=codec, dit=dit, vocabulary=VOCABULARY, **(sampling or {}))


FEW_STEPS = {"steps": 6, "guidance": 2.0, "interval": (0.0, 0.3), "sampler": "ddpm"}

SKY = Preset(
    "32 x 32 pixels, 8 frames: what the shipped checkpoint starts from",
    _model(
        "minidit-XM/8x1x1",
        size=32,
        codec=CodecSettings((1, 8, 8), 12, 512, (Stage((3, 3, 3), 1024), Stage(ONE, 512), Stage(ONE, 3, (1, 8, 8)))),
        sampling=FEW_STEPS,
        positions="rope",
        qk_norm=True,
        conditioning_channels=True,
    ),
    CodecTraining(steps=2_700, pool=1536, sizes=((32, 32),) * 4 + ((32, 48), (48, 32), (40, 40), (48, 48))),
    DiffusionTraining(
        steps=54_000,
        batch=16,
        learning_rate=2e-3,
        warmup=300,
        decay=0.67,
        ema=0.9995,
        time_mean=-1.3,
        late_times=0.1,
        noise_floor=0.2,
        grammar=0.8,
    ),
)

FILM = replace(
    SKY,
    model=replace(SKY.model, polish=2),
    description="sky, trained further for many uses: clips of many sizes and lengths, partly known. Start it --from a "
    "sky model",
    diffusion_training=replace(SKY.diffusion_training, steps=26_000, learning_rate=8e-4, decay=0.8, buckets=MANY_SIZES),
)

PRESETS = {
    "quick": Preset(
        "16 x 16 pixels, 8 frames: from nothing to a model in five minutes on two cores",
        _model(
            "minidit-XXS/8x1x1",
            size=16,
            codec=CodecSettings(
                (1, 4, 4), 12, 160, (Stage((3, 3, 3), 192), Stage(ONE, 128), Stage(ONE, 3, (1, 4, 4)))
            ),
            sampling={"steps": 8, "guidance": 2.0, "sampler": "ddpm"},
            positions="both",
            qk_norm=True,
        ),
        CodecTraining(steps=1_600, learning_rate=1e-2),
        DiffusionTraining(
            steps=11_000,
            batch=16,
            learning_rate=3e-3,
            warmup=100,
            decay=0.6,
            time_mean=-1.6,
        ),
    ),
    "sky": SKY,
    "film": FILM,
    "crisp": Preset(
        "film with a decoder that has another stage, and learns from what film predicts: the shipped checkpoint. Start "
        "it --from a film model",
        replace(
            FILM.model,
            codec=replace(
                FILM.model.codec,
                decoder=(*FILM.model.codec.decoder[:-1], Stage(ONE, 64, (1, 4, 4)), Stage((1, 3, 3), 3, (1, 2, 2))),
            ),
        ),
        CodecTraining(
            steps=0, batch=8, sizes=((32, 32),) * 3 + ((32, 48), (48, 32)), learning_rate=1e-3, refine_steps=2_000
        ),
        replace(FILM.diffusion_training, steps=0),
    ),
    "tiny": Preset(
        "a few hundred steps of a very small model: to see that everything runs, not to make good clips",
        _model("minidit-XXXS/8x1x1", size=16, codec=CodecSettings((1, 4, 4), channels=8, hidden=64), width=32),
        CodecTraining(steps=600, pool=64),
        DiffusionTraining(steps=300, batch=32),
    ),
}


def preset_named(name, besides=""):
    """The Preset of this name.

    Args:
        besides: what else might have been named, in words.
    Raises:
        UserError: there is none.
    """
    check_known("preset", [name], PRESETS, besides)
    return PRESETS[name]


def with_batch(training, batch):
    """DiffusionTraining with another batch. The shards keep their size, so that more clips mean more shards to share.

    Args:
        batch: number of clips; None leaves it as it is.
    Raises:
        UserError: it doesn't divide into shards.
    """
    if batch is None:
        return training
    clips = training.batch // training.shards
    if batch % clips:
        near = f"{batch - batch % clips} or {batch + clips - batch % clips}" if batch > clips else clips
        raise UserError(f"a batch of {batch} clips can't be shared out: they come in shards of {clips}. Try {near}.")
    return replace(training, batch=batch, shards=batch // clips)
